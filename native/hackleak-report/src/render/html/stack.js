// One merged stack, innermost first as in a crash log: native frames above the Java frames that called them, and those above
// their callers.

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
      owners.has(frame) ? el("span", { class: "mine" }, " likely owner") : null));
}

function stackList(node, owners = new Set()) {
  return el("ol", { class: "stack" }, framesOf(node).map((frame) => frameLine(frame, owners)));
}

/** The same as text, for messages and issues. */
function stackText(node) {
  let number = 0;
  return framesOf(node).map((frame) => {
    const place = framePlace(frame);
    switch (data.frames.side[frame]) {
      case NATIVE: return "#" + number++ + " " + text(data.frames.full[frame]) + (place ? "  " + place : "");
      case JAVA: return "   at " + frameName(frame) + (place ? "(" + place + ")" : "");
      default: return "   (" + frameName(frame) + ")";
    }
  }).join("\n");
}
