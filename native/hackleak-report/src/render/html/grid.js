// A table of any length: only the rows in view are in the page. Rows are chosen with the arrow keys and opened with Enter.

/**
 * columns: [{ title, width, right, cell(row) → nodes, compare(a, b) }]; rows are numbers.
 * open(row) is called for Enter, Space and a click.
 */
function grid({ label, columns, rowHeight, height, open, empty, sort = 0, descending = true }) {
  let rows = [];
  let active = -1;
  let chosen = -1;
  const template = columns.map((column) => column.width).join(" ");
  const id = "grid-" + label.toLowerCase().replace(/[^a-z]+/g, "-");
  const space = el("div", { class: "grid-space", role: "presentation" });
  const body = el("div", { class: "grid-body", role: "rowgroup", tabindex: 0, "aria-label": label }, space);
  const nothing = el("div", { class: "grid-empty" }, empty);
  const heads = columns.map((column, index) => {
    const title = column.compare
      ? el("button", { type: "button", onclick: () => sortBy(index) }, column.title)
      : el("span", {}, column.title);
    return el("div", { role: "columnheader", class: column.right ? "right" : "" }, title);
  });
  const head = el("div", { class: "grid-row grid-head", role: "row", "aria-rowindex": 1 }, heads);
  head.style.gridTemplateColumns = template;
  const node = el("div", { class: "grid", role: "grid", "aria-label": label, "aria-colcount": columns.length },
    el("div", { role: "rowgroup" }, head), body, nothing);

  function sortBy(index) {
    descending = index === sort ? !descending : Boolean(columns[index].right);
    sort = index;
    arrange();
    announce(label + " sorted by " + columns[index].title + (descending ? ", descending" : ", ascending"));
  }

  function arrange() {
    const kept = active >= 0 ? rows[active] : undefined;
    const compare = columns[sort].compare;
    if (compare) rows.sort((a, b) => (descending ? compare(b, a) : compare(a, b)) || a - b);
    heads.forEach((cell, index) => {
      if (!columns[index].compare) return;
      const order = index !== sort ? "none" : descending ? "descending" : "ascending";
      cell.setAttribute("aria-sort", order);
      const mark = index !== sort ? "" : descending ? " ▾" : " ▴";
      cell.firstChild.textContent = columns[index].title + mark;
    });
    active = kept === undefined ? -1 : rows.indexOf(kept);
    body.scrollTop = 0;
    draw();
  }

  function draw() {
    const shown = Math.min(rows.length * rowHeight, height);
    body.style.height = shown + "px";
    body.hidden = rows.length === 0;
    nothing.hidden = rows.length > 0;
    // The scroll bar takes room from the rows that the head has not to give.
    head.style.paddingRight = "calc(.75rem + " + Math.max(0, body.offsetWidth - body.clientWidth) + "px)";
    space.style.height = rows.length * rowHeight + "px";
    const from = Math.max(0, Math.floor(body.scrollTop / rowHeight) - 4);
    const to = Math.min(rows.length, Math.ceil((body.scrollTop + shown) / rowHeight) + 4);
    space.replaceChildren(...rows.slice(from, to).map((row, offset) => line(row, from + offset)));
    node.setAttribute("aria-rowcount", rows.length + 1);
    if (active >= from && active < to) body.setAttribute("aria-activedescendant", id + "-" + active);
    else body.removeAttribute("aria-activedescendant");
  }

  function line(row, index) {
    const cells = columns.map((column) =>
      el("div", { role: "gridcell", class: column.right ? "right" : column.class }, column.cell(row)));
    const line = el("div", {
      class: "grid-row" + (index === active ? " active" : ""), role: "row", id: id + "-" + index,
      "aria-rowindex": index + 2, "aria-selected": String(row === chosen),
      onclick: () => choose(index),
    }, cells);
    line.style.gridTemplateColumns = template;
    line.style.top = index * rowHeight + "px";
    line.style.height = rowHeight + "px";
    return line;
  }

  function choose(index) {
    active = index;
    chosen = rows[index];
    draw();
    if (open) open(chosen);
  }

  function move(index) {
    active = Math.max(0, Math.min(rows.length - 1, index));
    const top = active * rowHeight;
    if (top < body.scrollTop) body.scrollTop = top;
    const bottom = top + rowHeight - body.clientHeight;
    if (bottom > body.scrollTop) body.scrollTop = bottom;
    draw();
  }

  body.addEventListener("scroll", onceAFrame(draw));
  body.addEventListener("focus", () => { if (active < 0 && rows.length > 0) move(0); });
  body.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(body.clientHeight / rowHeight) - 1);
    const steps = {
      ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page,
      Home: 0, End: rows.length - 1,
    };
    if (event.key in steps) move(steps[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && active >= 0) choose(active);
    else return;
    event.preventDefault();
  });

  new ResizeObserver(onceAFrame(draw)).observe(body);

  return {
    node,
    focus: () => body.focus(),
    /** Shows these rows, in the order that is set. */
    show(newRows) {
      rows = newRows;
      active = -1;
      arrange();
    },
    /** Marks a row as chosen. */
    mark(row) {
      chosen = row;
      draw();
    },
  };
}

const byNumber = (column) => (a, b) => column(a) - column(b);
const byText = (column) => (a, b) => (column(a) < column(b) ? -1 : column(a) > column(b) ? 1 : 0);
