// The inputs of a call: a form from the type that the stream declares, or JSON where it declares none.

import { $ } from "./dom.js";
import { SchemaForm, readErrors } from "./schema.js";

const IN_BAND = "the inputs do not fit: "; // how an error of inputs that came in the call begins
let form = null;
let schema = null;
let call = null;

/** The form for what `/about.json` says of the inputs; it is shown at once where they have a type. */
export function prepareInputs(declared) {
  schema = declared;
  form = new SchemaForm($("inputs-fields"), schema ?? {});
  $("inputs").hidden = schema === null;
}

/** Whom the inputs are for; null when there is no call. */
export function inputsFor(running) {
  call = running;
  asked("");
}

/** The handler waits for inputs. */
export function askForInputs() {
  $("inputs").hidden = false;
  asked("The stream asks for inputs.", true);
}

/** An error of the server may be about what was sent in the call. */
export function inputsRefused(text) {
  if (typeof text === "string" && text.startsWith(IN_BAND)) mark(readErrors(text.slice(IN_BAND.length)));
}

function asked(text, isWanted = false) {
  $("inputs-asked").textContent = text;
  $("inputs").classList.toggle("wanted", isWanted);
}

function mark(errors) {
  if (errors.length) asked("");
  $("inputs-wrong").textContent = form.mark(errors).join("; ");
  if (errors.length) $("inputs-fields").querySelector("[aria-invalid]")?.focus();
}

async function send(values) {
  if ($("inputs-by").value === "call") {
    call.send({ event: "input", data: values });
    return asked("Sent. What does not fit is said here.");
  }
  const fields = schema && Object.keys(schema).length ? values : { inputs: values };
  const headers = { "Content-Type": "application/json", ...(call.token && { Authorization: `Bearer ${call.token}` }) };
  const body = JSON.stringify({ ...fields, webrtc_id: call.id });
  const response = await fetch(new URL("input_hook", document.baseURI), { method: "POST", headers, body });
  if (response.ok) return asked("Taken: the handler has these inputs.");
  const { meta } = await response.json();
  mark(meta.error === "invalid_field" ? readErrors(meta.detail ?? "") : [{ path: "$", text: meta.detail ?? meta.error }]);
}

$("inputs-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  mark([]);
  if (!call) return mark([{ path: "$", text: "Start a call first: inputs are for a call that runs." }]);
  try {
    await send(form.read());
  } catch (error) {
    const isReading = "path" in error;
    mark([isReading ? error : { path: "$", text: "The server does not answer. Is it still running?" }]);
  }
});
