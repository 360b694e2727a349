// Puts the page together.

function tools() {
  const search = el("input", {
    type: "search", id: "search", placeholder: "function, file, library, class, thread…", "aria-label": "Search the sites",
    autocomplete: "off", spellcheck: "false",
  });
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => change({ words: search.value }), siteCount > 20000 ? 250 : 80);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && search.value !== "") {
      search.value = "";
      change({ words: "" });
      event.preventDefault();
    }
  });
  listeners.push((what) => {
    if ("words" in what && document.activeElement !== search) search.value = what.words;
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      search.focus();
      event.preventDefault();
    }
  });
  const which = el("select", {
    id: "process",
    onchange: () => {
      const [what, value] = [which.value.charAt(0), which.value.slice(1)];
      change({ process: what === "p" ? Number(value) : -1, module: what === "m" ? value : null, test: -1 });
    },
  },
    el("option", { value: "" }, "all"),
    manyModules ? [...new Set(moduleNames)].map((name) => el("option", { value: "m" + name }, "module " + name)) : null,
    data.processes.map((process, index) => el("option", { value: "p" + index }, processName(index) + "  " + process.command.slice(0, 40))));
  listeners.push((what) => {
    if ("process" in what || "module" in what) {
      which.value = state.process >= 0 ? "p" + state.process : state.module !== null ? "m" + state.module : "";
    }
  });
  const stage = el("select", { id: "stage", onchange: () => change({ stage: stage.value, test: -1 }) },
    el("option", { value: "" }, "all"),
    stages.map((name) => el("option", { value: name }, name)));
  listeners.push((what) => {
    if ("stage" in what) stage.value = state.stage;
  });
  return el("div", { class: "card tools", role: "search" },
    el("label", {}, "Search", search),
    data.processes.length > 1 ? el("label", {}, manyModules ? "Module or process" : "Process", which) : null,
    stages.length > 0 ? el("label", {}, "Stage", stage) : null,
    el("span", { class: "label" }, "Count ", choice("Count", [["bytes", "bytes"], ["blocks", "blocks"]], "bytes", (metric) => change({ metric }))),
    el("span", { class: "soft wide" }, "Press / to search."));
}

/** Makes the address lead to what is open, so that it can be sent to somebody. */
function leadTo(hash) {
  try {
    history.replaceState(null, "", hash);
  } catch {
    // A viewer that shows the page inside of its own may forbid that.
  }
}

function start() {
  const flame = flameSection();
  const timeline = timelineSection();
  const inTimeline = (process, moment) => timeline.show(process, moment);
  const found = siteCount > 0 ? sitesSection((node) => flame.show(node), inTimeline) : null;
  const parts = [
    testsSection((row) => {
      change({ ...ALL, test: row });
      leadTo(testLink(row));
      if (found) found.node.scrollIntoView({ block: "start" });
      else inTimeline(assertions[row][0], assertions[row][1].atNs / 1000);
    }),
    found ? [tools(), found.node] : null,
    invalidFreesSection(),
    found ? flame.node : null,
    timeline.node,
    processesSection(),
    document.getElementById("held"),
    coverageSection(),
    notesSection(),
    el("p", { class: "foot" }, "Written by " + data.tool.name + " " + data.tool.version + "."),
  ].flat().filter(Boolean);
  const app = document.getElementById("app");
  app.append(...parts);
  const links = parts.filter((part) => part.id && part.tagName === "SECTION").map((part) =>
    el("a", { href: "#" + part.id }, part.querySelector("h2").textContent));
  const nav = document.getElementById("sections");
  nav.append(...links);
  document.getElementById("plain").remove();
  nav.hidden = false;
  app.hidden = false;
  if (found) flame.refresh();
  timeline.refresh();

  // What can be opened is open on paper.
  let closed = [];
  whenPrinting((whether) => {
    if (whether) closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = whether;
  });

  /** `#site=` and `#test=` say what to open. */
  function follow() {
    const [what, value] = location.hash.slice(1).split(/=(.*)/s);
    const name = value === undefined ? "" : decoded(value);
    if (what === "site" && found && found.opened() !== name) {
      change({ ...ALL });
      if (!found.open(name)) announce("This report has no site " + name);
    } else if (what === "test") {
      const row = testOf(name);
      if (row < 0) announce("This report has no test " + name);
      else if (row !== state.test) {
        change({ ...ALL, test: row });
        if (found) found.node.scrollIntoView({ block: "start" });
      }
    } else if (value === undefined && what) {
      const part = document.getElementById(what);
      if (part) part.scrollIntoView({ block: "start" });
    }
  }
  addEventListener("hashchange", follow);
  follow();
  document.documentElement.dataset.ready = "true";
}

start();
