/** How sound travels, in both directions. */
export interface MediaFormat {
  encoding: "audio/x-mulaw" | "audio/x-alaw" | "audio/pcm";
  /** Hz. */
  sample_rate: number;
}

/** Why the server took no call; `error` is one of the names of its protocol. */
export interface RefusalMeta {
  error?: string;
  detail?: string;
  limit?: number;
  /** Seconds after which to try again, where an HTTP response said so. */
  retryAfter?: number;
  [field: string]: unknown;
}

interface Control {
  type?: undefined;
  status?: undefined;
}

interface Told {
  event?: undefined;
  status?: undefined;
}

/** What a page is told of: every message of the server but sound and the answers to pings. */
export type ServerMessage =
  | ({ event: "started"; media_format: MediaFormat; token: string } & Control)
  | ({ event: "mark"; mark: { name: string } } & Control)
  | ({ event: "clear" } & Control)
  | ({ type: "send_input" | "fetch_output"; data: unknown } & Told)
  | ({ type: "stopword"; data: unknown } & Told)
  | ({ type: "log"; data: unknown } & Told)
  | ({ type: "message"; data: unknown } & Told)
  | ({ type: "error" | "warning"; data: unknown; message?: unknown } & Told)
  | ({ type: "end_stream"; data: unknown } & Told)
  | { status: "failed"; meta: RefusalMeta; type?: undefined; event?: undefined };

/** What a page may send while a call is open. */
export type ClientEvent =
  | { event: "message"; data: unknown }
  | { event: "input"; data: unknown }
  | { event: "mark"; mark: { name: string } }
  | { event: "ping" }
  | { event: "stop" };

/** What travels besides: sound, in base64 or, from a binary message, as bytes; and pongs. */
export type WireMessage =
  | ServerMessage
  | ({ event: "media"; media: { payload: string | Uint8Array } } & Control)
  | ({ event: "pong" } & Control);

export interface MediaEvent {
  event: "media";
  media: { payload: string };
}

/** Asks for a call. */
export interface Start {
  event: "start";
  websocket_id: string;
  media_format: MediaFormat;
  metadata: Record<string, unknown>;
  inputs?: unknown;
}

/** A message as the wire has it; what cannot be read becomes a warning. */
export function parse(text: string): WireMessage {
  try {
    const message: unknown = JSON.parse(text);
    // The server keeps to its protocol; messages of kinds unknown here are the page's to read.
    if (message !== null && typeof message === "object") return message as WireMessage;
  } catch {
    // told below, as for a text that is no object
  }
  return warning("The server sent a message that cannot be read.");
}

/** A warning of the client itself, in the server's form. */
export function warning(data: string): ServerMessage {
  return { type: "warning", data, message: data };
}
