import type { Ending } from "./endings";
import type { ServerMessage } from "./messages";

export type Transport = "webrtc" | "websocket" | "http";
export type Modality = "audio" | "video" | "audio-video";
export type Mode = "send-receive" | "send" | "receive";

/** The states of a call. `closed` is the last; `reconnecting` comes only where it is asked for. */
export type State = "new" | "preparing" | "connecting" | "open" | "reconnecting" | "closing" | "closed";

/** A device's id, as `devices()` gives it, or a stream or track of the page's own making. */
export type Source = string | MediaStream | MediaStreamTrack;

/** How to call again when a connection was lost. */
export interface Reconnect {
  /** How many times in a row; 8 by default. */
  attempts?: number;
  /** Milliseconds before the first attempt, doubled for each that follows; 500 by default. */
  firstDelay?: number;
  /** The longest wait in milliseconds; 10,000 by default. */
  maxDelay?: number;
}

/** An attempt to call again that is waited for. */
export interface Retry {
  /** 1 for the first. */
  attempt: number;
  attempts: number;
  /** Milliseconds until it is made. */
  delay: number;
  /** Why the connection, or the attempt before, failed. */
  because: Ending;
}

/** Loudness of 20 ms of sound, samples being -1 to 1. */
export interface Level {
  /** `in` from the microphone, `out` to the speaker. */
  direction: "in" | "out";
  rms: number;
  /** The largest magnitude. */
  peak: number;
  low: number;
  high: number;
}

export interface Pictures {
  /** `in` from the camera, `out` from the server. */
  direction: "in" | "out";
  /** For the `srcObject` of a `<video>`. */
  stream: MediaStream;
}

/** What an interruption did to the sound of a reply, in milliseconds; null where it is not known (WebRTC). */
export interface Interruption {
  /** Played, since the last `response_starting` or interruption, or since the call began. */
  heard: number | null;
  /** Received, and not played. */
  dropped: number | null;
}

export interface ConnectOptions {
  /** Of the call, for `input_hook` and `outputs`; random by default, and then another for each reconnection. */
  id?: string;
  /** Base of the server's routes, with a slash at its end, relative to the page; the page's own by default. */
  url?: string | URL;
  /** `websocket` by default. */
  transport?: Transport;
  /** `audio` by default; the others need WebRTC. */
  modality?: Modality;
  /** `send-receive` by default, as the page sees it. */
  mode?: Mode;
  /** The microphone; the browser's choice by default. */
  microphone?: Source;
  /** The camera; the browser's choice by default. */
  camera?: Source;
  /** Id of the device to play on, where the browser lets pages choose; its choice by default. */
  speaker?: string;
  /** Constraints of the camera, as `getUserMedia` takes them. */
  video?: MediaTrackConstraints;
  /** Hz of `onAudio`, and of the sound on a WebSocket and over HTTP; 24,000 by default. */
  sampleRate?: number;
  /** Told to the server with the start of the call; the mode is added. */
  metadata?: Record<string, unknown>;
  /** Inputs of the handler, sent with the start: a list by place, an object by name, or one value. */
  inputs?: unknown;
  /** Call again when a connection was lost; false by default. */
  reconnect?: boolean | Reconnect;
  /** `ending` comes with `closed`, `retry` with `reconnecting`. */
  onState?(state: State, ending?: Ending, retry?: Retry): void;
  /** Every message of the server but sound and pongs. */
  onMessage?(message: ServerMessage): void;
  /** Each output of the handler. */
  onOutput?(value: unknown): void;
  /** Each frame that came, -1 to 1. */
  onAudio?(samples: Float32Array, sampleRate: number): void;
  /** Each captured frame, -1 to 1, before it is sent; silence while the call is muted. */
  onCapture?(samples: Float32Array, sampleRate: number): void;
  /** Every 20 ms, of what is captured and of what is played. */
  onLevel?(level: Level): void;
  /** The camera, and what comes back. */
  onPictures?(pictures: Pictures): void;
  /** The server has dropped the rest of what it said. */
  onInterrupted?(interruption: Interruption): void;
}

/** Figures of a call over WebRTC, measured once a second; null while unknown. */
export interface Network {
  /** Milliseconds. */
  roundTrip: number | null;
  /** Milliseconds. */
  jitter: number | null;
  /** Milliseconds of sound in the browser's jitter buffer. */
  buffered: number | null;
  /** How many times lost or late sound was concealed. */
  concealments: number;
  /** Share of lost packets, 0 to 1. */
  lossIn: number | null;
  lossOut: number | null;
  /** Bits a second. */
  bitRateIn: number | null;
  bitRateOut: number | null;
  /** Pictures a second. */
  frameRateIn: number | null;
  frameRateOut: number | null;
  packetsIn: number;
  packetsOut: number;
}

/** Figures of a call, kept up to date; over WebRTC they come from `network`. */
export interface Stats {
  /** Frames of sound, or packets over WebRTC. */
  framesOut: number;
  framesIn: number;
  /** Frames that were not sent because the network did not keep up. */
  framesDropped: number;
  /** Milliseconds. */
  roundTrip: number | null;
  /** How unevenly sound arrives, in milliseconds (the formula of RFC 3550). */
  jitter: number | null;
  /** Milliseconds of sound that waits to be played. */
  buffered: number;
  /** Milliseconds of sound that playing waits for: it follows the jitter. Null over WebRTC. */
  target: number | null;
  /** How many times sound came too late to be played without a gap. */
  underruns: number;
  /** Milliseconds of sound left out to make up for a delay; 0 over WebRTC. */
  skipped: number;
  /** How many times the call was made again. */
  reconnects: number;
  /** Only over WebRTC. */
  network: Network | null;
}

export const MODES: readonly Mode[] = ["send-receive", "send", "receive"];

/** What each transport can carry. */
export const MODALITIES: Record<Transport, readonly Modality[]> = {
  webrtc: ["audio", "video", "audio-video"],
  websocket: ["audio"],
  http: ["audio"],
};
