// The outputs of a call, followed from the first time that the server tells of one.

import { $, Rows, make, shownValue } from "./dom.js";
import { clock } from "./units.js";

const MAX_ROWS = 100;
const LAST_WORDS_MS = 2000; // what a handler gives at its end comes after the end of the call
const rows = new Rows($("outputs-list"), MAX_ROWS);
let events = null;

/** Follow the outputs of this call, if that is not done already; each is also given to `onOutput`. */
export function followOutputs({ id, token }, onOutput) {
  if (events) return;
  $("outputs").hidden = false;
  const url = new URL("updates", document.baseURI);
  url.search = new URLSearchParams({ webrtc_id: id, ...(token && { token }) });
  events = new EventSource(url);
  const own = events;
  own.onmessage = ({ data }) => {
    const output = JSON.parse(data);
    add(output);
    onOutput(output);
  };
  own.addEventListener("error", ({ data }) => data && add(data)); // an output that is no JSON
  own.addEventListener("gap", () => add("Some outputs were lost: more came than are kept."));
  own.addEventListener("end", () => own.close());
}

/** The call is over; what it gave stays until the next one. */
export function leaveOutputs() {
  const own = events;
  events = null;
  if (own) setTimeout(() => own.close(), LAST_WORDS_MS);
}

export function clearOutputs() {
  $("outputs").hidden = true;
  $("outputs-list").replaceChildren();
}

function add(output) {
  const tone = typeof output === "number" ? "number" : "";
  rows.add(make("li", { className: tone }, make("time", { textContent: clock() }), shownValue(output)));
}
