// Live memory over the life of a process, with its checkpoints and assertions. Left and right walk through the checkpoints.

const HEIGHT = 240;
const EDGE = { left: 78, right: 14, top: 26, bottom: 28 };
const MANY = 300; // more checkpoints than this are not drawn, only walked through

/** At most two points per pixel, lowest and highest, so that no peak is lost. */
function thinned(at, values, width) {
  if (at.length <= 2 * width) return at.map((x, index) => [x, values[index]]);
  const end = at[at.length - 1] || 1;
  const points = [];
  let column = -1, low = null, high = null;
  const flush = () => {
    if (low === null) return;
    points.push(...(low[0] < high[0] ? [low, high] : low === high ? [low] : [high, low]));
  };
  at.forEach((x, index) => {
    const point = [x, values[index]];
    const here = Math.floor((x / end) * width);
    if (here !== column) {
      flush();
      column = here;
      low = high = point;
    } else {
      if (point[1] < low[1]) low = point;
      if (point[1] > high[1]) high = point;
    }
  });
  flush();
  return points;
}

function timelineSection() {
  const picture = svg("svg", { role: "img", tabindex: 0, "aria-labelledby": "timeline-title", "aria-describedby": "timeline-readout" });
  const readout = el("p", { class: "readout", id: "timeline-readout", "aria-live": "polite" });
  const which = el("select", { onchange: () => { shown = Number(which.value); cursor = null; draw(); } });
  const withPoints = data.processes.map((process, index) => index).filter((index) => data.processes[index].timeline.at.length > 0);
  for (const index of withPoints) {
    const process = data.processes[index];
    which.append(el("option", { value: index }, processName(index) + "  " + process.command.slice(0, 40)));
  }
  let shown = withPoints.length > 0 ? withPoints.reduce((best, index) =>
    (data.processes[index].leakedBytes > data.processes[best].leakedBytes ? index : best)) : -1;
  let cursor = null;
  let mark = () => {};

  const end = (process) => {
    const last = (list) => (list.length > 0 ? list[list.length - 1].atNs / 1000 : 0);
    const { at } = process.timeline;
    return Math.max(at[at.length - 1] || 0, last(process.checkpoints), last(process.assertions), 1);
  };

  /** What is live at a moment: the last point before it. */
  function live(process, moment) {
    const { at, bytes, blocks } = process.timeline;
    let low = 0, high = at.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at[middle] <= moment) low = middle + 1;
      else high = middle;
    }
    const index = Math.max(0, low - 1);
    return [bytes[index] || 0, blocks[index] || 0];
  }

  function draw() {
    if (shown < 0) return;
    which.value = String(shown);
    const process = data.processes[shown];
    const width = Math.max(picture.clientWidth, 300);
    picture.setAttribute("viewBox", "0 0 " + width + " " + HEIGHT);
    const column = state.metric === "bytes" ? process.timeline.bytes : process.timeline.blocks;
    const most = column.reduce((best, value) => Math.max(best, value), 1);
    const until = end(process);
    const inner = width - EDGE.left - EDGE.right;
    const tall = HEIGHT - EDGE.top - EDGE.bottom;
    const x = (micros) => EDGE.left + (inner * micros) / until;
    const rise = niceStep(most / 5, state.metric === "bytes" ? 1024 : 10);
    const top = Math.ceil(most / rise) * rise;
    const y = (value) => EDGE.top + tall * (1 - value / top);
    const parts = [];
    for (let value = 0; value <= top; value += rise) {
      parts.push(
        svg("line", { class: "rule", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
        svg("text", { x: EDGE.left - 8, y: y(value) + 4, "text-anchor": "end" },
          state.metric === "bytes" ? size(value) : number(value)));
    }
    const every = niceTime(until / Math.max(2, Math.min(8, inner / 75)));
    for (let moment = 0; moment <= until; moment += every) {
      parts.push(svg("text", {
        x: x(moment), y: HEIGHT - 8, "text-anchor": moment === 0 ? "start" : x(moment) > width - 50 ? "end" : "middle",
      }, moment === 0 ? "start" : duration(moment)));
    }
    const points = thinned(process.timeline.at, column, inner);
    let line = "";
    let before = null;
    for (const [moment, value] of points) {
      // What was live stays live until the next point.
      line += before === null ? "M" + x(moment) + " " + y(value) : "H" + x(moment) + "V" + y(value);
      before = value;
    }
    line += "H" + x(until);
    parts.push(
      svg("path", { class: "area", d: line + "V" + y(0) + "H" + x(points.length > 0 ? points[0][0] : 0) + "Z" }),
      svg("path", { class: "curve", d: line }));
    if (process.checkpoints.length <= MANY) {
      for (const checkpoint of process.checkpoints) {
        const at = x(checkpoint.atNs / 1000);
        parts.push(svg("line", { class: "checkpoint", x1: at, x2: at, y1: EDGE.top, y2: EDGE.top + tall }));
      }
    }
    const ended = process.assertions.filter((ended) => process.assertions.length <= MANY || ended.outcome !== "passed");
    for (const assertion of ended.slice(0, 2000)) {
      const at = x(assertion.atNs / 1000);
      const over = EDGE.top - 6;
      // Told apart by shape as well: a circle passed, a triangle did not.
      parts.push(assertion.outcome === "passed"
        ? svg("circle", { class: "passed", cx: at, cy: over - 4, r: 4 }, svg("title", {}, title(assertion)))
        : svg("path", { class: assertion.outcome, d: "M" + (at - 6) + " " + (over + 1) + "h12l-6 -11z" }, svg("title", {}, title(assertion))));
    }
    const pointer = svg("line", { class: "cursor", y1: EDGE.top, y2: EDGE.top + tall });
    parts.push(pointer);
    picture.replaceChildren(...parts);
    mark = () => {
      pointer.setAttribute("visibility", cursor === null ? "hidden" : "visible");
      if (cursor === null) {
        const [bytes, count] = live(process, until);
        readout.replaceChildren(
          (process.state === "running" ? "Now " : "At the end "), sized(bytes), " in " + counted(count, "block") + "; at most ",
          state.metric === "bytes" ? sized(most) : counted(most, "block"), ". " +
          counted(process.checkpoints.length, "checkpoint") + ". All that is live counts here, leaked or not.");
        return;
      }
      pointer.setAttribute("x1", x(cursor));
      pointer.setAttribute("x2", x(cursor));
      const [bytes, count] = live(process, cursor);
      readout.replaceChildren("After " + duration(cursor) + ": ", sized(bytes), " in " + counted(count, "block") +
        visible(since(process, cursor)));
    };
    mark();
    picture.onmousemove = (event) => {
      const bounds = picture.getBoundingClientRect();
      cursor = Math.max(0, Math.min(until, ((event.clientX - bounds.left - EDGE.left) / inner) * until));
      mark();
    };
  }

  const title = (assertion) => outcomeWord(assertion) + ": " + assertionTitle(assertion);

  function since(process, moment) {
    const before = process.checkpoints.filter((checkpoint) => checkpoint.atNs / 1000 <= moment + 0.5);
    const last = before[before.length - 1];
    return last ? ", since checkpoint " + (last.label || last.epoch) : "";
  }

  picture.addEventListener("mouseleave", () => { cursor = null; mark(); });
  picture.addEventListener("keydown", (event) => {
    if (shown < 0) return;
    const moments = data.processes[shown].checkpoints.map((checkpoint) => checkpoint.atNs / 1000);
    const now = cursor === null ? -1 : cursor;
    if (event.key === "ArrowRight") cursor = moments.find((moment) => moment > now) ?? cursor;
    else if (event.key === "ArrowLeft") cursor = moments.filter((moment) => moment < now).pop() ?? null;
    else if (event.key === "Escape") cursor = null;
    else return;
    event.preventDefault();
    mark();
  });
  new ResizeObserver(onceAFrame(draw)).observe(picture);
  listeners.push((what) => {
    if ("process" in what && withPoints.includes(what.process)) shown = what.process;
    draw();
  });
  const node = el("section", { class: "card timeline", id: "timeline", "aria-labelledby": "timeline-title" },
    el("div", { class: "head" },
      el("h2", { id: "timeline-title" }, "Live memory over time"),
      el("span", { class: "about" }, "Dashed lines are checkpoints; ● an assertion that passed, ▲ one that did not."),
      el("span", { class: "space" }),
      withPoints.length > 1 ? el("label", {}, "Process ", which) : null),
    withPoints.length > 0 ? [picture, readout] : el("p", { class: "soft" }, "These images hold no timeline."));
  return {
    node,
    refresh: draw,
    /** Moves the cursor to a moment, µs, of a process. */
    show(process, moment) {
      if (!withPoints.includes(process)) return;
      shown = process;
      cursor = moment;
      draw();
      node.scrollIntoView({ block: "center" });
      picture.focus({ preventScroll: true });
    },
  };
}
