// What the server's detectors make of the microphone: stretches of speech and endpoints, in seconds
// since the first captured sound.

import { penFor } from "./dom.js";
import { COLUMN_PX, COLUMN_SECONDS } from "./signals.js";

const KEPT_SECONDS = 60;
const PX_PER_SECOND = COLUMN_PX / COLUMN_SECONDS;
const NEVER = -Infinity;

export class Trace {
  reset() {
    this.runs = [];
    this.endpoints = [];
  }

  constructor() {
    this.reset();
  }

  /** Frames of so many seconds each, one behind the other, from `start` on. */
  addFrames(start, frames, length) {
    frames.forEach((isVoice, index) => {
      const from = start + index * length;
      const last = this.runs.at(-1);
      if (last && last.isVoice === isVoice && Math.abs(last.to - from) < length / 2) last.to = from + length;
      else this.runs.push({ isVoice, from, to: from + length });
    });
    const oldest = (this.runs.at(-1)?.to ?? NEVER) - KEPT_SECONDS;
    while (this.runs[0]?.to < oldest) this.runs.shift();
  }

  addEndpoint(at) {
    this.endpoints.push(at);
    while (this.endpoints[0] < at - KEPT_SECONDS) this.endpoints.shift();
  }

  /** Drawn under a waveform whose right edge is `now`. */
  draw(canvas, now) {
    const { pen, width, height } = penFor(canvas);
    const { color, borderColor, outlineColor } = getComputedStyle(canvas);
    const place = (at) => width - (now - at) * PX_PER_SECOND;
    for (const { isVoice, from, to } of this.runs) {
      if (place(to) < 0) continue;
      pen.fillStyle = isVoice ? color : borderColor;
      const [left, long] = [place(from), (to - from) * PX_PER_SECOND];
      if (isVoice) pen.fillRect(left, 6, long, height - 8);
      else pen.fillRect(left, height - 4, long, 2);
    }
    pen.fillStyle = outlineColor;
    for (const at of this.endpoints) {
      pen.fillRect(place(at) - 1, 0, 2, height);
      pen.beginPath();
      pen.moveTo(place(at) - 6, 0);
      pen.lineTo(place(at) + 6, 0);
      pen.lineTo(place(at), 7);
      pen.fill();
    }
  }
}
