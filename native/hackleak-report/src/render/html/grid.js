// A table of any length: only the rows in view are in the page. Rows are chosen with the arrow keys and opened with Enter.
// What is difficult: a browser forgets a click on an element that is gone when the button is let go. So while a button is
// down no row is drawn anew.

const NARROW = 640; // px: below this a row has two lines, and the columns that matter less are not shown
const MOST_PRINTED = 1000;

/**
 * columns: [{ title, width, right, main, minor, cell(row) → nodes, compare(a, b) }]; rows are numbers. In a narrow table
 * `main` has a line of its own, and `minor` is left out.
 * open(row) is called for Enter, Space and a click.
 */
function grid({ label, columns, rowHeight, narrowHeight, height, open, empty, sort = 0, descending = true }) {
  let rows = [];
  let active = -1;
  let chosen = -1;
  let narrow = false;
  let printing = false;
  let pressed = false;
  let late = false; // to be drawn when the button is up
  const id = "grid-" + label.toLowerCase().replace(/[^a-z]+/g, "-");
  const space = el("div", { class: "grid-space", role: "rowgroup" });
  const nothing = el("div", { class: "grid-empty" }, empty);
  const heads = columns.map((column, index) => {
    const title = column.compare
      ? el("button", { type: "button", onclick: () => sortBy(index) }, column.title)
      : el("span", {}, column.title);
    return el("div", { role: "columnheader", class: column.right ? "right" : "" }, title);
  });
  const head = el("div", { class: "grid-row grid-head", role: "row", "aria-rowindex": 1 }, heads);
  const body = el("div", { class: "grid-body", role: "grid", tabindex: 0, "aria-label": label, "aria-colcount": columns.length },
    el("div", { class: "grid-top", role: "rowgroup" }, head), space);
  const more = el("div", { class: "grid-empty", hidden: true });
  const node = el("div", { class: "grid" + (open ? " opens" : "") }, body, nothing, more);

  const lineHeight = () => (narrow ? narrowHeight : rowHeight);

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
    late = pressed;
    if (pressed) return;
    narrow = node.clientWidth > 0 && node.clientWidth < NARROW && !printing;
    node.classList.toggle("narrow", narrow);
    const shownColumns = columns.filter((column) => !(narrow && column.minor));
    const template = narrow ? "" : columns.map((column) => column.width).join(" ");
    head.style.gridTemplateColumns = template;
    heads.forEach((cell, index) => { cell.hidden = narrow && Boolean(columns[index].minor); });
    const tall = lineHeight();
    const count = printing ? Math.min(rows.length, MOST_PRINTED) : rows.length;
    const shown = printing ? count * tall : Math.min(rows.length * tall, height);
    body.hidden = rows.length === 0;
    nothing.hidden = rows.length > 0;
    body.style.maxHeight = printing ? "none" : shown + head.offsetHeight + "px";
    space.style.height = count * tall + "px";
    const from = printing ? 0 : Math.max(0, Math.floor(body.scrollTop / tall) - 4);
    const to = printing ? count : Math.min(rows.length, Math.ceil((body.scrollTop + shown) / tall) + 4);
    space.replaceChildren(...rows.slice(from, to).map((row, offset) => line(shownColumns, template, row, from + offset)));
    more.hidden = !printing || rows.length <= count;
    more.textContent = counted(rows.length - count, "more row");
    body.setAttribute("aria-rowcount", rows.length + 1);
    if (active >= from && active < to) body.setAttribute("aria-activedescendant", id + "-" + active);
    else body.removeAttribute("aria-activedescendant");
  }

  function line(shownColumns, template, row, index) {
    const cells = shownColumns.map((column) => {
      const classes = [column.right && "right", column.class, column.main && "main"].filter(Boolean).join(" ");
      return el("div", { role: "gridcell", class: classes || undefined }, column.cell(row));
    });
    const line = el("div", {
      class: "grid-row" + (index === active ? " active" : ""), role: "row", id: id + "-" + index,
      "aria-rowindex": index + 2, "aria-selected": String(row === chosen),
    }, cells);
    line.style.gridTemplateColumns = template;
    line.style.top = index * lineHeight() + "px";
    line.style.height = lineHeight() + "px";
    return line;
  }

  function choose(index) {
    active = index;
    chosen = rows[index];
    draw();
    if (open) open(chosen);
  }

  /** Scrolls so that a row is in view. */
  function reveal(index) {
    const tall = lineHeight();
    const room = body.clientHeight - head.offsetHeight;
    const top = index * tall;
    if (top < body.scrollTop) body.scrollTop = top;
    if (top + tall - room > body.scrollTop) body.scrollTop = top + tall - room;
  }

  function move(index) {
    active = Math.max(0, Math.min(rows.length - 1, index));
    reveal(active);
    draw();
  }

  space.addEventListener("click", (event) => {
    if (String(getSelection()) !== "" || event.target.closest("a, button")) return;
    const line = event.target.closest(".grid-row");
    if (!line) return;
    pressed = false;
    choose(Number(line.getAttribute("aria-rowindex")) - 2);
  });
  space.addEventListener("pointerdown", () => { pressed = true; });
  for (const up of ["pointerup", "pointercancel"]) {
    // After the click, which comes right behind.
    addEventListener(up, () => setTimeout(() => {
      pressed = false;
      if (late) draw();
    }));
  }
  body.addEventListener("scroll", onceAFrame(draw));
  body.addEventListener("focus", () => {
    // By keyboard: a click chooses its own row.
    if (active < 0 && rows.length > 0 && body.matches(":focus-visible")) move(0);
  });
  body.addEventListener("keydown", (event) => {
    if (event.target !== body) return;
    const page = Math.max(1, Math.floor((body.clientHeight - head.offsetHeight) / lineHeight()) - 1);
    const steps = {
      ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page,
      Home: 0, End: rows.length - 1,
    };
    if (event.key in steps) move(steps[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && active >= 0) choose(active);
    else return;
    event.preventDefault();
  });

  new ResizeObserver(onceAFrame(draw)).observe(node);
  whenPrinting((whether) => {
    printing = whether;
    draw();
  });

  return {
    node,
    focus: () => body.focus(),
    /** Shows these rows, in the order that is set. */
    show(newRows) {
      rows = newRows;
      active = -1;
      arrange();
    },
    /** Marks a row as chosen, and shows it. */
    mark(row) {
      chosen = row;
      const index = rows.indexOf(row);
      if (index >= 0) reveal(index);
      draw();
    },
  };
}

const byNumber = (column) => (a, b) => column(a) - column(b);
const byText = (column) => (a, b) => (column(a) < column(b) ? -1 : column(a) > column(b) ? 1 : 0);
