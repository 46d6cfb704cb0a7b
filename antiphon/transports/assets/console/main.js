// The console: one page to try a stream with. Calls are made by client.js, as on any other page.

import { connect, obstacle } from "../client.js";
import { chooseServed, choices, lockChoices, offerChoices } from "./choices.js";
import { showCode } from "./code.js";
import { arrangeDevices, chosenDevices, listDevices, watchDevices } from "./devices.js";
import { $, make } from "./dom.js";
import { askForInputs, inputsFor, inputsRefused, prepareInputs } from "./form.js";
import { log, logMessage, restartTurns } from "./messages.js";
import { clearOutputs, showOutput } from "./outputs.js";
import { arrangeStats, drawStats, resetPlots } from "./plots.js";
import {
  addLevel, arrangeSignals, drawMeters, drawWaves, hushSignals, resetSignals, showPictures,
} from "./signals.js";
import { beginSpeech, drawTrace, endSpeech, hear, prepareSpeech, showResult } from "./speech.js";
import { duration, seconds } from "./units.js";
import { advice } from "./words.js";

const STATES = {
  idle: "Not connected", preparing: "Opening the devices…", connecting: "Connecting…", open: "Connected",
  closing: "Stopping…", closed: "Not connected", failed: "Not connected",
};
const SAMPLE_RATE = 24000; // Hz, of what is heard and captured
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
let about = {}; // what the stream serves; empty when nobody has told
let call = null;
let hasTold = false; // whether results of speech come as messages; then outputs only repeat them

/** All that has been chosen, as `connect` takes it. */
function selection() {
  return { ...choices(), ...chosenDevices(choices()) };
}

function sendsSound() {
  const { mode, modality } = choices();
  return mode !== "receive" && modality !== "video";
}

function isRunning() {
  return call !== null && call.state !== "closed";
}

function show(state) {
  const running = !["idle", "closed", "failed"].includes(state);
  $("state").dataset.state = state;
  $("state").textContent = STATES[state];
  lockChoices(running);
  $("toggle").textContent = running ? "Stop" : "Start";
  $("toggle").classList.toggle("stop", running);
  $("mute").hidden = state !== "open" || !sendsSound();
}

function notice(text, isBad, more = "") {
  $("notice").hidden = !text;
  $("notice").classList.toggle("bad", isBad);
  $("notice").replaceChildren(make("p", { textContent: text }), ...(more ? [make("p", { textContent: more })] : []));
}

function start() {
  notice("", false);
  resetSignals();
  resetPlots();
  clearOutputs();
  restartTurns();
  $("heard").textContent = "";
  hasTold = false;
  showMuted(false);
  call = connect({
    ...selection(),
    sampleRate: SAMPLE_RATE,
    onState: (state, ending) => (ending ? finish(ending) : follow(state)),
    onMessage: receive,
    onOutput: (output) => {
      showOutput(output);
      if (!hasTold) showResult(output);
    },
    onInterrupted: tellHeard,
    onPictures: showPictures,
    onLevel: addLevel,
    onCapture: hear,
  });
  redraw();
}

function follow(state) {
  show(state);
  if (state === "connecting") listDevices();
  if (state !== "open") return;
  inputsFor(call);
  if (sendsSound()) beginSpeech(SAMPLE_RATE);
}

function receive(message) {
  const { type, data } = message;
  logMessage(message);
  if (type === "send_input") askForInputs();
  if (type === "message") hasTold = showResult(data) || hasTold;
  if (type === "error") inputsRefused(data);
}

/** What was heard of a reply that was interrupted, in milliseconds where the client knows it. */
function tellHeard({ heard, dropped }) {
  const known = `Interrupted: heard ${seconds(heard / 1000)} of the reply, ${seconds(dropped / 1000)} dropped.`;
  const text = heard === null ? "Interrupted: the rest of the reply was dropped." : known;
  $("heard").textContent = text;
  log("interrupted", text, "pause");
}

function showMuted(isMuted) {
  $("mute").setAttribute("aria-pressed", isMuted);
  $("in-label").textContent = isMuted ? "Microphone, muted" : "Microphone";
}

function finish(ending) {
  hushSignals();
  showMuted(false);
  inputsFor(null);
  endSpeech();
  show(ending.isProblem ? "failed" : "closed");
  log("call", ending.text, ending.isProblem ? "bad" : "");
  if (ending.cause !== "stopped") notice(ending.text, ending.isProblem, advice(ending));
}

let drawnAt = 0;
let toldAt = 0;
let isDrawing = false; // or will at the next frame
function draw(now) {
  isDrawing = false;
  const isOver = !isRunning();
  if (isOver || !stillness.matches || now - drawnAt > 500) {
    drawnAt = now;
    drawWaves();
    drawTrace();
  }
  if (call && (isOver || now - toldAt > 100)) {
    toldAt = now;
    drawMeters();
    drawStats(call.stats, now);
  }
  if (!isOver) redraw();
}

function redraw() {
  if (!isDrawing) requestAnimationFrame(draw);
  isDrawing = true;
}

/** Say what can be chosen, and show what the chosen call has. */
function arrange() {
  $("toggle").disabled = !offerChoices(about);
  arrangeDevices(choices());
  arrangeSignals(choices());
  arrangeStats(choices());
  showCode(selection());
  redraw();
}

async function learn() {
  try {
    const response = await fetch("about.json");
    const served = response.ok && (await response.json().catch(() => null));
    if (served) about = served;
    else notice("The server does not say what it serves, so everything is offered.", false);
  } catch {
    notice("The server does not answer, so what it serves is not known. Load this page again when it runs.", true);
  }
  const { limits = {}, inputs = null, speech = null } = about;
  chooseServed(about);
  prepareInputs(inputs);
  prepareSpeech(speech);
  const told = [
    limits.time_limit && `A call ends after ${duration(limits.time_limit)}.`,
    limits.concurrency_limit && `${limits.concurrency_limit} call${limits.concurrency_limit === 1 ? "" : "s"} at a time.`,
  ].filter(Boolean);
  $("limits").textContent = told.join(" ");
  $("limits").hidden = !told.length;
  arrange();
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (isRunning()) call.stop();
  else start();
});
$("toggle").addEventListener("click", (event) => {
  if (event.detail === 2) event.preventDefault(); // a double click is to start, not to start and stop
});
$("form").addEventListener("change", arrange);
$("mute").addEventListener("click", () => {
  call.mute(!call.muted);
  showMuted(call.muted);
});
watchDevices(() => (isRunning() ? call : null), (text) => notice(text, true));
addEventListener("pagehide", () => call?.stop());
addEventListener("resize", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

const problem = obstacle();
if (problem) notice(problem, true);
arrange();
await Promise.all([learn(), listDevices()]);
delete document.documentElement.dataset.busy; // it is known what is served
