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
const kinds = [...new Set(sites.kind)];

const frameName = (frame) => text(data.frames.name[frame]);
const framePlace = (frame) => {
  const place = text(data.frames.place[frame]);
  const module = text(data.frames.module[frame]);
  if (place) return place;
  if (!module) return "";
  return baseName(module) + "+" + text(data.frames.offset[frame]);
};

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

/** What is chosen: process (-1 is all), words to search, and whether bytes or blocks count. */
const state = { process: -1, words: "", metric: "bytes" };
const listeners = [];

function change(what) {
  Object.assign(state, what);
  selection = select();
  for (const listener of listeners) listener(what);
}

/**
 * The sites of the chosen process that have all words, and which frames have any. The same stack and kind in several
 * processes is one of `sites`, which names the first.
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
          !inString[sites.threads[site]] && !inString[sites.scope[site]]) {
        taken[site] = 0;
      }
    }
    for (let frame = 0; frame < hits.length; frame++) hits[frame] |= inFrame[frame];
  }
  const list = [];
  const sums = new Map();
  let bytes = 0, count = 0;
  for (let site = 0; site < siteCount; site++) {
    if (!taken[site] || (state.process >= 0 && sites.process[site] !== state.process)) continue;
    bytes += sites.bytes[site];
    count += sites.count[site];
    const key = sites.node[site] * kinds.length + kinds.indexOf(sites.kind[site]);
    const same = sums.get(key);
    if (same === undefined) {
      sums.set(key, list.length);
      list.push({ site, bytes: sites.bytes[site], count: sites.count[site], processes: [sites.process[site]] });
    } else {
      list[same].bytes += sites.bytes[site];
      list[same].count += sites.count[site];
      list[same].processes.push(sites.process[site]);
    }
  }
  return { sites: list, hits, searching: words.length > 0, bytes, count };
}

let selection = select();
