// The leak sites: a table that is searched and sorted, and the stack of the one that is open.

const UNKNOWN_OWNER = "no frame of your own code";

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

function sitesSection(showInFlame) {
  const detail = el("section", { class: "detail", tabindex: -1, "aria-label": "The chosen site" });
  const about = el("span", { class: "about", role: "status" });
  // A row is a number into the sites that are chosen.
  const row = (index) => selection.sites[index];
  const pids = (index) => row(index).processes.map((process) => data.processes[process].pid);
  const owner = (index) => ownerText(row(index).site);
  const kind = (index) => text(sites.kind[row(index).site]);
  const columns = [
    { title: "Bytes", width: "7rem", right: true, cell: (index) => number(row(index).bytes), compare: byNumber((index) => row(index).bytes) },
    { title: "Blocks", width: "4.5rem", right: true, cell: (index) => number(row(index).count), compare: byNumber((index) => row(index).count) },
    { title: "Kind", width: "4.5rem", cell: (index) => el("span", { title: kind(index) }, kind(index)), compare: byText(kind) },
    { title: "Likely owner", width: "minmax(0, 1fr)", class: "two", cell: (index) => ownerCell(row(index).site), compare: byText(owner) },
  ];
  if (data.processes.length > 1) {
    columns.push({
      title: "Process", width: "5rem", right: true,
      cell: (index) => (pids(index).length > 1 ? el("span", { title: pids(index).join(", ") }, "in " + pids(index).length) : pids(index)[0]),
      compare: byNumber((index) => (pids(index).length > 1 ? -pids(index).length : pids(index)[0])),
    });
  }
  const table = grid({
    label: "Leak sites", columns, rowHeight: 46, height: 506, empty: "No site matches.",
    open: (index) => {
      show(row(index));
      detail.focus({ preventScroll: true });
    },
  });

  function show({ site, bytes, count, processes }) {
    const java = sites.java[site] - 1;
    const native = sites.native[site] - 1;
    const owners = new Set([java, native].filter((frame) => frame >= 0));
    const facts = [
      ["Kind", text(sites.kind[site])],
      ["Thread", text(sites.threads[site])],
      ["Scope", text(sites.scope[site])],
      ["Held by", sites.holder[site] || ""],
      ["Process", data.processes.length > 1 ? processes.map((process) => data.processes[process].pid).join(", ") : ""],
      ["Stacks", sites.stacks[site] > 1 ? sites.stacks[site] + " that differ only in how their threads started" : ""],
    ].filter(([, value]) => value !== "");
    detail.replaceChildren(
      el("div", { class: "head" },
        el("h3", {}, counted(bytes, "byte") + " in " + counted(count, "block")),
        el("span", { class: "space" }),
        el("button", { type: "button", onclick: () => showInFlame(sites.node[site]) }, "Show in flame graph")),
      el("dl", {}, facts.map(([term, value]) => [el("dt", {}, term), el("dd", {}, value)])),
      stackList(sites.node[site], owners));
  }

  detail.addEventListener("keydown", (event) => {
    if (event.key === "Escape") table.focus();
  });

  function refresh() {
    const { sites: list, bytes, count, searching } = selection;
    about.textContent = counted(list.length, "site") + (searching ? " found" : "") + ", " +
      counted(bytes, "byte") + " in " + counted(count, "block");
    table.show(list.map((_, index) => index));
    if (list.length > 0) {
      const largest = list.reduce((best, row, index) => (row.bytes > list[best].bytes ? index : best), 0);
      table.mark(largest);
      show(list[largest]);
    } else {
      detail.replaceChildren(el("p", { class: "soft" }, "No site is chosen."));
    }
  }
  listeners.push((what) => {
    if ("process" in what || "words" in what) refresh();
  });
  refresh();
  return el("section", { class: "card", id: "sites", "aria-labelledby": "sites-title" },
    el("div", { class: "head" }, el("h2", { id: "sites-title" }, "Leak sites"), about),
    el("div", { class: "sites" }, table.node, detail));
}
