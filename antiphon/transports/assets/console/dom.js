// Short names for what every part of the console does with the page.

const MAX_BRIEF = 300; // characters of a row that is not open

export const $ = (id) => document.getElementById(id);

/** An element with properties and children; `data` holds its dataset, names with a dash are attributes. */
export function make(tag, { data = {}, ...properties } = {}, ...children) {
  const element = document.createElement(tag);
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** The list in a box: it keeps its newest `most` rows and follows its end while that is in sight. Rows are
 * shown once a frame: to lay out each by itself takes a millisecond. */
export class Rows {
  #waiting = [];

  constructor(box, most) {
    this.box = box;
    this.list = box.firstElementChild;
    this.most = most;
  }

  add(row) {
    if (this.#waiting.push(row) === 1) requestAnimationFrame(() => this.#show());
    if (this.#waiting.length > this.most) this.#waiting.shift();
  }

  all() {
    return [...this.list.children, ...this.#waiting];
  }

  clear() {
    this.#waiting = [];
    this.list.replaceChildren();
  }

  #show() {
    const { box, list } = this;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    list.append(...this.#waiting.splice(0));
    while (list.children.length > this.most) list.firstChild.remove();
    if (atEnd) this.toEnd();
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
  }
}

/** A pen for a canvas of any density, its area cleared, with the size in CSS pixels. */
export function penFor(canvas) {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const [columns, rows] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

/** A value as a row shows it: short ones as they are, objects and long texts behind a line that opens. */
export function shownValue(value) {
  const isObject = value !== null && typeof value === "object";
  const text = isObject ? JSON.stringify(value) : String(value);
  if (!isObject && text.length <= MAX_BRIEF) return make("span", { textContent: text });
  const brief = text.length > MAX_BRIEF ? `${text.slice(0, MAX_BRIEF)}…` : text;
  const whole = isObject ? JSON.stringify(value, null, 2) : text;
  return make("details", {}, make("summary", { textContent: brief }), make("pre", { textContent: whole }));
}
