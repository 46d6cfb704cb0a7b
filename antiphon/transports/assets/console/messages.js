// What the server says, as it comes.

import { $, Rows, make, shownValue } from "./dom.js";
import { clock } from "./units.js";

const MAX_ROWS = 200;
const TONES = { __proto__: null, error: "bad", failed: "bad", warning: "warn" };
const TURNS = { __proto__: null, started_talking: "talk", pause_detected: "pause", response_starting: "reply" };
const rows = new Rows($("log"), MAX_ROWS);
let turns = 0;

/** One row; `value` is a text, or any JSON. */
export function log(kind, value, tone = "") {
  const row = make(
    "li",
    { className: tone },
    make("time", { textContent: clock() }),
    make("b", { textContent: kind }),
    shownValue(value),
  );
  add(row);
}

function add(row) {
  row.hidden = !matches(row);
  rows.add(row);
}

/** One message of the server. */
export function logMessage(message) {
  const { type, event, status, data, message: said } = message;
  const kind = [type, event, status].find((name) => typeof name === "string") ?? "message";
  const turn = kind === "log" && typeof data === "string" && TURNS[data];
  if (turn === "talk") add(make("li", { className: "turn", textContent: `Turn ${(turns += 1)}` }));
  const value = kind === "send_input" || kind === "fetch_output" ? "" : data; // theirs is always empty
  log(kind, value ?? said ?? content(message), TONES[kind] ?? (turn || ""));
}

function content({ event, media_format: format, mark, meta }) {
  if (format) return `${format.encoding}, ${format.sample_rate} Hz`;
  if (event === "clear") return "buffered audio dropped";
  return mark?.name ?? meta ?? "";
}

/** Turns are counted for each call. */
export function restartTurns() {
  turns = 0;
}

function matches(row) {
  return row.textContent.toLowerCase().includes($("filter").value.trim().toLowerCase());
}

function filter() {
  for (const row of rows.all()) row.hidden = !matches(row);
  rows.toEnd();
}

$("filter").addEventListener("input", filter);
$("clear").addEventListener("click", () => rows.clear());
