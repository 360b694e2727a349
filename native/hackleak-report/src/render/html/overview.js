// Processes, tests, coverage, wrong frees and notes.

const VERDICT_WORDS = { leaks: "leaks", findings: "wrong frees", incomplete: "incomplete", clean: "no leaks seen" };
const OUTCOME_WORDS = { passed: "passed", failed: "failed", incomplete: "incomplete", error: "error" };
const SEVERITY = ["passed", "incomplete", "error", "failed"];
const SIGHTS = ["seen", "unknown", "partly", "blind"];

const outcomeWord = (assertion) => OUTCOME_WORDS[assertion.outcome];

function assertionTitle(assertion) {
  if (assertion.check === "exit") return "exit of the JVM";
  return assertion.label || "assertion since checkpoint " + assertion.since;
}

function section(id, title, about, ...content) {
  return el("section", { class: "card", id, "aria-labelledby": id + "-title" },
    el("div", { class: "head" }, el("h2", { id: id + "-title" }, title), about ? el("span", { class: "about" }, about) : null),
    content);
}

function processesSection() {
  const processes = data.processes;
  const table = grid({
    label: "Processes", rowHeight: 46, height: 322, empty: "No process.", sort: 3,
    columns: [
      { title: "Result", width: "9rem", cell: (p) => chip(VERDICT_WORDS[processes[p].verdict], processes[p].verdict), compare: byText((p) => processes[p].verdict) },
      { title: "Process", width: "5rem", right: true, cell: (p) => processes[p].pid, compare: byNumber((p) => processes[p].pid) },
      { title: "Command", width: "minmax(10rem, 1fr)", class: "two", cell: (p) => [
        el("div", { class: "mono", title: [processes[p].command, processes[p].image, processes[p].options].join("\n") }, processes[p].command || processes[p].exe),
        el("div", { class: "soft" }, "tracked: " + processes[p].tracked),
      ], compare: byText((p) => processes[p].command) },
      { title: "Leaked bytes", width: "8rem", right: true, cell: (p) => number(processes[p].leakedBytes), compare: byNumber((p) => processes[p].leakedBytes) },
      { title: "Sites", width: "5rem", right: true, cell: (p) => number(processes[p].sites), compare: byNumber((p) => processes[p].sites) },
      { title: "Allocations", width: "8rem", right: true, cell: (p) => number(processes[p].allocations), compare: byNumber((p) => processes[p].allocations) },
      { title: "End", width: "6rem", cell: (p) => chip(processes[p].state), compare: byText((p) => processes[p].state) },
    ],
    open: processes.length > 1 ? (p) => change({ process: state.process === p ? -1 : p }) : undefined,
  });
  table.show(processes.map((_, index) => index));
  listeners.push((what) => {
    if ("process" in what) table.mark(what.process);
  });
  const about = processes.length > 1 ? "Choose one to see only its sites." : "";
  return section("processes", "Processes", about, table.node);
}

function testsSection(showInTimeline) {
  const all = [];
  data.processes.forEach((process, index) => {
    for (const assertion of process.assertions) all.push([index, assertion]);
  });
  if (all.length === 0) {
    return section("tests", "Tests", "", el("p", { class: "soft" },
      "No assertion was made in these processes: no test of them used assertNoLeaks or @NoLeaks."));
  }
  const of = (row) => all[row][1];
  const columns = [
    { title: "Result", width: "7rem", right: false, cell: (row) => chip(outcomeWord(of(row)), of(row).outcome), compare: byNumber((row) => SEVERITY.indexOf(of(row).outcome)) },
    { title: "Test", width: "minmax(12rem, 1fr)", cell: (row) => [assertionTitle(of(row)), of(row).detail ? el("span", { class: "soft" }, "  " + of(row).detail) : null], compare: byText((row) => assertionTitle(of(row))) },
    { title: "Scope", width: "8rem", cell: (row) => of(row).scope || "", compare: byText((row) => of(row).scope || "") },
    { title: "Leaked bytes", width: "9rem", right: true, cell: (row) => (of(row).bytes ? number(of(row).bytes) : ""), compare: byNumber((row) => of(row).bytes) },
    { title: "Blocks", width: "6rem", right: true, cell: (row) => (of(row).count ? number(of(row).count) : ""), compare: byNumber((row) => of(row).count) },
    { title: "After", width: "7rem", right: true, cell: (row) => duration(of(row).atNs / 1000), compare: byNumber((row) => of(row).atNs) },
    { title: "Process", width: "5rem", right: true, cell: (row) => data.processes[all[row][0]].pid, compare: byNumber((row) => data.processes[all[row][0]].pid) },
  ];
  if (!all.some(([, assertion]) => assertion.scope)) columns.splice(2, 1);
  const table = grid({
    label: "Tests", columns, rowHeight: 34, height: 340, empty: "No assertion.",
    open: (row) => showInTimeline(all[row][0], of(row).atNs / 1000),
  });
  table.show(all.map((_, index) => index));
  const count = (outcome) => all.filter(([, assertion]) => assertion.outcome === outcome).length;
  const about = SEVERITY.slice().reverse().filter((outcome) => count(outcome) > 0)
    .map((outcome) => number(count(outcome)) + " " + OUTCOME_WORDS[outcome]).join(", ");
  return section("tests", "Tests", about, table.node);
}

function coverageSection() {
  const seen = new Map();
  let runtime = 0;
  for (const process of data.processes) {
    runtime += process.runtimeModules;
    for (const module of process.modules) {
      const key = [module.path, module.buildId, JSON.stringify(module.coverage)].join("\n");
      const known = seen.get(key);
      if (known) known.pids.push(process.pid);
      else seen.set(key, { module, pids: [process.pid] });
    }
  }
  const all = [...seen.values()];
  const sight = (row) => all[row].module.coverage.verdict;
  const weight = (row) => (all[row].module.coverage.untracked ? 0.5 : SIGHTS.indexOf(sight(row)));
  const reasons = (row) => {
    const { reasons, remedy } = all[row].module.coverage;
    return reasons.join("; ") + (remedy ? " → " + remedy : "");
  };
  const table = grid({
    label: "Coverage", rowHeight: 46, height: 322, empty: "No library under test was loaded.",
    columns: [
      { title: "Seen", width: "6.5rem", cell: (row) => (all[row].module.coverage.untracked ? chip("not tracked", "soft") : chip(sight(row))), compare: byNumber(weight) },
      { title: "Library", width: "minmax(10rem, 2fr)", class: "two", cell: (row) => [
        el("div", { class: "mono" }, baseName(all[row].module.path)),
        el("div", { class: "soft mono", title: all[row].module.path }, all[row].module.path),
      ], compare: byText((row) => baseName(all[row].module.path)) },
      { title: "Why", width: "minmax(12rem, 3fr)", cell: (row) => el("span", { title: reasons(row) }, reasons(row)) },
      { title: "Processes", width: "6rem", right: true, cell: (row) => number(all[row].pids.length), compare: byNumber((row) => all[row].pids.length) },
    ],
  });
  table.show(all.map((_, index) => index));
  return section("coverage", "Coverage",
    "Whether the allocations of each library reach the recorder." +
    (runtime > 0 ? " Not under test: " + number(runtime) + (runtime === 1 ? " library" : " libraries") + " of the runtime." : ""), table.node);
}

function findingsSection() {
  const all = data.processes.flatMap((process) => process.findings.map((finding) => [process, finding]));
  if (all.length === 0) return null;
  const items = all.slice(0, 500).map(([process, finding]) => {
    const details = el("details", {}, el("summary", {}, chip("wrong free", "findings"), " ", finding.sentence,
      finding.count > 1 ? " (" + counted(finding.count, "time") + ")" : "",
      data.processes.length > 1 ? el("span", { class: "soft" }, " in process " + process.pid) : null));
    details.addEventListener("toggle", () => {
      if (details.childElementCount > 1) return;
      details.append(el("div", { class: "columns" },
        el("div", {}, el("h3", {}, "Freed"), stackList(finding.freed)),
        el("div", {}, el("h3", {}, "Allocated"), stackList(finding.allocated))));
    });
    return details;
  });
  const more = all.length - items.length;
  return section("findings", "Wrong frees", counted(all.length, "finding"),
    el("div", { class: "findings" }, items, more > 0 ? el("p", {}, counted(more, "more finding") + " in the JSON") : null));
}

function notesSection() {
  const all = data.processes.filter((process) => process.notes.length > 0);
  if (all.length === 0) return null;
  return section("notes", "Notes", "What must be known to read the numbers right.",
    el("div", { class: "notes" }, all.slice(0, 200).map((process) => [
      data.processes.length > 1 ? el("h3", {}, "Process " + process.pid) : null,
      el("ul", {}, process.notes.map((note) => el("li", {}, note))),
    ])));
}
