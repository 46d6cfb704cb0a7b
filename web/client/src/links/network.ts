// Figures of a network from an RTCStatsReport.

import type { Network } from "../options";

type Entry = Record<string, unknown> & { type: string };

/** Counters since the start of the call, and gauges; durations in seconds. */
export interface Totals {
  at: number;
  roundTrip: number | null;
  jitter: number | null;
  waited: number;
  emitted: number;
  concealments: number;
  bitsIn: number;
  bitsOut: number;
  packetsIn: number;
  packetsOut: number;
  lostIn: number;
  lostOut: number;
  picturesIn: number | null;
  picturesOut: number | null;
}

export function totals(report: RTCStatsReport): Totals {
  const all: Entry[] = [];
  report.forEach((entry: Entry) => all.push(entry));
  const of = (type: string): Entry[] => all.filter((entry) => entry.type === type);
  const [inbound, outbound, told] = [of("inbound-rtp"), of("outbound-rtp"), of("remote-inbound-rtp")];
  const sound = inbound.filter(({ kind }) => kind === "audio");
  const jitters = (inbound.length ? inbound : told).map(({ jitter }) => Number(jitter ?? 0));
  return {
    at: performance.now() / 1000,
    roundTrip: numberOf(usedPair(all)?.currentRoundTripTime),
    jitter: jitters.length ? Math.max(...jitters) : null,
    waited: sum(sound, "jitterBufferDelay"),
    emitted: sum(sound, "jitterBufferEmittedCount"),
    concealments: sum(sound, "concealmentEvents"),
    bitsIn: 8 * sum(inbound, "bytesReceived", "headerBytesReceived"),
    bitsOut: 8 * sum(outbound, "bytesSent", "headerBytesSent"),
    packetsIn: sum(inbound, "packetsReceived"),
    packetsOut: sum(outbound, "packetsSent"),
    lostIn: sum(inbound, "packetsLost"),
    lostOut: sum(told, "packetsLost"),
    picturesIn: hasPictures(inbound) ? sum(inbound, "framesDecoded") : null,
    picturesOut: hasPictures(outbound) ? sum(outbound, "framesSent") : null,
  };
}

export function compare(now: Totals, before: Totals): Network {
  const seconds = now.at - before.at;
  const rate = (value: number | null, earlier: number | null): number | null =>
    seconds > 0 && value !== null ? (value - (earlier ?? 0)) / seconds : null;
  return {
    roundTrip: milliseconds(now.roundTrip),
    jitter: milliseconds(now.jitter),
    buffered: milliseconds(share(now.waited - before.waited, now.emitted - before.emitted)),
    concealments: now.concealments,
    lossIn: share(now.lostIn, now.lostIn + now.packetsIn),
    lossOut: share(now.lostOut, now.packetsOut),
    bitRateIn: rate(now.bitsIn, before.bitsIn),
    bitRateOut: rate(now.bitsOut, before.bitsOut),
    frameRateIn: rate(now.picturesIn, before.picturesIn),
    frameRateOut: rate(now.picturesOut, before.picturesOut),
    packetsIn: now.packetsIn,
    packetsOut: now.packetsOut,
  };
}

function usedPair(all: Entry[]): Entry | undefined {
  const transport = all.find(({ type, selectedCandidatePairId }) => type === "transport" && selectedCandidatePairId);
  if (transport) return all.find(({ id }) => id === transport.selectedCandidatePairId);
  return all.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
}

function hasPictures(entries: Entry[]): boolean {
  return entries.some(({ kind }) => kind === "video");
}

function sum(entries: Entry[], ...fields: string[]): number {
  return entries.flatMap((entry) => fields.map((field) => numberOf(entry[field]) ?? 0)).reduce((a, b) => a + b, 0);
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function share(part: number, whole: number): number | null {
  return whole > 0 ? Math.max(0, part) / whole : null;
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : 1000 * seconds;
}
