// Small plots of the last minute: round trip, jitter, buffered sound. And the figures beside them.

import { $, make } from "./dom.js";
import { bits, milliseconds, percent, perSecond, shown } from "./units.js";

const INTERVAL_MS = 500;
const POINTS = 120; // one minute
const SVG = "http://www.w3.org/2000/svg";
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

class Plot {
  constructor(name, label) {
    this.values = [];
    this.value = make("dd", { id: name, data: { testid: name }, textContent: "–" });
    this.top = make("span", { className: "top" });
    this.line = document.createElementNS(SVG, "path");
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", `0 0 ${POINTS - 1} 100`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.append(this.line);
    const from = make("span", { className: "from", textContent: "1 min ago" });
    const to = make("span", { className: "now", textContent: "now" });
    const axes = make("div", { className: "axes", "aria-hidden": "true" }, this.svg, this.top, from, to);
    this.element = make("dl", { className: "plot" }, make("dt", { textContent: label }), this.value, make("dd", {}, axes));
    this.add(null);
  }

  reset() {
    this.values = [];
    this.add(null);
  }

  add(value) {
    this.values.push(value ?? null);
    if (this.values.length > POINTS) this.values.shift();
    this.value.textContent = shown(value, milliseconds);
    const most = Math.max(0, ...this.values);
    const top = STEPS.find((step) => step >= most) ?? most;
    this.top.textContent = `${top} ms`;
    this.line.setAttribute("d", this.path(top));
  }

  /** A line from the left as time goes; gaps where nothing was measured. */
  path(top) {
    let isDown = false;
    const first = POINTS - this.values.length;
    return this.values.reduce((path, value, index) => {
      const verb = isDown ? "L" : "M";
      isDown = value !== null;
      return isDown ? `${path}${verb}${first + index} ${(100 - (100 * value) / top).toFixed(1)}` : path;
    }, "");
  }
}

const plots = {
  roundTrip: new Plot("round-trip", "Round trip"),
  jitter: new Plot("jitter", "Jitter"),
  buffered: new Plot("buffered", "Buffer"),
};
$("plots").append(...Object.values(plots).map(({ element }) => element));
let measuredAt = 0;

export function resetPlots() {
  for (const plot of Object.values(plots)) plot.reset();
}

/** Show what a call has measured; every half second a point more. */
export function drawStats(stats, now) {
  const { framesOut, framesIn, underruns, network } = stats;
  $("frames-out").textContent = framesOut;
  $("frames-in").textContent = framesIn;
  $("underruns").textContent = shown(underruns, String);
  drawNetwork(network ?? {});
  if (now - measuredAt < INTERVAL_MS) return;
  measuredAt = now;
  for (const [name, plot] of Object.entries(plots)) plot.add(stats[name] ?? network?.[name]);
}

function drawNetwork({ lossOut, lossIn, bitRateOut, bitRateIn, frameRateOut, frameRateIn }) {
  $("loss-out").textContent = shown(lossOut, percent);
  $("loss-in").textContent = shown(lossIn, percent);
  $("rate-out").textContent = shown(bitRateOut, bits);
  $("rate-in").textContent = shown(bitRateIn, bits);
  $("pictures-out").textContent = shown(frameRateOut, perSecond);
  $("pictures-in").textContent = shown(frameRateIn, perSecond);
}

/** Show the figures that the chosen call has. */
export function arrangeStats({ transport, modality, mode }) {
  for (const item of document.querySelectorAll(".network .figures > div")) {
    const is = (name) => item.classList.contains(name);
    item.hidden =
      (is("rtc") && transport !== "webrtc") ||
      (is("pictured") && modality === "audio") ||
      (is("sounding") && (modality === "video" || mode === "send"));
  }
  plots.jitter.element.hidden = mode === "send" && transport !== "webrtc";
  plots.buffered.element.hidden = mode === "send" || modality === "video";
}
