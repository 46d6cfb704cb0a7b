import type { Ending } from "../endings";
import type { ClientEvent, MediaEvent, MediaFormat, Start, WireMessage } from "../messages";
import type { Network } from "../options";

/** What a link tells its call. */
export interface Owner {
  message(message: WireMessage): void;
  /** The connection is over; nothing follows. */
  ended(ending: Ending): void;
}

/** What the server agreed to: sound in messages of a format, or tracks. */
export interface Admission {
  /** Proves that later requests are about this call. */
  token: string;
  format?: MediaFormat;
  remote?: MediaStream;
}

/** One connection. */
export interface Link {
  /** Ask for the call; rejects with an Ending. */
  open(start: Start, sources: MediaStream): Promise<Admission>;
  send(event: ClientEvent): void;
  /** Returns how many frames were given up because the network does not keep up. */
  sendMedia(event: MediaEvent): number;
  /** With `isOpen`, say so to the server and give it a second to answer. Safe at any time. */
  close(isOpen: boolean): Promise<void>;
  /** The ending to tell when `open` takes too long, where more is known than that. */
  readonly late?: Ending | null;
  readonly connection?: RTCPeerConnection | null;
  /** Send this track instead of the one of its kind. */
  replaceTrack?(track: MediaStreamTrack): Promise<void>;
  measure?(): Promise<Network>;
}

export const ANSWER_TIMEOUT_MS = 10_000; // the server's own limit for a handshake
export const CLOSE_TIMEOUT_MS = 1000;
export const JSON_TYPE = { "Content-Type": "application/json" };

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** What the promise gives, or after this time a rejection with what `late` says then. */
export async function within<Value>(milliseconds: number, promise: Promise<Value>, late: () => Ending): Promise<Value> {
  let timer: number | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), milliseconds);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}
