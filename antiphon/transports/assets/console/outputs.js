// The outputs of a call, newest last.

import { $, Rows, make, shownValue } from "./dom.js";
import { clock } from "./units.js";

const MAX_ROWS = 100;
const rows = new Rows($("outputs-list"), MAX_ROWS);

export function showOutput(output) {
  const tone = typeof output === "number" ? "number" : "";
  $("outputs").hidden = false;
  rows.add(make("li", { className: tone }, make("time", { textContent: clock() }), shownValue(output)));
}

export function clearOutputs() {
  $("outputs").hidden = true;
  rows.clear();
}
