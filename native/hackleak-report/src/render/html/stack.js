// One merged stack, Java above native. A call from Java into native code and back has two such pairs; the outer one comes
// after "called from".

function sideBadge(frame) {
  const side = data.frames.side[frame];
  return el("span", { class: "side " + SIDES[side] }, SIDE_WORDS[side]);
}

function frameLine(frame, owners) {
  const module = text(data.frames.module[frame]);
  const full = text(data.frames.full[frame]);
  const place = framePlace(frame);
  return el("li", { class: owners.has(frame) ? "owner" : undefined, title: [full, module].filter(Boolean).join("\n") },
    sideBadge(frame),
    el("span", {},
      el("span", { class: "name mono" }, frameName(frame)),
      data.frames.inlined[frame] ? el("span", { class: "soft" }, " inlined") : null,
      place ? el("span", { class: "place mono" }, "  " + place) : null,
      owners.has(frame) ? el("span", { class: "unseen" }, " (likely owner)") : null));
}

/** Neighbouring frames of one side; notes belong to the side that they follow. */
function runs(frames) {
  const runs = [];
  for (const frame of frames) {
    const side = data.frames.side[frame];
    const java = side === JAVA || side === 3;
    const last = runs[runs.length - 1];
    if (last && (side === 2 || last.java === java)) last.frames.push(frame);
    else runs.push({ java, frames: [frame] });
  }
  return runs;
}

function stackList(node, owners = new Set()) {
  const list = el("ol", { class: "stack" });
  const parts = runs(framesOf(node));
  let at = 0;
  while (at < parts.length) {
    const native = parts[at].java ? null : parts[at++];
    const java = at < parts.length && parts[at].java ? parts[at++] : null;
    if (list.childElementCount > 0) list.append(el("li", { class: "from" }, "called from"));
    for (const part of [java, native]) {
      if (part) list.append(...part.frames.map((frame) => frameLine(frame, owners)));
    }
  }
  return list;
}
