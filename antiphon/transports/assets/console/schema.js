// A form from a JSON schema: one field for each value that people can fill in, JSON for the rest.

import { make } from "./dom.js";

const MAX_DEPTH = 3; // of groups in groups; a type that holds itself has no end
const TEXTS = { date: "date", time: "time", email: "email", uri: "url", password: "password" };
const LONG = 200; // characters: from here on a text gets room
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

/** How a value is filled in. */
export function kindOf({ type, enum: options, properties, minimum, maximum }, depth) {
  if (options) return "choice";
  if (type === "boolean") return "check";
  if (type === "number" || type === "integer") return minimum !== undefined && maximum !== undefined ? "range" : "number";
  if (type === "string") return "text";
  return properties && depth < MAX_DEPTH ? "group" : "json";
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
    box.replaceChildren(...(isWhole ? [this.#field("$", "Inputs, as JSON", {}, true)] : this.#group("$", root, schema, 0)));
  }

  /** What is filled in; what was left out is not there. Throws the first of what cannot be read, `{path, text}`. */
  read() {
    const values = {};
    for (const { path, read } of this.#fields) {
      const value = read();
      if (value === undefined) continue;
      if (path === "$") return value;
      put(values, path.split(".").slice(1), value);
    }
    return values;
  }

  /** Show errors beside their fields; returns those that belong to none. */
  mark(errors) {
    for (const field of this.#fields) this.#say(field, "");
    const others = [];
    for (const { path, text } of errors) {
      const owns = ({ path: own }) => path === own || path.startsWith(`${own}.`) || path.startsWith(`${own}[`);
      const field = path !== "$" && this.#fields.find(owns);
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

  #group(path, schema, root, depth) {
    return Object.entries(schema.properties).map(([name, property]) => {
      const own = resolve(property, root);
      const title = own.title ?? name;
      const isRequired = schema.required?.includes(name) ?? false;
      if (kindOf(own, depth + 1) !== "group") return this.#field(`${path}.${name}`, title, own, isRequired);
      return make("fieldset", {}, make("legend", { textContent: title }), ...this.#group(`${path}.${name}`, own, root, depth + 1));
    });
  }

  #field(path, title, schema, isRequired) {
    const id = `field-${(count += 1)}`;
    const { control, read, beside = [] } = CONTROLS[kindOf(schema, MAX_DEPTH)](schema, isRequired);
    const wrong = make("p", { className: "wrong", id: `${id}-wrong`, data: { testid: `wrong ${path}` } });
    control.id = id;
    control.dataset.testid = `field ${path}`;
    control.setAttribute("aria-describedby", `${id}-hint ${wrong.id}`);
    if (isRequired) control.setAttribute("aria-required", "true");
    this.#fields.push({ path, control, wrong, read: () => reading(path, read) });
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

function put(values, names, value) {
  const [name, ...rest] = names;
  if (!rest.length) values[name] = value;
  else put((values[name] ??= {}), rest, value);
}

/** What an empty field stands for. */
function nothing({ isNullable, default: preset }, isRequired) {
  return isNullable && (isRequired || preset != null) ? null : undefined;
}

const CONTROLS = {
  choice(schema, isRequired) {
    const { enum: options, default: preset } = schema;
    const control = make("select");
    if (!isRequired && preset === undefined) control.append(make("option", { value: "", textContent: "–" }));
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
    const output = make("output", { textContent: control.value });
    control.addEventListener("input", () => (output.textContent = control.value));
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
    const control = maxLength > LONG ? make("textarea", { rows: 3 }) : make("input", { type: TEXTS[format] ?? "text" });
    control.value = preset ?? "";
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
