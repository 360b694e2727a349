// The data of the report, and what is chosen of it. See data.rs for the columns.

const data = JSON.parse(document.getElementById("data").textContent);
const NATIVE = 0, JAVA = 1;
const SIDES = ["native", "java", "mark", "mark"];
const SIDE_WORDS = ["native", "Java", "note", "Java"];

const text = (index) => data.strings[index];
const parents = Uint32Array.from(data.nodes.parent);
const frameOf = Uint32Array.from(data.nodes.frame);
const sites = data.sites;
const siteCount = sites.node.length;

const frameName = (frame) => text(data.frames.name[frame]);
const framePlace = (frame) => text(data.frames.place[frame]);

/** A name for narrow places: `Store.scan` of a class with its package, a native function without its parameters. */
function briefName(frame) {
  const name = frameName(frame);
  if (data.frames.side[frame] === JAVA) return name.split(".").slice(-2).join(".");
  const end = name.indexOf("(");
  return end > 0 && !name.startsWith("(") ? name.slice(0, end) : name;
}

/** The frames of a stack, the allocating function first. */
function framesOf(node) {
  const frames = [];
  for (let at = node; at !== 0; at = parents[at]) frames.push(frameOf[at]);
  return frames;
}

/** The nodes below each node, as runs of one array: `children[first[n] .. first[n + 1]]`. */
const { first, children } = (() => {
  const first = new Uint32Array(parents.length + 2);
  for (let node = 1; node < parents.length; node++) first[parents[node] + 2] += 1;
  for (let node = 2; node < first.length; node++) first[node] += first[node - 1];
  const children = new Uint32Array(Math.max(parents.length - 1, 0));
  for (let node = 1; node < parents.length; node++) children[first[parents[node] + 1]++] = node;
  return { first, children };
})();

/** The folder that a process worked in; for records of older versions the one that has its image. */
const folderOf = (process) => process.folder || process.image.slice(0, Math.max(process.image.lastIndexOf("/"), 1));

/** What tells the processes of one module of the project from those of others; empty when there is one only. */
const moduleNames = (() => {
  const folders = data.processes.map((process) => folderOf(process).split("/"));
  if (new Set(folders.map((parts) => parts.join("/"))).size < 2) return folders.map(() => "");
  let same = 0;
  while (folders.every((parts) => same < parts.length && parts[same] === folders[0][same])) same += 1;
  return folders.map((parts) => parts.slice(same).join("/") || parts[parts.length - 1] || "/");
})();
const manyModules = moduleNames.some((name) => name !== "");

/** `core 4242`, or the number alone. */
const processName = (index) => (moduleNames[index] ? moduleNames[index] + " " : "") + data.processes[index].pid;

/** Every assertion with its process: `[process, assertion]`. */
const assertions = data.processes.flatMap((process, index) => process.assertions.map((assertion) => [index, assertion]));

/** The epochs of what an assertion looked at, from the first to before the second. */
function epochsOf([process, assertion]) {
  const after = data.processes[process].checkpoints.filter((checkpoint) => checkpoint.atNs > assertion.atNs && checkpoint.epoch > assertion.since);
  return [assertion.since, after.reduce((least, checkpoint) => Math.min(least, checkpoint.epoch), Infinity)];
}

/** What is counted at these sites: blocks, unless all are of one kind that is none. */
function nounOf(list) {
  const nouns = new Set(list.map((site) => data.nouns[text(sites.kind[site])] || "block"));
  if (nouns.size === 1) return [...nouns][0];
  return nouns.size === 0 || nouns.has("block") || nouns.has("mapping") ? "block" : "handle";
}

/** Whether these sites have bytes of their own: handles have none. */
const hasBytes = (list) => ["block", "mapping"].includes(nounOf(list));

/** What is wrong with those that are counted by their name and were never ended. */
const neverEnded = {
  "attached thread": (count) => counted(count, "thread") + " attached to the JVM and never detached",
  "local frame": (count) => counted(count, "local frame") + " pushed and not popped",
};

/** `1.91 MiB in 3 blocks`, `3 mappings, 12 MiB`, `12 file descriptors`. */
function told(list, bytes, count, live) {
  const noun = nounOf(list);
  const word = live ? " live" : "";
  if (neverEnded[noun]) return neverEnded[noun](count);
  if (noun === "block") return size(bytes) + word + " in " + counted(count, noun);
  return counted(count, noun) + (noun === "mapping" ? ", " + size(bytes) : "") + word;
}

/** What is live of a site and belongs to an assertion: bytes and blocks. */
function partOf(site, test) {
  const [process, assertion] = test;
  if (sites.process[site] !== process) return [0, 0];
  const scope = text(sites.scope[site]);
  if (assertion.scope && scope && scope !== assertion.scope) return [0, 0];
  const [from, to] = epochsOf(test);
  let bytes = 0, count = 0;
  for (const [epoch, blocks, size] of sites.epochs[site] || []) {
    if (epoch < from || epoch >= to) continue;
    bytes += size;
    count += blocks;
  }
  return [bytes, count];
}

/** Every scope of a site with its bytes and blocks, as far as it is known: `[name, bytes, blocks]`. */
const scopesOf = (site) =>
  sites.scopes[site] || (text(sites.scope[site]) ? [[sites.scope[site], sites.bytes[site], sites.blocks[site]]] : []);

/** `3.0`, the stage of Spark of the scope `stage 3.0 task 17 TID 41`; empty for all others. */
const stageOf = (() => {
  const known = new Map();
  return (name) => {
    if (!known.has(name)) known.set(name, (/^stage (\d+\.\d+) task \d+ TID \d+$/.exec(text(name)) || ["", ""])[1]);
    return known.get(name);
  };
})();

/** The stages that have left something, in the order in which they ran. */
const stages = (() => {
  const all = new Set();
  for (let site = 0; site < siteCount; site++) for (const [name] of scopesOf(site)) all.add(stageOf(name));
  all.delete("");
  const inOrder = (one, other) => one.split(".")[0] - other.split(".")[0] || one.split(".")[1] - other.split(".")[1];
  return [...all].sort(inOrder);
})();

/** What is live of a site and belongs to a stage: bytes and blocks. */
function partOfStage(site, stage) {
  let bytes = 0, count = 0;
  for (const [name, size, blocks] of scopesOf(site)) {
    if (stageOf(name) !== stage) continue;
    bytes += size;
    count += blocks;
  }
  return [bytes, count];
}

/** Nothing is chosen. */
const ALL = { process: -1, module: null, test: -1, stage: "", words: "" };

/** What is chosen: process or module, test or stage, words to search, and whether bytes or blocks count. */
const state = { ...ALL, metric: "bytes" };
const listeners = [];

function change(what) {
  Object.assign(state, what);
  selection = select();
  for (const listener of listeners) listener(what);
}

const takesProcess = (process) =>
  (state.process < 0 || state.process === process) && (state.module === null || state.module === moduleNames[process]);

/**
 * The sites of the chosen process that have all words, and which frames have any. The same site in several processes is
 * one row, which names the first.
 */
function select() {
  const words = state.words.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const taken = new Uint8Array(siteCount).fill(1);
  const hits = new Uint8Array(data.frames.name.length);
  for (const word of words) {
    const inString = data.strings.map((string) => string.toLowerCase().includes(word));
    const has = (frame) =>
      inString[data.frames.full[frame]] || inString[data.frames.name[frame]] ||
      inString[data.frames.place[frame]] || inString[data.frames.module[frame]];
    const inFrame = Uint8Array.from(data.frames.name, (_, frame) => (has(frame) ? 1 : 0));
    // A parent has a smaller number than its children, so one pass sees each stack to its root.
    const inStack = new Uint8Array(parents.length);
    for (let node = 1; node < parents.length; node++) {
      inStack[node] = inFrame[frameOf[node]] | inStack[parents[node]];
    }
    for (let site = 0; site < siteCount; site++) {
      if (!inStack[sites.node[site]] && !inString[sites.kind[site]] &&
          !inString[sites.threads[site]] && !inString[sites.scope[site]] &&
          !(sites.scopes[site] || []).some(([name]) => inString[name])) {
        taken[site] = 0;
      }
    }
    for (let frame = 0; frame < hits.length; frame++) hits[frame] |= inFrame[frame];
  }
  const list = [];
  const rows = new Map();
  let bytes = 0, count = 0;
  const test = state.test >= 0 ? assertions[state.test] : null;
  for (let site = 0; site < siteCount; site++) {
    if (!taken[site] || !takesProcess(sites.process[site])) continue;
    const [siteBytes, siteCount] = test ? partOf(site, test)
      : state.stage ? partOfStage(site, state.stage)
      : [sites.bytes[site], sites.blocks[site]];
    if (siteCount === 0 && (test || state.stage)) continue;
    bytes += siteBytes;
    count += siteCount;
    const same = rows.get(sites.row[site]);
    if (same === undefined) {
      rows.set(sites.row[site], list.length);
      list.push({ site, parts: [[site, siteBytes, siteCount]], bytes: siteBytes, count: siteCount, processes: [sites.process[site]] });
    } else {
      const row = list[same];
      row.parts.push([site, siteBytes, siteCount]);
      row.bytes += siteBytes;
      row.count += siteCount;
      if (!row.processes.includes(sites.process[site])) row.processes.push(sites.process[site]);
    }
  }
  return { sites: list, hits, searching: words.length > 0, bytes, count };
}

let selection = select();
