// Processes, tests, coverage, invalid frees and notes.

const VERDICT_WORDS = { leaks: "leaks", invalidFrees: "invalid frees", incomplete: "incomplete", clean: "no leaks seen" };
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

/** The word for a process: what a running one holds is live, and no leak yet. */
const verdictChip = (process) =>
  (process.state === "running" && process.verdict === "leaks" ? chip("live", "running") : chip(VERDICT_WORDS[process.verdict], process.verdict));

function processesSection() {
  const processes = data.processes;
  const began = (p) => (processes[p].startMs > 0 ? moment(processes[p].startMs) : "");
  const revision = (p) => processes[p].revision || "";
  const place = (p) => [began(p), folderOf(processes[p])].filter(Boolean).join(", in ");
  const columns = [
    { title: "Result", width: "7.5rem", cell: (p) => verdictChip(processes[p]), compare: byText((p) => processes[p].verdict) },
    { title: "Process", width: "5rem", right: true, cell: (p) => processes[p].pid, compare: byNumber((p) => processes[p].pid) },
    { title: "Command", width: "minmax(10rem, 1fr)", class: "two", main: true, cell: (p) => [
      el("div", { class: "mono", title: [processes[p].command, processes[p].image, processes[p].options].join("\n") }, processes[p].command || processes[p].exe),
      el("div", { class: "soft", title: place(p) }, place(p), revision(p) ? [" at ", el("span", { class: "mono", title: revision(p) }, revision(p).slice(0, 10))] : null),
      el("div", { class: "soft" }, "tracked: " + processes[p].tracked),
    ], compare: byText((p) => processes[p].command) },
    { title: processes.every((process) => process.state === "running") ? "Live" : "Leaked", width: "5.5rem", right: true, cell: (p) => sized(processes[p].leakedBytes), compare: byNumber((p) => processes[p].leakedBytes) },
    { title: "Sites", width: "4.5rem", right: true, cell: (p) => number(processes[p].sites), compare: byNumber((p) => processes[p].sites) },
    { title: "Allocations", width: "7rem", right: true, minor: true, cell: (p) => number(processes[p].allocations), compare: byNumber((p) => processes[p].allocations) },
    { title: "End", width: "6rem", minor: true, cell: (p) => (processes[p].state === "running" ? chip("still runs", "running") : chip(processes[p].state)), compare: byText((p) => processes[p].state) },
  ];
  let sort = 3;
  if (manyModules) {
    columns.splice(1, 0, { title: "Module", width: "minmax(5rem, 9rem)", cell: (p) => el("span", { title: folderOf(processes[p]) }, moduleNames[p]), compare: byText((p) => moduleNames[p]) });
    sort = 4;
  }
  const table = grid({
    label: "Processes", rowHeight: 64, narrowHeight: 96, height: 384, empty: "No process.", sort, columns,
    open: processes.length > 1 ? (p) => change({ process: state.process === p ? -1 : p, module: null, test: -1 }) : undefined,
  });
  table.show(processes.map((_, index) => index));
  listeners.push((what) => {
    if ("process" in what) table.mark(what.process);
  });
  const about = processes.length > 1 ? "Choose one to see only its sites." : "";
  return section("processes", "Processes", about, table.node);
}

const decoded = (value) => {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
};

const testLink = (row) => "#test=" + encodeURIComponent(assertionTitle(assertions[row][1]));

/** The test of this name, one that failed if there are several. */
function testOf(name) {
  const rows = assertions.map((_, row) => row).filter((row) => assertionTitle(assertions[row][1]) === name);
  const failed = rows.find((row) => assertions[row][1].outcome !== "passed");
  return failed !== undefined ? failed : rows.length > 0 ? rows[0] : -1;
}

function testsSection(open) {
  const all = assertions;
  if (all.length === 0) {
    return section("tests", "Tests", "", el("p", { class: "soft" },
      "No assertion was made in these processes: no test of them used assertNoLeaks or @NoLeaks."));
  }
  const of = (row) => all[row][1];
  const leaked = (row) => (of(row).blocks ? sized(of(row).bytes) : "");
  const columns = [
    { title: "Result", width: "7rem", cell: (row) => chip(outcomeWord(of(row)), of(row).outcome), compare: byNumber((row) => SEVERITY.indexOf(of(row).outcome)) },
    { title: "Test", width: "minmax(12rem, 1fr)", main: true, cell: (row) => el("span", { title: assertionTitle(of(row)) },
      assertionTitle(of(row)), of(row).detail ? el("span", { class: "soft" }, "  " + of(row).detail) : null), compare: byText((row) => assertionTitle(of(row))) },
    { title: "Scope", width: "8rem", minor: true, cell: (row) => of(row).scope || "", compare: byText((row) => of(row).scope || "") },
    { title: "Leaked", width: "5.5rem", right: true, cell: leaked, compare: byNumber((row) => of(row).bytes) },
    { title: "Blocks", width: "4.5rem", right: true, cell: (row) => (of(row).blocks ? number(of(row).blocks) : ""), compare: byNumber((row) => of(row).blocks) },
    { title: "After", width: "6rem", right: true, minor: true, cell: (row) => duration(of(row).atNs / 1000), compare: byNumber((row) => of(row).atNs) },
  ];
  if (data.processes.length > 1) {
    columns.push({
      title: manyModules ? "Module, process" : "Process", width: manyModules ? "9rem" : "5rem", right: true, minor: !manyModules,
      cell: (row) => processName(all[row][0]), compare: byText((row) => processName(all[row][0])),
    });
  }
  if (!all.some(([, assertion]) => assertion.scope)) columns.splice(2, 1);
  const table = grid({ label: "Tests", columns, rowHeight: 34, narrowHeight: 62, height: 340, empty: "No assertion.", open });
  table.show(all.map((_, index) => index));
  listeners.push((what) => {
    if ("test" in what) table.mark(what.test);
  });
  const count = (outcome) => all.filter(([, assertion]) => assertion.outcome === outcome).length;
  const about = SEVERITY.slice().reverse().filter((outcome) => count(outcome) > 0)
    .map((outcome) => number(count(outcome)) + " " + OUTCOME_WORDS[outcome]).join(", ");
  return section("tests", "Tests", about + ". Choose one to see its sites.", table.node);
}

function coverageSection() {
  const seen = new Map();
  let runtime = 0;
  for (const process of data.processes) {
    runtime += process.runtimeModules;
    for (const module of process.modules) {
      const key = [module.place, module.buildId, JSON.stringify(module.coverage)].join("\n");
      const known = seen.get(key);
      if (known) known.pids.push(process.pid);
      else seen.set(key, { module, pids: [process.pid] });
    }
  }
  const all = [...seen.values()];
  const sight = (row) => all[row].module.coverage.visibility;
  const weight = (row) => (all[row].module.coverage.untracked ? 0.5 : SIGHTS.indexOf(sight(row)));
  const reasons = (row) => {
    const { reasons, remedy } = all[row].module.coverage;
    return reasons.join("; ") + (remedy ? " → " + remedy : "");
  };
  const table = grid({
    label: "Coverage", rowHeight: 46, narrowHeight: 92, height: 322, empty: "No library under test was loaded.",
    columns: [
      { title: "Seen", width: "6.5rem", cell: (row) => (all[row].module.coverage.untracked ? chip("not tracked", "soft") : chip(sight(row))), compare: byNumber(weight) },
      { title: "Library", width: "minmax(10rem, 2fr)", class: "two", main: true, cell: (row) => [
        el("div", { class: "mono" }, all[row].module.name),
        el("div", { class: "soft mono", title: all[row].module.path }, all[row].module.path),
      ], compare: byText((row) => all[row].module.name) },
      { title: "Why", width: "minmax(12rem, 3fr)", main: true, cell: (row) => el("span", { title: reasons(row) }, reasons(row)) },
      { title: "Processes", width: "6rem", right: true, minor: true, cell: (row) => number(all[row].pids.length), compare: byNumber((row) => all[row].pids.length) },
    ],
  });
  table.show(all.map((_, index) => index));
  return section("coverage", "Coverage",
    "Whether the allocations of each library reach the recorder." +
    (runtime > 0 ? " Not under test: " + number(runtime) + (runtime === 1 ? " library" : " libraries") + " of the runtime." : ""), table.node);
}

function invalidFreesSection() {
  const all = data.processes.flatMap((process) => process.invalidFrees.map((invalidFree) => [process, invalidFree]));
  if (all.length === 0) return null;
  const items = all.slice(0, 500).map(([process, invalidFree]) => {
    const details = el("details", {}, el("summary", {}, chip("invalid free", "invalidFrees"), " ", invalidFree.sentence,
      invalidFree.count > 1 ? " (" + counted(invalidFree.count, "time") + ")" : "",
      data.processes.length > 1 ? el("span", { class: "soft" }, " in process " + processName(data.processes.indexOf(process))) : null));
    details.addEventListener("toggle", () => {
      if (details.childElementCount > 1) return;
      details.append(el("div", { class: "columns" },
        el("div", {}, el("h3", {}, "Freed"), stackList(invalidFree.freed)),
        el("div", {}, el("h3", {}, "Allocated"), stackList(invalidFree.allocated))));
    });
    return details;
  });
  const more = all.length - items.length;
  return section("invalidFrees", "Invalid frees", counted(all.length, "invalid free"),
    el("div", { class: "invalidFrees" }, items, more > 0 ? el("p", {}, counted(more, "more invalid free") + " in the JSON") : null));
}

function notesSection() {
  const all = data.processes.filter((process) => process.notes.length > 0);
  if (all.length === 0) return null;
  return section("notes", "Notes", "What must be known to read the numbers right.",
    el("div", { class: "notes" }, all.slice(0, 200).map((process) => [
      data.processes.length > 1 ? el("h3", {}, "Process " + processName(data.processes.indexOf(process))) : null,
      el("ul", {}, process.notes.map((note) => el("li", {}, note))),
    ])));
}
