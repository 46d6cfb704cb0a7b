// A form from a JSON schema: one field for each value that people can fill in, JSON for the rest.

import { make } from "./dom.js";

const MAX_DEPTH = 3; // of groups in groups; a type that holds itself has no end
const TEXTS = { date: "date", time: "time", email: "email", uri: "url", password: "password" };
const LONG = 200; // characters: from here on a text gets room
const MOST_STEPS = 1000; // of whole numbers; beyond, a slider hits none of them exactly
let count = 0;

/** The schema behind references, and behind "this or null", which then is `isNullable`. */
export function resolve(schema, root) {
  const { $ref, allOf, anyOf, oneOf, ...own } = schema;
  if ($ref) return resolve({ ...root.$defs?.[$ref.split("/").pop()], ...own }, root);
  if (allOf?.length === 1) return resolve({ ...allOf[0], ...own }, root);
  const union = anyOf ?? oneOf;
  const others = union?.filter(({ type }) => type !== "null") ?? [];
  if (others.length === 1) return { ...resolve({ ...others[0], ...own }, root), isNullable: others.length < union.length };
  return schema;
}

/** How a value is filled in; one that can be left out needs a control that can be empty. */
export function kindOf({ type, enum: options, const: only, properties, minimum, maximum }, depth, canBeEmpty) {
  if (options || only !== undefined) return "choice";
  if (type === "boolean") return canBeEmpty ? "choice" : "check";
  if (type === "integer" && maximum - minimum > MOST_STEPS) return "number";
  if (type === "number" || type === "integer") return maximum >= minimum && !canBeEmpty ? "range" : "number";
  if (type === "string") return "text";
  return properties && depth < MAX_DEPTH ? "group" : "json";
}

/** Whether there is something to send, or to stand for null, where nothing is filled in. */
function isLeftOpen({ isNullable, default: preset }, isRequired) {
  return isNullable || (!isRequired && preset === undefined);
}

/** Errors as the server writes them, `text - at `$.path`` one behind the other, by their paths. */
export function readErrors(detail) {
  const errors = [...detail.matchAll(/(.*?) - at `(\$[^`]*)`(?:; |$)/g)].map(([, text, path]) => ({ path, text }));
  return errors.length ? errors : [{ path: "$", text: detail }];
}

export class SchemaForm {
  #fields = [];

  constructor(box, schema) {
    const root = resolve(schema, schema);
    const isWhole = kindOf(root, 0) !== "group";
    box.replaceChildren(...(isWhole ? [this.#field([], "Inputs, as JSON", {}, true)] : this.#members([], root, schema)));
  }

  /** What is filled in; what was left out is not there. Throws the first of what cannot be read, `{path, text}`. */
  read() {
    const values = {};
    for (const { names, control, read } of this.#fields) {
      const value = control.matches(":disabled") ? undefined : read(); // as all of a group that is left out
      if (!names.length && value === undefined) throw { path: "$", text: "Fill in a value first, as JSON." };
      if (!names.length) return value;
      if (value === undefined) continue;
      put(values, names, value);
    }
    return values;
  }

  /** Show errors beside their fields; returns those that belong to none. */
  mark(errors) {
    for (const field of this.#fields) this.#say(field, "");
    const others = [];
    for (const { path, text } of errors) {
      const owns = ({ path: own }) => path === own || path.startsWith(`${own}.`) || path.startsWith(`${own}[`);
      const field = path !== "$" && this.#fields.findLast(owns); // a group stands before its members
      if (field) this.#say(field, path === field.path ? text : `${path}: ${text}`);
      else others.push(path === "$" ? text : `${path}: ${text}`);
    }
    return others;
  }

  #say({ control, wrong }, text) {
    wrong.textContent = [wrong.textContent, text].filter((each) => each && text).join("; ");
    control.toggleAttribute("aria-invalid", Boolean(text));
    if (text) control.setAttribute("aria-invalid", "true");
  }

  /** What a group holds; its own default goes before those of its members. */
  #members(names, schema, root) {
    return Object.entries(schema.properties).map(([name, property]) => {
      const own = resolve(property, root);
      const preset = schema.default?.[name];
      const member = preset === undefined ? own : { ...own, default: preset };
      const title = property.title ?? name; // a type has a title too, the same wherever it stands
      const isRequired = schema.required?.includes(name) ?? false;
      const isGroup = kindOf(member, names.length + 1) === "group";
      const at = [...names, name];
      return isGroup ? this.#group(at, title, member, isRequired, root) : this.#field(at, title, member, isRequired);
    });
  }

  /** A group that can be left out has a box to tick. */
  #group(names, title, schema, isRequired, root) {
    const path = pathOf(names);
    const wrong = make("p", { className: "wrong", id: `field-${(count += 1)}-wrong`, data: { testid: `wrong ${path}` } });
    const isOpen = isLeftOpen(schema, isRequired);
    const control = make("input", { type: "checkbox", "aria-describedby": wrong.id, data: { testid: `field ${path}` } });
    control.checked = !isOpen || Boolean(schema.default);
    const read = () => (control.checked ? {} : nothing(schema, isRequired));
    this.#fields.push({ names, path, control, wrong, read });
    const members = make("fieldset", {}, ...this.#members(names, schema, root));
    const fold = () => (members.hidden = members.disabled = !control.checked);
    control.addEventListener("change", fold);
    fold();
    const legend = isOpen ? make("label", {}, control, ` ${title}`) : title;
    return make("fieldset", { className: "group" }, make("legend", {}, legend), members, wrong);
  }

  #field(names, title, schema, isRequired) {
    const id = `field-${(count += 1)}`;
    const path = pathOf(names);
    const kind = kindOf(schema, MAX_DEPTH, isLeftOpen(schema, isRequired));
    const { control, read, beside = [] } = CONTROLS[kind](schema, isRequired);
    const wrong = make("p", { className: "wrong", id: `${id}-wrong`, data: { testid: `wrong ${path}` } });
    control.id = id;
    control.dataset.testid = `field ${path}`;
    control.setAttribute("aria-describedby", `${id}-hint ${wrong.id}`);
    if (isRequired) control.setAttribute("aria-required", "true");
    this.#fields.push({ names, path, control, wrong, read: () => reading(path, read) });
    const isAlwaysGiven = isRequired || control.type === "checkbox" || control.type === "range";
    const label = make("label", { htmlFor: id, textContent: title }, isAlwaysGiven ? "" : make("i", { textContent: " optional" }));
    const hint = make("p", { className: "hint", id: `${id}-hint`, textContent: schema.description ?? "" });
    return make("div", { className: `field ${control.type}` }, label, ...beside, control, hint, wrong);
  }
}

function reading(path, read) {
  try {
    return read();
  } catch (error) {
    throw { path, text: error.message };
  }
}

/** Its group is there: it was read before. */
function put(values, names, value) {
  const own = names.slice(0, -1).reduce((group, name) => group[name], values);
  Object.defineProperty(own, names.at(-1), { value, enumerable: true }); // also `__proto__`
}

function pathOf(names) {
  return ["$", ...names].join(".");
}

/** What an empty field stands for. */
function nothing({ isNullable, default: preset }, isRequired) {
  return isNullable && (isRequired || preset != null) ? null : undefined;
}

const CONTROLS = {
  choice(schema, isRequired) {
    const { const: only, enum: options = only === undefined ? [true, false] : [only], default: preset } = schema;
    const control = make("select");
    if (isLeftOpen(schema, isRequired)) control.append(make("option", { value: "", textContent: "–" }));
    options.forEach((option, index) => {
      control.append(make("option", { value: index, textContent: String(option), selected: option === preset }));
    });
    return { control, read: () => (control.value === "" ? nothing(schema, isRequired) : options[control.value]) };
  },

  check({ default: preset }) {
    const control = make("input", { type: "checkbox", checked: preset === true });
    return { control, read: () => control.checked };
  },

  range(schema) {
    const { type, minimum, maximum, multipleOf, default: preset } = schema;
    const step = multipleOf ?? (type === "integer" ? 1 : (maximum - minimum) / 100);
    const control = make("input", { type: "range", min: minimum, max: maximum, step });
    control.value = preset ?? (minimum + maximum) / 2;
    if (preset !== undefined && control.valueAsNumber !== preset) [control.step, control.value] = ["any", preset];
    const tell = () => (output.textContent = Number(control.valueAsNumber.toPrecision(4)));
    const output = make("output");
    control.addEventListener("input", tell);
    tell();
    return { control, beside: [output], read: () => control.valueAsNumber };
  },

  number(schema, isRequired) {
    const { type, minimum = "", maximum = "", default: preset } = schema;
    const control = make("input", { type: "number", min: minimum, max: maximum, step: type === "integer" ? 1 : "any" });
    control.value = preset ?? "";
    return {
      control,
      read() {
        if (control.validity.badInput) throw new Error("This is no number.");
        return control.value === "" ? nothing(schema, isRequired) : control.valueAsNumber;
      },
    };
  },

  text(schema, isRequired) {
    const { format, maxLength = 0, default: preset = "" } = schema;
    const line = make("input", { type: TEXTS[format] ?? "text", value: preset ?? "" });
    const holds = maxLength <= LONG && line.value === (preset ?? ""); // not so a text of lines, or a time with its zone
    const control = holds ? line : make("textarea", { rows: 3, value: preset ?? "" });
    const isLeftOut = () => control.value === "" && (schema.isNullable || (!isRequired && !preset));
    return { control, read: () => (isLeftOut() ? nothing(schema, isRequired) : control.value) };
  },

  json(schema, isRequired) {
    const { default: preset } = schema;
    const control = make("textarea", { rows: 3, spellcheck: false, className: "json" });
    control.value = preset === undefined ? "" : JSON.stringify(preset);
    return {
      control,
      read: () => (control.value.trim() === "" ? nothing(schema, isRequired) : JSON.parse(control.value)),
    };
  },
};
