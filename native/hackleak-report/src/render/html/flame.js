// The flame graph, roots at the bottom: native frames above the Java code that called them, as in the stacks. It is drawn on
// a canvas, and only what is in view; the arrow keys walk the tree, Enter zooms, Escape goes back.
// What is difficult: thousands of frames may be narrower than a pixel, and together they may be most of the picture. The
// narrow ones above a frame are one box, "n more". It opens as a frame does, and shows the next fifty of them: all of them
// would be as narrow as before.

const ROW = 22;
const LEAST = 3; // px: narrower frames are in the box of those that are more
const BATCH = 50;
const MORE = 90; // px

function flameSection() {
  const canvas = el("canvas", {
    tabindex: 0, role: "application", "aria-roledescription": "flame graph", "aria-label": "Flame graph of merged stacks",
    "aria-describedby": "flame-help",
  });
  const space = el("div", {});
  const box = el("div", { class: "flame" }, canvas, space);
  const path = el("div", { class: "path", role: "group", "aria-label": "Zoomed to" });
  const readout = el("p", { class: "readout", "aria-live": "polite" });
  let values = new Float64Array(parents.length);
  let total = 0;
  // A place is a node, and how many of its largest callees are left out: 0 but for "n more".
  let zoom = { node: 0, skip: 0 };
  let picked = zoom;
  let boxes = []; // what was drawn: { place, x, y, width }
  let above = []; // the places from the root to `zoom`
  let rows = 0;
  let lists = new Map();
  let printing = false;

  /** Sums bytes or blocks from the leaves to the root. */
  function sum() {
    values = new Float64Array(parents.length);
    lists = new Map();
    for (const { parts } of selection.sites) {
      for (const [site, bytes, count] of parts) values[sites.node[site]] += state.metric === "bytes" ? bytes : count;
    }
    for (let node = parents.length - 1; node > 0; node--) values[parents[node]] += values[node];
    total = values[0];
    if (values[zoom.node] === 0) zoom = { node: 0, skip: 0 };
    zoom = { node: zoom.node, skip: 0 };
    if (values[picked.node] === 0 || picked.skip > 0) picked = zoom;
  }

  /** The children that have a value, the largest first. */
  function below(node) {
    let list = lists.get(node);
    if (list) return list;
    list = [];
    for (let at = first[node]; at < first[node + 1]; at++) {
      if (values[children[at]] > 0) list.push(children[at]);
    }
    list.sort((a, b) => values[b] - values[a] || a - b);
    lists.set(node, list);
    return list;
  }

  /** What a place amounts to. */
  function worth({ node, skip }) {
    if (skip === 0) return values[node];
    return below(node).slice(skip).reduce((all, child) => all + values[child], 0);
  }

  /** What stands above a place that is `room` px wide: places with their widths, the narrow ones as one. */
  function split(place, room) {
    const list = below(place.node);
    const parts = [];
    let at = place.skip;
    if (isMore(place) && list.length - at > BATCH) {
      const batch = list.slice(at, at + BATCH);
      const all = batch.reduce((sum, child) => sum + values[child], 0);
      for (const node of batch) parts.push({ place: { node, skip: 0 }, width: ((room - MORE) * values[node]) / all });
      parts.push({ place: { node: place.node, skip: at + BATCH }, width: MORE, more: list.length - at - BATCH });
      return parts;
    }
    const all = worth(place);
    for (; at < list.length; at++) {
      const width = (room * values[list[at]]) / all;
      if (width < LEAST && at < list.length - 1 && at > place.skip) break;
      parts.push({ place: { node: list[at], skip: 0 }, width });
    }
    if (at < list.length) {
      const more = { node: place.node, skip: at };
      parts.push({ place: more, width: (room * worth(more)) / all, more: list.length - at });
    }
    return parts;
  }

  const same = (a, b) => a.node === b.node && a.skip === b.skip;
  const isMore = ({ skip }) => skip > 0;
  const outOf = (place) => (isMore(place) ? { node: place.node, skip: 0 } : { node: parents[place.node], skip: 0 });
  const name = (place) => (isMore(place) ? counted(below(place.node).length - place.skip, "more frame") : place.node === 0 ? "all" : frameName(frameOf[place.node]));
  const exactly = (place) => (state.metric === "bytes" ? counted(worth(place), "byte") : counted(worth(place), "block"));
  const amount = (place) => (state.metric === "bytes" ? size(worth(place)) : counted(worth(place), "block"));

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const get = (key) => style.getPropertyValue(key).trim();
    return {
      sides: [
        [get("--native"), get("--native-ink"), get("--native-edge")],
        [get("--java"), get("--java-ink"), get("--java-edge")],
        [get("--mark"), get("--mark-ink"), get("--soft")],
        [get("--mark"), get("--mark-ink"), get("--soft")],
      ],
      focus: get("--focus"), match: get("--match"), card: get("--card"), font: "12px " + getComputedStyle(document.body).fontFamily,
    };
  }

  /** The most rows above a place; only as far as something is drawn. */
  function depth(place, width) {
    let most = 0;
    const stack = [[place, 0, width]];
    while (stack.length > 0) {
      const [at, level, room] = stack.pop();
      if (level > most) most = level;
      if (level > 0 && isMore(at)) continue;
      for (const part of split(at, room)) if (part.width >= 0.3) stack.push([part.place, level + 1, part.width]);
    }
    return most;
  }

  function layout() {
    above = [];
    for (let at = zoom; ; at = outOf(at)) {
      above.unshift(at);
      if (at.node === 0 && !isMore(at)) break;
    }
    const width = box.clientWidth || 800;
    rows = above.length + (total > 0 ? depth(zoom, width) : 0);
    box.style.height = (printing ? rows : Math.min(20, Math.max(rows, 8))) * ROW + 2 + "px";
    space.style.height = Math.max(0, rows * ROW - box.clientHeight) + "px";
  }

  /** Where the row at this height above the roots is, from the top of what can be scrolled to. */
  const yOf = (row) => Math.max(rows * ROW, box.clientHeight) - (row + 1) * ROW;

  function draw() {
    const width = box.clientWidth;
    const height = box.clientHeight;
    if (width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = height + "px";
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const look = colours();
    context.fillStyle = look.card;
    context.fillRect(0, 0, width, height);
    context.font = look.font;
    context.textBaseline = "middle";
    boxes = [];
    let hidden = 0;
    canvas.dataset.more = "0";
    if (total === 0) {
      context.fillStyle = look.sides[2][1];
      context.fillText("Nothing to show.", 12, 20);
      return;
    }
    const top = box.scrollTop;
    const put = (place, row, x, width, faded) => {
      const y = yOf(row) - top;
      if (y + ROW > 0 && y < height) frame(context, look, place, x, y, width, faded);
    };
    above.forEach((place, row) => put(place, row, 0, width, !same(place, zoom)));
    const stack = [[zoom, above.length, 0, width]];
    while (stack.length > 0) {
      const [place, row, x, room] = stack.pop();
      if (yOf(row) + ROW < top) continue;
      let left = x;
      for (const part of split(place, room)) {
        if (part.width >= 0.3) {
          put(part.place, row, left, part.width, false);
          if (part.more) hidden += part.more;
          else stack.push([part.place, row + 1, left, part.width]);
        }
        left += part.width;
      }
    }
    canvas.dataset.more = String(hidden);
  }

  function frame(context, look, place, x, y, width, faded) {
    boxes.push({ place, x, y, width });
    const { node } = place;
    const side = node === 0 || isMore(place) ? 2 : data.frames.side[frameOf[node]];
    const [fill, ink, edge] = look.sides[side];
    const inner = Math.max(width - 1, 0.5);
    context.globalAlpha = faded ? 0.55 : 1;
    context.fillStyle = fill;
    context.fillRect(x, y, inner, ROW - 1);
    if (width > 6) {
      context.fillStyle = edge;
      context.fillRect(x, y, 3, ROW - 1);
    }
    if (node !== 0 && !isMore(place) && selection.searching && selection.hits[frameOf[node]]) {
      context.fillStyle = look.match;
      context.fillRect(x, y + ROW - 4, inner, 3);
    }
    if (width > 30) {
      const label = side === NATIVE ? "native  " : side === JAVA ? "Java  " : "";
      context.save();
      context.beginPath();
      context.rect(x, y, inner - 3, ROW);
      context.clip();
      context.globalAlpha = 1;
      context.fillStyle = ink;
      const words = node === 0 && !isMore(place) ? "all  " + amount(place)
        : isMore(place) ? (width > 110 ? name(place) + "  " + amount(place) : number(below(node).length - place.skip) + " more")
          : (width > 110 ? label : label.charAt(0) + "  ") + name(place);
      context.fillText(visible(words), x + 8, y + ROW / 2);
      context.restore();
    }
    context.globalAlpha = 1;
    if (same(place, picked)) {
      context.strokeStyle = look.focus;
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, Math.max(inner - 2, 1), ROW - 3);
    }
  }

  function describe() {
    canvas.dataset.picked = name(picked);
    canvas.dataset.zoom = name(zoom);
    canvas.dataset.metric = state.metric;
    const share = el("span", { title: exactly(picked) }, amount(picked) + ", " + percent(worth(picked), total) + " of what is shown");
    if (picked.node === 0 || isMore(picked)) {
      readout.replaceChildren(el("b", {}, name(picked)), " ", share);
      return;
    }
    const frame = frameOf[picked.node];
    readout.replaceChildren(
      sideBadge(frame), " ", el("b", { class: "mono" }, text(data.frames.full[frame])), " ",
      el("span", { class: "soft mono" }, [framePlace(frame), text(data.frames.module[frame])].filter(Boolean).join("  ")),
      " ", share);
  }

  function trail() {
    const shown = above.length > 6 ? [above[0], null, ...above.slice(-4)] : above;
    path.replaceChildren(...shown.map((place) =>
      place === null
        ? el("span", { class: "soft" }, "… " + (above.length - 5) + " more …")
        : el("button", { type: "button", disabled: same(place, zoom), onclick: () => zoomTo(place) }, name(place))));
  }

  function refresh() {
    layout();
    trail();
    describe();
    box.scrollTop = box.scrollHeight;
    draw();
  }

  function zoomTo(place) {
    zoom = place;
    picked = place;
    refresh();
    reveal();
  }

  function pick(place) {
    if (place === undefined) return;
    picked = place;
    describe();
    reveal();
  }

  /** Scrolls so that the picked frame is in view. */
  function reveal() {
    let row = 0;
    for (let at = picked; at.node !== 0 || isMore(at); at = outOf(at)) row += 1;
    const y = yOf(row);
    if (y - ROW < box.scrollTop) box.scrollTop = y - ROW;
    if (y + ROW > box.scrollTop + box.clientHeight) box.scrollTop = y + ROW - box.clientHeight;
    draw();
  }

  function at(event) {
    const bounds = canvas.getBoundingClientRect();
    const x = event.clientX - bounds.left;
    const y = event.clientY - bounds.top;
    const hit = boxes.find((drawn) => x >= drawn.x && x < drawn.x + Math.max(drawn.width, 1) && y >= drawn.y && y < drawn.y + ROW);
    return hit && hit.place;
  }

  /** The places beside one, as they are drawn. */
  function beside(place) {
    if (same(place, zoom)) return [place];
    const under = outOf(place);
    const shown = same(under, { node: zoom.node, skip: 0 }) ? zoom : under;
    const room = (box.clientWidth * worth(shown)) / worth(zoom);
    return split(shown, room).map((part) => part.place);
  }

  canvas.addEventListener("click", (event) => {
    const place = at(event);
    if (place !== undefined) zoomTo(place);
  });
  canvas.addEventListener("mousemove", (event) => {
    const place = at(event);
    if (place !== undefined && !same(place, picked)) {
      picked = place;
      describe();
      draw();
    }
  });
  canvas.addEventListener("keydown", (event) => {
    const siblings = beside(picked);
    const index = siblings.findIndex((place) => same(place, picked));
    const out = () => (same(picked, zoom) ? zoomTo(outOf(zoom)) : pick(zoom));
    const inner = () => {
      if (isMore(picked) && !same(picked, zoom)) return;
      const callee = below(picked.node)[picked.skip];
      if (callee !== undefined) pick({ node: callee, skip: 0 });
    };
    const keys = {
      ArrowUp: inner,
      ArrowDown: () => { if (picked.node !== 0 || isMore(picked)) pick(outOf(picked)); },
      ArrowRight: () => pick(siblings[index + 1]),
      ArrowLeft: () => pick(siblings[index - 1]),
      Enter: () => zoomTo(picked),
      " ": () => zoomTo(picked),
      Escape: out,
      Backspace: out,
      Home: () => zoomTo({ node: 0, skip: 0 }),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  box.addEventListener("scroll", onceAFrame(draw));
  new ResizeObserver(onceAFrame(() => { layout(); draw(); })).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  listeners.push(() => {
    sum();
    refresh();
  });
  whenPrinting((whether) => {
    printing = whether;
    refresh();
  });
  sum();

  const legend = (frame, word) => el("span", { class: "legend" }, el("span", { class: "side " + frame }, word));
  const node = el("section", { class: "card", id: "flame", "aria-labelledby": "flame-title" },
    el("div", { class: "head" },
      el("h2", { id: "flame-title" }, "Flame graph"),
      legend("native", "native"), legend("java", "Java"),
      el("span", { class: "about", id: "flame-help" },
        "Callers below, callees above. Arrow keys walk, Enter or a click zooms, Escape goes back, Home shows all."),
      el("span", { class: "space" }),
      el("button", { type: "button", onclick: () => zoomTo({ node: 0, skip: 0 }) }, "Show all")),
    path, box, readout);
  return {
    node,
    refresh,
    show(node) {
      zoomTo({ node, skip: 0 });
      canvas.scrollIntoView({ block: "center" });
      canvas.focus({ preventScroll: true });
    },
  };
}
