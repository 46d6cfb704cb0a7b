// The speech view: what the speech endpoints of the server hear in this page's microphone, or what a
// handler of speech tells. It opens connections only while its switch is on and a call runs.

import { $ } from "./dom.js";
import { captured } from "./signals.js";
import { Batches, SpeechWire, toInt16 } from "./speech_wire.js";
import { Trace } from "./trace.js";
import { seconds } from "./units.js";

const ENROLMENT_SECONDS = 3;
const CONTEXT_SECONDS = 6; // a score is of the windows in the last so many seconds
const WINDOW_SECONDS = 1.5;

let about = null;
let rate = null; // of the microphone, while a call runs
let template = null;
let enrolment = null;
let wires = {};
const trace = new Trace();
const batches = new Batches((samples) => {
  for (const wire of Object.values(wires)) wire.send(samples, captured());
});

/** Show what `/about.json` says is served. */
export function prepareSpeech(served) {
  about = served ?? { endpoint: false, summary: false, verification: false };
  const canTrace = about.endpoint || about.summary;
  $("speech").hidden = $("speech-switch").hidden = !canTrace && !about.verification;
  $("enrol").hidden = !about.verification;
  $("endpoint-parameters").hidden = !about.endpoint;
  $("voice").hidden = !about.verification;
  const engines = [about.voice_activity, about.verification && about.speaker_encoder].filter(Boolean);
  $("speech-engines").textContent = engines.length ? `Heard by ${engines.join(" and ")}.` : "";
}

/** A call runs whose microphone gives sound of this rate. */
export function beginSpeech(sampleRate) {
  trace.reset();
  rate = sampleRate;
  for (const id of ["speech-length", "speech-total", "speech-quiet", "voice-score", "voice-probability"]) $(id).textContent = "–";
  $("speech-endpoints").textContent = "0";
  if ($("speech-on").checked) open();
}

export function endSpeech() {
  rate = null;
  endEnrolment();
  close();
}

function endEnrolment() {
  enrolment = null;
  $("enrolling").hidden = true;
}

/** Each captured frame, once it counts as captured. */
export function hear(samples) {
  if (enrolment) record(samples);
  if (Object.keys(wires).length) batches.add(samples, rate);
}

export function drawTrace() {
  if (!$("trace-lane").hidden) trace.draw($("trace"), captured());
}

/** Results that handlers of speech give, as messages or outputs. Returns whether this is one. */
export function showResult(data) {
  const { speech_endpoint: endpoint, speech_summary: summary, voice_verify: verified } = Object(data);
  if (typeof endpoint !== "number" && !summary && !verified) return false;
  try {
    if (typeof endpoint === "number") addEndpoint(endpoint);
    if (summary?.current_speech_summary) showSummary(summary, 0);
    if (verified) showScores([].concat(verified));
  } catch {
    return false; // another handler's own words for something else
  }
  $("speech").hidden = false;
  uncover();
  return true;
}

function uncover() {
  $("speech-body").hidden = false;
  $("trace-lane").hidden = false;
}

function open() {
  close();
  say("");
  uncover();
  if (about.summary) openSummary();
  if (about.endpoint) openEndpoints();
  if (about.verification && template) openVerification();
}

function close() {
  for (const wire of Object.values(wires)) wire.close();
  wires = {};
}

function wire(name, path, parameters, onAnswer) {
  wires[name]?.close();
  wires[name] = new SpeechWire(path, parameters, onAnswer, (problem) => {
    delete wires[name];
    say(problem);
  });
}

/** Where the sound of a connection began is known with its first answer: that of 60 ms of sound. */
function openSummary() {
  let origin = null;
  wire("summary", "speech_summary_stream?frames=new", [rate], (text, end) => {
    const summary = JSON.parse(text);
    origin ??= end - summary.current_speech_summary.total_length;
    showSummary(summary, origin);
  });
}

/** `true` also stands for silence after an endpoint, or before the first word: where it begins counts. */
function openEndpoints() {
  let isQuiet = true;
  const parameters = [$("least-speech").valueAsNumber, $("silence").valueAsNumber, rate];
  if (parameters.some((value) => !(value >= 0))) return say("The endpoint's parameters are numbers of milliseconds, 0 or more.");
  wire("endpoint", "speech_endpoint_detector", parameters, (text, end) => {
    const isEndpoint = text === "true" && !isQuiet;
    isQuiet = text === "true";
    if (isEndpoint) addEndpoint(end);
  });
}

function openVerification() {
  wire("voice", "voice_verify_stream", [template, rate, CONTEXT_SECONDS, WINDOW_SECONDS], (text) => showScores(JSON.parse(text)));
}

function showSummary({ current_background_length: quiet, current_speech_summary: current }, origin) {
  const { vad_result: found, speech_signal_length: speech, total_length: total } = current;
  const length = found.frame_length_ms / 1000;
  trace.addFrames(origin + (found.first_frame ?? 0) * length, found.frames, length);
  $("speech-length").textContent = seconds(speech);
  $("speech-total").textContent = seconds(total);
  $("speech-quiet").textContent = seconds(quiet);
}

function addEndpoint(at) {
  trace.addEndpoint(at);
  $("speech-endpoints").textContent = Number($("speech-endpoints").textContent) + 1;
}

function showScores(results) {
  const { enrolled, verify_result: result } = results.at(-1) ?? {};
  if (enrolled) say(`Enrolled from ${seconds(enrolled)} of speech.`);
  if (!result) return;
  $("voice").hidden = false;
  $("voice-score").textContent = result.score.toFixed(3);
  $("voice-probability").textContent = result.probability.toFixed(3);
}

function record(samples) {
  enrolment.parts.push(samples);
  enrolment.length += samples.length;
  $("enrolling").value = enrolment.length / rate;
  if (enrolment.length < ENROLMENT_SECONDS * rate) return;
  const { parts, length } = enrolment;
  enrolment = null;
  enrol(toInt16(parts, length));
}

async function enrol(samples) {
  const url = new URL("voice_template_factory/create_voice_template_from_samples", document.baseURI);
  url.searchParams.set("sample_rate", rate);
  const headers = { "Content-Type": "application/octet-stream" };
  try {
    const response = await fetch(url, { method: "POST", body: samples, headers });
    if (!response.ok) return say(`No template was made: ${(await response.json()).error}. Speak for three seconds and try again.`);
    template = await response.text();
    say("Enrolled. Whoever speaks now is compared with this voice.");
    if (rate && $("speech-on").checked) openVerification();
  } catch {
    say("The server does not answer. Is it still running?");
  } finally {
    $("enrolling").hidden = true;
  }
}

function say(text) {
  $("speech-says").textContent = text;
}

$("speech-on").addEventListener("change", () => {
  const isOn = $("speech-on").checked;
  $("speech-body").hidden = $("trace-lane").hidden = !isOn;
  if (!isOn) {
    endEnrolment();
    say("");
    return close();
  }
  if (rate) return open();
  uncover();
  say("Start a call that sends sound: its microphone is traced.");
});
for (const id of ["least-speech", "silence"]) {
  $(id).addEventListener("change", () => {
    if (!rate || !$("speech-on").checked) return;
    say("");
    openEndpoints();
  });
}
$("enrol").addEventListener("click", () => {
  if (!rate) return say("Start a call that sends sound first.");
  enrolment = { parts: [], length: 0 };
  $("enrolling").hidden = false;
  say("Speak for three seconds.");
});
