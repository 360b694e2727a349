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
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      search.focus();
      event.preventDefault();
    }
  });
  const which = el("select", { id: "process", onchange: () => change({ process: Number(which.value) }) },
    el("option", { value: -1 }, "all"),
    data.processes.map((process, index) => el("option", { value: index }, process.pid + "  " + process.command.slice(0, 50))));
  listeners.push((what) => {
    if ("process" in what) which.value = String(what.process);
  });
  return el("div", { class: "card tools", role: "search" },
    el("label", {}, "Search", search),
    data.processes.length > 1 ? el("label", {}, "Process", which) : null,
    el("label", {}, "Count", choice("Count", [["bytes", "bytes"], ["count", "blocks"]], "bytes", (metric) => change({ metric }))),
    el("span", { class: "soft" }, "Press / to search."));
}

function start() {
  const flame = flameSection();
  const timeline = timelineSection();
  const parts = [
    processesSection(),
    testsSection((process, moment) => timeline.show(process, moment)),
    siteCount > 0 ? [tools(), sitesSection((node) => flame.show(node)), flame.node] : null,
    document.getElementById("held"),
    timeline.node,
    coverageSection(),
    findingsSection(),
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
  if (siteCount > 0) flame.refresh();
  timeline.refresh();
  document.documentElement.dataset.ready = "true";
}

start();
