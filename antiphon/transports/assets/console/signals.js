// What goes in and comes back: levels, waveforms, pictures.

import { $, penFor } from "./dom.js";

export const COLUMN_SECONDS = 0.02; // the client tells a level every 20 ms
export const COLUMN_PX = 2;
const SILENCE_DB = -60;
const KEPT = 1000;

class Signal {
  constructor(direction) {
    this.bar = $(`${direction}-meter`);
    this.value = $(`${direction}-value`);
    this.canvas = $(`${direction}-wave`);
    this.reset();
  }

  reset() {
    this.columns = [];
    this.count = 0;
    this.rms = 0;
  }

  add({ rms, low, high }) {
    this.rms = Math.max(rms, this.rms * 0.8);
    this.columns.push([low, high]);
    this.count += 1;
    if (this.columns.length > KEPT) this.columns.splice(0, KEPT / 2);
  }

  drawWave() {
    const { pen, width, height } = penFor(this.canvas);
    pen.fillStyle = getComputedStyle(this.canvas).color;
    const visible = this.columns.slice(-Math.ceil(width / COLUMN_PX));
    const middle = height / 2;
    const reach = middle - 2;
    pen.globalAlpha = 0.3;
    pen.fillRect(0, middle - 0.5, width, 1);
    pen.globalAlpha = 1;
    visible.forEach(([low, high], index) => {
      const [top, bottom] = [Math.sqrt(Math.max(0, high)) * reach, Math.sqrt(Math.max(0, -low)) * reach]; // the root makes quiet speech visible
      pen.fillRect(width - (visible.length - index) * COLUMN_PX, middle - top, COLUMN_PX - 0.5, Math.max(1, top + bottom));
    });
  }

  drawMeter() {
    const level = Math.max(SILENCE_DB, Math.min(0, Math.round(20 * Math.log10(this.rms + 1e-9))));
    const text = level > SILENCE_DB ? `${level} dB`.replace("-", "−") : "silent";
    this.bar.firstElementChild.style.transform = `scaleX(${1 - level / SILENCE_DB})`;
    this.bar.setAttribute("aria-valuenow", level);
    this.bar.setAttribute("aria-valuetext", text);
    this.value.textContent = text;
  }
}

const signals = { in: new Signal("in"), out: new Signal("out") };

/** How many seconds have been captured in this call. */
export function captured() {
  return signals.in.count * COLUMN_SECONDS;
}

export function addLevel({ direction, ...level }) {
  signals[direction].add(level);
}

export function resetSignals() {
  for (const signal of Object.values(signals)) signal.reset();
}

/** Nothing is heard any more; the waveforms stay to be looked at. */
export function hushSignals() {
  for (const [direction, signal] of Object.entries(signals)) {
    signal.rms = 0;
    showPictures({ direction, stream: null });
  }
}

export function drawWaves() {
  for (const signal of Object.values(signals)) signal.drawWave();
}

export function drawMeters() {
  for (const [direction, signal] of Object.entries(signals)) {
    signal.drawMeter();
    const { videoWidth, videoHeight } = $(`${direction}-video`);
    $(`${direction}-size`).textContent = videoWidth ? `${videoWidth} × ${videoHeight}` : "";
  }
}

export function showPictures({ direction, stream }) {
  $(`${direction}-video`).srcObject = stream;
}

/** Show what the chosen call has. */
export function arrangeSignals({ modality, mode }) {
  $("pictures").hidden = modality === "audio";
  $("in-picture").hidden = mode === "receive";
  $("out-picture").hidden = mode === "send";
  $("signals").hidden = modality === "video";
  $("in-signal").hidden = mode === "receive";
  $("out-signal").hidden = mode === "send";
}
