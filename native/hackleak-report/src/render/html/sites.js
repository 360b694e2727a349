// The leak sites: a table that is searched and sorted, and the stack of the one that is open.

const MOST_SCOPES = 10;
const UNKNOWN_OWNER = "no frame of your own code";

/** Whether what the sites are of still runs: what it holds is live, and nobody knows whether it leaks. */
const isLive = (processes) => processes.length > 0 && processes.every((process) => data.processes[process].state === "running");

function ownerCell(site) {
  const line = (frame) => el("div", { title: frameName(frame) + "\n" + framePlace(frame) },
    sideBadge(frame), " ", el("span", { class: "mono" }, briefName(frame)), " ", el("span", { class: "soft mono" }, baseName(framePlace(frame))));
  const lines = [sites.java[site], sites.native[site]].filter((frame) => frame > 0).map((frame) => line(frame - 1));
  return lines.length > 0 ? lines : el("span", { class: "soft" }, UNKNOWN_OWNER);
}

const ownerText = (site) => {
  const frame = sites.java[site] || sites.native[site];
  return frame ? frameName(frame - 1) : "";
};

const siteLink = (site) => "#site=" + text(sites.id[site]);

/** The scopes of a site, those of the chosen stage alone if there is one; the largest first. */
function scopeText(site) {
  const all = scopesOf(site).filter(([name]) => !state.stage || stageOf(name) === state.stage);
  if (all.length < 2) return all.map(([name]) => text(name)).join("");
  const most = [...all].sort((one, other) => other[1] - one[1]).slice(0, MOST_SCOPES);
  const lines = most.map(([name, bytes, count]) => text(name) + ": " + told([site], bytes, count, false));
  if (all.length > MOST_SCOPES) lines.push((all.length - MOST_SCOPES) + " more");
  return lines.join(", ");
}

function sitesSection(showInFlame, showInTimeline) {
  const detail = el("section", { class: "detail", tabindex: 0, "aria-label": "The chosen site" });
  const about = el("span", { class: "about", role: "status" });
  const chosenTest = el("div", { class: "only", hidden: true });
  // A row is a number into the sites that are chosen.
  const row = (index) => selection.sites[index];
  const processes = (index) => row(index).processes;
  const owner = (index) => ownerText(row(index).site);
  const kind = (index) => text(sites.kind[row(index).site]);
  const columns = [
    { title: "Size", width: "5.5rem", right: true, cell: (index) => (hasBytes([row(index).site]) ? sized(row(index).bytes) : ""), compare: byNumber((index) => row(index).bytes) },
    { title: "Blocks", width: "4.5rem", right: true, cell: (index) => number(row(index).count), compare: byNumber((index) => row(index).count) },
    { title: "Kind", width: "5rem", cell: (index) => el("span", { title: kind(index) }, kind(index)), compare: byText(kind) },
    { title: "Likely owner", width: "minmax(0, 1fr)", class: "two", main: true, cell: (index) => ownerCell(row(index).site), compare: byText(owner) },
  ];
  if (data.processes.length > 1) {
    const name = (index) => {
      const all = processes(index);
      return all.length > 1 ? "in " + all.length : processName(all[0]);
    };
    columns.push({
      title: manyModules ? "Module, process" : "Process", width: manyModules ? "9rem" : "5rem", right: true, minor: true,
      cell: (index) => el("span", { title: processes(index).map(processName).join(", ") }, name(index)),
      compare: byText((index) => (processes(index).length > 1 ? "\uffff" : name(index))),
    });
  }
  let opened = false;
  const table = grid({
    label: "Leak sites", columns, rowHeight: 46, narrowHeight: 76, height: 506, empty: "No site matches.",
    open: (index) => {
      show(row(index), true);
      detail.focus({ preventScroll: true });
      // Where the table stands above it and not beside it, somebody has to be led there.
      if (detail.getBoundingClientRect().top > innerHeight / 2) detail.scrollIntoView({ block: "start" });
    },
  });

  const named = { mapping: "Mapped", thread: "Threads", "library handle": "Opened", "attached thread": "Attached", "local reference": "In" };

  function show({ site, bytes, count, processes }, link) {
    opened = link;
    const java = sites.java[site] - 1;
    const native = sites.native[site] - 1;
    const owners = new Set([java, native].filter((frame) => frame >= 0));
    const facts = [
      ["Kind", text(sites.kind[site])],
      ["Exactly", hasBytes([site]) ? counted(bytes, "byte") : ""],
      [named[nounOf([site])] || "Open", (sites.names[site] || []).join(", ")],
      ["Thread", text(sites.threads[site])],
      ["Scope", scopeText(site)],
      ["Held by", sites.holder[site] || ""],
      ["Process", data.processes.length > 1 ? processes.map(processName).join(", ") : ""],
      ["Stacks", sites.stacks[site] > 1 ? sites.stacks[site] + " that differ only in how their threads started" : ""],
    ].filter(([, value]) => value !== "");
    const title = told([site], bytes, count, isLive(processes));
    const copied = () => [title + ", " + text(sites.kind[site]), stackText(sites.node[site])].join("\n");
    detail.dataset.site = text(sites.id[site]);
    detail.replaceChildren(
      el("div", { class: "head" },
        el("h3", { title: counted(bytes, "byte") }, title),
        el("span", { class: "space" }),
        copyButton("Copy stack", "Stack", copied),
        copyButton("Copy link", "Link", () => location.href.split("#")[0] + siteLink(site)),
        el("button", { type: "button", class: "to-flame", onclick: () => showInFlame(sites.node[site]) }, "Flame graph")),
      el("dl", {}, facts.map(([term, value]) => [el("dt", {}, term), el("dd", {}, value)])),
      stackList(sites.node[site], owners));
    detail.scrollTop = 0;
    if (link) leadTo(siteLink(site));
  }

  detail.addEventListener("keydown", (event) => {
    if (event.key === "Escape") table.focus();
  });

  function showTest() {
    chosenTest.hidden = state.test < 0;
    if (state.test < 0) return;
    const [process, assertion] = assertions[state.test];
    const knows = sites.process.some((of, site) => of === process && sites.epochs[site]);
    const found = assertion.blocks > 0 ? " The test found " + size(assertion.bytes) + " in " + counted(assertion.blocks, "block") + "." : "";
    const said = selection.sites.length > 0 ? " What of it is still live:"
      : knows || siteCount === 0 ? " Nothing of that was left at the end." : " This report does not say which sites are the test's.";
    chosenTest.replaceChildren(
      el("span", {}, "Only the sites of ", el("b", {}, assertionTitle(assertion)), ".", found, said),
      el("button", { type: "button", onclick: () => showInTimeline(process, assertion.atNs / 1000) }, "Show in timeline"),
      el("button", { type: "button", onclick: () => { change({ test: -1 }); leadTo("#sites"); } }, "Show all sites"));
  }

  function refresh() {
    const { sites: list, bytes, count, searching } = selection;
    const live = list.length > 0 && isLive(list.flatMap((row) => row.processes));
    about.replaceChildren(
      counted(list.length, "site") + (searching ? " found" : "") + ", ",
      el("span", { title: counted(bytes, "byte") }, told(list.map(({ site }) => site), bytes, count, live)));
    showTest();
    table.show(list.map((_, index) => index));
    if (list.length > 0) {
      const largest = list.reduce((best, row, index) => (row.bytes > list[best].bytes ? index : best), 0);
      table.mark(largest);
      show(list[largest], false);
    } else {
      delete detail.dataset.site;
      detail.replaceChildren(el("p", { class: "soft" }, "No site is chosen."));
    }
  }
  listeners.push((what) => {
    if ("process" in what || "module" in what || "words" in what || "test" in what || "stage" in what) refresh();
  });
  refresh();

  // On paper there is nothing to click: every stack is written out.
  const printed = el("div", { class: "printed" });
  whenPrinting((whether) => {
    printed.replaceChildren();
    if (!whether) return;
    for (const { site, bytes, count } of selection.sites.slice(0, 200)) {
      printed.append(el("h3", {}, told([site], bytes, count, false) + " (" + counted(bytes, "byte") + "), " + text(sites.kind[site])),
        stackList(sites.node[site], new Set([sites.java[site] - 1, sites.native[site] - 1])));
    }
    if (selection.sites.length > 200) printed.append(el("p", {}, counted(selection.sites.length - 200, "more stack") + " in the JSON"));
  });

  const node = el("section", { class: "card", id: "sites", "aria-labelledby": "sites-title" },
    el("div", { class: "head" }, el("h2", { id: "sites-title" }, siteCount > 0 && isLive([...new Set(sites.process)]) ? "Live sites" : "Leak sites"), about),
    chosenTest,
    el("div", { class: "sites" }, table.node, detail), printed);
  return {
    node,
    /** Opens the site of this id; whether there is one. */
    open(id) {
      const index = selection.sites.findIndex(({ parts }) => parts.some(([site]) => text(sites.id[site]) === id));
      if (index < 0) return false;
      table.mark(index);
      show(row(index), true);
      node.scrollIntoView({ block: "start" });
      return true;
    },
    /** Which site is open because somebody chose it. */
    opened: () => (opened ? detail.dataset.site : undefined),
  };
}
