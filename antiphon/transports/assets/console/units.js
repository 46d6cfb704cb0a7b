// Figures as people read them.

export function shown(value, format) {
  return value === null || value === undefined ? "–" : format(value);
}

export function milliseconds(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

export function seconds(value) {
  return `${value.toFixed(1)} s`;
}

export function percent(share) {
  return `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

export function bits(rate) {
  return rate < 1e6 ? `${Math.round(rate / 1000)} kbit/s` : `${(rate / 1e6).toFixed(1)} Mbit/s`;
}

export function perSecond(rate) {
  return `${Math.round(rate)} / s`;
}

/** How long a limit is, in the unit that fits it. */
export function duration(value) {
  if (value < 120) return `${value} s`;
  return value < 7200 ? `${+(value / 60).toFixed(1)} min` : `${+(value / 3600).toFixed(1)} h`;
}

/** When something came. */
export function clock() {
  return new Date().toLocaleTimeString("en-GB");
}
