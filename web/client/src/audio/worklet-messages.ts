// What the page and its audio worklets tell each other.

import type { Loudness } from "./level";

export const FRAME_SECONDS = 0.02;

export interface WorkletOptions {
  /** Hz of the sound outside of the worklet. */
  rate: number;
}

export interface Close {
  close: true;
}

export type ToPlayback =
  | Close
  /** `at`: when it came, in seconds. */
  | { audio: Float32Array; at: number }
  | { mark: string }
  | { clear: true }
  | { reply: true };

/** All in milliseconds. */
export interface Playing {
  level: Loudness;
  buffered: number;
  target: number;
  jitter: number;
  underruns: number;
  skipped: number;
}

export type FromPlayback = Playing | { played: string } | { heard: number; dropped: number };
