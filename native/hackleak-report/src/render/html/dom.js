// Elements, numbers and words. All text of the report goes through `textContent`, never through markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties and children; a child is a node or a text. */
function el(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

function svg(name, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

function fill(node, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : visible(String(child)));
  }
  return node;
}

/** Control characters and those that turn the direction of text are shown as what they are. */
function visible(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (c) => "\\u{" + c.codePointAt(0).toString(16) + "}");
}

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

const number = (value) => whole.format(value);

function counted(value, noun) {
  return number(value) + " " + noun + (value === 1 ? "" : "s");
}

/** `1.91 MiB`. */
function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  if (value >= 1023.5 && unit > 0 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return (unit === 0 || value >= 99.95 ? number(value) : short.format(value)) + " " + units[unit];
}

/** `1.91 MiB`, and the exact number for who points at it. */
function sized(bytes) {
  return el("span", { title: counted(bytes, "byte") }, size(bytes));
}

function percent(part, all) {
  if (!(all > 0)) return "0 %";
  const value = (100 * part) / all;
  return (value > 0 && value < 0.1 ? "< 0.1" : short.format(value)) + " %";
}

/** µs as `3.2 s` or `1:02:03`. */
function duration(micros) {
  const seconds = micros / 1e6;
  if (seconds < 60) return seconds < 1 ? short.format(seconds * 1000) + " ms" : short.format(seconds) + " s";
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds / 60) % 60);
  return hours > 0 ? hours + ":" + two(minutes) + ":" + two(seconds % 60) + " h" : minutes + ":" + two(seconds % 60) + " min";
}

/** The smallest of 1, 2 and 5 times a power that is not below `least`; `base` is 10, or 1024 for bytes. */
function niceStep(least, base = 10) {
  let unit = 1;
  if (base === 1024) while (unit * 1024 <= least) unit *= 1024;
  const power = 10 ** Math.floor(Math.log10(Math.max(least / unit, 1)));
  return unit * ([1, 2, 5, 10].map((times) => times * power).find((step) => step * unit >= least) || 10 * power);
}

const TIMES = [1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 15e6, 3e7, 6e7, 12e7, 3e8, 6e8, 9e8, 18e8, 36e8, 72e8, 216e8, 864e8];

/** A length of time, µs, that people count in, not below `least`. */
const niceTime = (least) => TIMES.find((time) => time >= least) || 864e8 * Math.ceil(least / 864e8);

const baseName = (path) => path.slice(path.lastIndexOf("/") + 1);

function chip(word, kind = word) {
  return el("span", { class: "chip " + kind }, word);
}

/** Says something to who cannot see it. */
function announce(text) {
  document.getElementById("status").textContent = visible(text);
}

/** Buttons of which one is pressed. */
function choice(label, options, chosen, choose) {
  const buttons = options.map(([value, text]) =>
    el("button", {
      type: "button", "data-value": value, "aria-pressed": String(value === chosen),
      onclick: () => {
        for (const button of buttons) {
          button.setAttribute("aria-pressed", String(button.dataset.value === value));
        }
        choose(value);
      },
    }, text));
  return el("span", { class: "choice", role: "group", "aria-label": label }, buttons);
}

/** Puts text on the clipboard and says so on the button; also where the browser has no clipboard for pages from disk. */
async function copy(button, word, what, text) {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    const field = el("textarea", { class: "unseen", "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    done = document.execCommand("copy");
    field.remove();
  }
  button.textContent = done ? "Copied" : "Not copied";
  announce(done ? what + " copied" : "The browser did not let the page copy");
  setTimeout(() => { button.textContent = word; }, 1500);
}

function copyButton(word, what, text) {
  const button = el("button", { type: "button", onclick: () => copy(button, word, what, text()) }, word);
  return button;
}

const printers = [];

/** `work(true)` before the page is printed, `work(false)` after it. */
const whenPrinting = (work) => printers.push(work);

for (const [event, whether] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(event, () => {
    document.documentElement.classList.toggle("printing", whether);
    for (const work of printers) work(whether);
  });
}

/** A moment, ms since 1970, as people on the spot write it. */
const moment = (ms) => new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** Runs `work` at the next frame, once however often it was asked for. */
function onceAFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}
