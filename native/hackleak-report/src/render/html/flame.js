// The flame graph, roots on top: Java callers above the native code they called. It is drawn on a canvas, and only what is
// in view; the arrow keys walk the tree, Enter zooms, Escape goes back.

const ROW = 22;
const LEAST = 0.6; // px: what is narrower is not drawn

function flameSection() {
  const canvas = el("canvas", {
    tabindex: 0, role: "application", "aria-roledescription": "flame graph", "aria-label": "Flame graph of merged stacks",
    "aria-describedby": "flame-help",
  });
  const space = el("div", {});
  const box = el("div", { class: "flame" }, canvas, space);
  const path = el("div", { class: "path", "aria-label": "Zoomed to" });
  const readout = el("p", { class: "readout", "aria-live": "polite" });
  let values = new Float64Array(parents.length);
  let total = 0;
  let zoom = 0;
  let picked = 0;
  let boxes = []; // what was drawn: [node, x, y, width]
  let above = []; // the nodes from the root to `zoom`
  let rows = 0;

  /** Sums bytes or blocks from the leaves to the root. */
  function sum() {
    values = new Float64Array(parents.length);
    for (const { site, [state.metric]: value } of selection.sites) values[sites.node[site]] += value;
    for (let node = parents.length - 1; node > 0; node--) values[parents[node]] += values[node];
    total = values[0];
    if (values[zoom] === 0) zoom = 0;
    if (values[picked] === 0) picked = zoom;
  }

  /** The children that have a value, the largest first. */
  function below(node) {
    const list = [];
    for (let at = first[node]; at < first[node + 1]; at++) {
      if (values[children[at]] > 0) list.push(children[at]);
    }
    return list.sort((a, b) => values[b] - values[a] || a - b);
  }

  const name = (node) => (node === 0 ? "all" : frameName(frameOf[node]));
  const amount = (node) => (state.metric === "bytes" ? counted(values[node], "byte") : counted(values[node], "block"));

  function colours() {
    const style = getComputedStyle(document.body);
    const get = (key) => style.getPropertyValue(key).trim();
    return {
      sides: [
        [get("--native"), get("--native-ink"), get("--native-edge")],
        [get("--java"), get("--java-ink"), get("--java-edge")],
        [get("--mark"), get("--mark-ink"), get("--soft")],
        [get("--mark"), get("--mark-ink"), get("--soft")],
      ],
      focus: get("--focus"), match: get("--match"), card: get("--card"), font: "12px " + style.fontFamily,
    };
  }

  /** The deepest row below a node; only as deep as something can be seen. */
  function depth(node, width) {
    let deepest = 0;
    const stack = [[node, 0, width]];
    while (stack.length > 0) {
      const [at, level, room] = stack.pop();
      if (level > deepest) deepest = level;
      for (const child of below(at)) {
        const part = (room * values[child]) / values[at];
        if (part < LEAST) break;
        stack.push([child, level + 1, part]);
      }
    }
    return deepest;
  }

  function layout() {
    above = [];
    for (let at = zoom; ; at = parents[at]) {
      above.unshift(at);
      if (at === 0) break;
    }
    const width = box.clientWidth || 800;
    rows = above.length + (total > 0 ? depth(zoom, width) : 0);
    box.style.height = Math.min(20, Math.max(rows, 8)) * ROW + 2 + "px";
    space.style.height = Math.max(0, rows * ROW - box.clientHeight) + "px";
  }

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
    if (total === 0) {
      context.fillStyle = look.sides[2][1];
      context.fillText("Nothing to show.", 12, 20);
      return;
    }
    const top = box.scrollTop;
    const inView = (row) => row * ROW + ROW > top && row * ROW < top + height;
    above.forEach((node, row) => {
      if (inView(row)) frame(context, look, node, 0, row * ROW - top, width, node !== zoom);
    });
    const stack = [[zoom, above.length, 0, width]];
    while (stack.length > 0) {
      const [node, row, x, room] = stack.pop();
      if (row * ROW > top + height) continue;
      let left = x;
      for (const child of below(node)) {
        const part = (room * values[child]) / values[node];
        if (part < LEAST) break;
        if (inView(row)) frame(context, look, child, left, row * ROW - top, part, false);
        stack.push([child, row + 1, left, part]);
        left += part;
      }
    }
  }

  function frame(context, look, node, x, y, width, faded) {
    boxes.push([node, x, y, width]);
    const side = node === 0 ? 2 : data.frames.side[frameOf[node]];
    const [fill, ink, edge] = look.sides[side];
    const inner = Math.max(width - 1, 0.5);
    context.globalAlpha = faded ? 0.55 : 1;
    context.fillStyle = fill;
    context.fillRect(x, y, inner, ROW - 1);
    if (width > 6) {
      context.fillStyle = edge;
      context.fillRect(x, y, 3, ROW - 1);
    }
    if (node !== 0 && selection.searching && selection.hits[frameOf[node]]) {
      context.fillStyle = look.match;
      context.fillRect(x, y + ROW - 4, inner, 3);
    }
    if (width > 40) {
      const label = side === NATIVE ? "native  " : side === JAVA ? "Java  " : "";
      context.save();
      context.beginPath();
      context.rect(x, y, inner - 3, ROW);
      context.clip();
      context.fillStyle = ink;
      const words = visible(node === 0 ? "all  " + amount(0) : (width > 110 ? label : label.charAt(0) + "  ") + name(node));
      context.fillText(words, x + 8, y + ROW / 2);
      context.restore();
    }
    context.globalAlpha = 1;
    if (node === picked) {
      context.strokeStyle = look.focus;
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, Math.max(inner - 2, 1), ROW - 3);
    }
  }

  function describe() {
    const node = picked;
    canvas.dataset.picked = name(node);
    canvas.dataset.zoom = name(zoom);
    canvas.dataset.metric = state.metric;
    const frame = frameOf[node];
    const share = amount(node) + ", " + percent(values[node], total) + " of what is shown";
    if (node === 0) {
      readout.replaceChildren(el("b", {}, "all"), " ", share);
      return;
    }
    readout.replaceChildren(
      sideBadge(frame), " ", el("b", { class: "mono" }, text(data.frames.full[frame])), " ",
      el("span", { class: "soft mono" }, [framePlace(frame), text(data.frames.module[frame])].filter(Boolean).join("  ")),
      " ", share);
  }

  function trail() {
    const shown = above.length > 6 ? [above[0], null, ...above.slice(-4)] : above;
    path.replaceChildren(...shown.map((node) =>
      node === null
        ? el("span", { class: "soft" }, "… " + (above.length - 5) + " more …")
        : el("button", { type: "button", disabled: node === zoom, onclick: () => zoomTo(node) }, name(node))));
  }

  function refresh() {
    layout();
    trail();
    describe();
    draw();
  }

  function zoomTo(node) {
    zoom = node;
    picked = node;
    refresh();
    reveal();
  }

  function pick(node) {
    if (node === undefined) return;
    picked = node;
    describe();
    reveal();
  }

  /** Scrolls so that the picked frame is in view. */
  function reveal() {
    let row = 0;
    for (let at = picked; at !== 0; at = parents[at]) row += 1;
    const y = row * ROW;
    if (y < box.scrollTop) box.scrollTop = y;
    if (y + 2 * ROW > box.scrollTop + box.clientHeight) box.scrollTop = y + 2 * ROW - box.clientHeight;
    draw();
  }

  function at(event) {
    const bounds = canvas.getBoundingClientRect();
    const x = event.clientX - bounds.left;
    const y = event.clientY - bounds.top;
    const hit = boxes.find(([, left, top, width]) => x >= left && x < left + Math.max(width, 1) && y >= top && y < top + ROW);
    return hit && hit[0];
  }

  canvas.addEventListener("click", (event) => {
    const node = at(event);
    if (node !== undefined) zoomTo(node);
  });
  canvas.addEventListener("mousemove", (event) => {
    const node = at(event);
    if (node !== undefined && node !== picked) {
      picked = node;
      describe();
      draw();
    }
  });
  canvas.addEventListener("keydown", (event) => {
    const siblings = picked === 0 ? [0] : below(parents[picked]);
    const place = siblings.indexOf(picked);
    const out = () => (picked !== zoom ? pick(zoom) : zoomTo(parents[zoom]));
    const keys = {
      ArrowDown: () => pick(below(picked)[0]),
      ArrowUp: () => { if (picked !== 0) pick(parents[picked]); },
      ArrowRight: () => pick(siblings[place + 1]),
      ArrowLeft: () => pick(siblings[place - 1]),
      Enter: () => zoomTo(picked),
      " ": () => zoomTo(picked),
      Escape: out,
      Backspace: out,
      Home: () => zoomTo(0),
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
  sum();

  const legend = (frame, word) => el("span", { class: "legend" }, el("span", { class: "side " + frame }, word));
  const node = el("section", { class: "card", id: "flame", "aria-labelledby": "flame-title" },
    el("div", { class: "head" },
      el("h2", { id: "flame-title" }, "Flame graph"),
      legend("java", "Java"), legend("native", "native"),
      el("span", { class: "about", id: "flame-help" },
        "Arrow keys walk the stacks, Enter or a click zooms, Escape goes back, Home shows all."),
      el("span", { class: "space" }),
      el("button", { type: "button", onclick: () => zoomTo(0) }, "Show all")),
    path, box, readout);
  return {
    node,
    refresh,
    show(node) {
      zoomTo(node);
      canvas.scrollIntoView({ block: "center" });
      canvas.focus({ preventScroll: true });
    },
  };
}
