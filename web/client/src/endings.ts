// Why calls end, in words for people, and what close codes and refusals mean.

import type { RefusalMeta, WireMessage } from "./messages";

/**
 * - `stopped`: by the page, with `call.stop()`.
 * - `ended`: by the server, in order.
 * - `refused`: the server takes no such call, or none now; `meta` is its refusal.
 * - `unreachable`: nothing answers.
 * - `lost`: the connection or the server went away.
 * - `protocol`: one side did not understand the other.
 * - `devices`: a microphone or camera was refused, is missing, or was disconnected.
 * - `unsupported`: the browser or the page's origin cannot make calls.
 */
export type Cause = "stopped" | "ended" | "refused" | "unreachable" | "lost" | "protocol" | "devices" | "unsupported";

/** Why a call ended: a cause, a sentence for people, and what the server said. */
export class Ending extends Error {
  override readonly cause: Cause;
  /** The same sentence as `message`. */
  readonly text: string;
  /** The close code of the WebSocket, or of the event stream's end. */
  readonly code: number | null;
  /** The refusal of the server. */
  readonly meta: RefusalMeta | null;

  constructor(cause: Cause, text: string, { code = null, meta = null }: { code?: number | null; meta?: RefusalMeta | null } = {}) {
    super(text);
    this.cause = cause;
    this.text = text;
    this.code = code;
    this.meta = meta;
  }

  /** Whether it ended otherwise than one of both sides wished. */
  get isProblem(): boolean {
    return this.cause !== "stopped" && this.cause !== "ended";
  }
}

/**
 * The ending to tell if the connection closes after this message, given what was known before. A
 * refusal and the end of the stream stay; an error does only while nothing follows it.
 */
export function lastWord(message: WireMessage, before: Ending | null): Ending | null {
  if (message.status === "failed") return refusal(message.meta ?? {});
  if (message.type === "end_stream") return new Ending("ended", endedText(message.data));
  if (message.type === "error") {
    const said = message.data ?? message.message;
    return new Ending("protocol", `The server ended the call after an error: ${said}`);
  }
  return before?.cause === "protocol" ? null : before;
}

function endedText(reason: unknown): string {
  return reason ? `The server ended the call: ${reason}` : "The server ended the call.";
}

/** The ending that a close code means (RFC 6455 section 7.4.1), the last word of the server known. */
export function explain(code: number, reason: string, word: Ending | null): Ending {
  if (word?.cause === "refused") return word;
  if (code === 1001 || code === 1012) return new Ending("lost", "The server is gone: it is shutting down.", { code });
  if (word) return word;
  switch (code) {
    case 1000:
      return new Ending("ended", endedText(reason), { code });
    case 1006:
      return new Ending("lost", "The server is gone: the connection broke.", { code });
    case 1013:
      return new Ending("refused", "The server takes no more calls now. Try again later.", { code });
    default:
      return new Ending("protocol", `The server closed the call with code ${code}${reason ? `: ${reason}` : "."}`, { code });
  }
}

function refusal(meta: RefusalMeta): Ending {
  const detail = meta.detail ? ` (${meta.detail})` : "";
  const texts: Record<string, string> = {
    concurrency_limit_reached: `The server is full: its limit of ${meta.limit} call${meta.limit === 1 ? "" : "s"} is reached. Try again later.`,
    shutting_down: "The server is shutting down.",
    connection_already_exists: "A call with this id exists already.",
    connection_closed: "The server has closed this call.",
    unknown_connection: "The server does not know this call any more.",
    unsupported_modality: "The server does not serve this kind of call.",
    not_found: "No calls are served at this address. The option `url` is the base of the server's routes.",
    unauthorized: "The server did not let this page in: it is not authorised.",
    forbidden_origin: `The server takes no calls from pages of ${location.origin}.`,
  };
  const text = texts[meta.error ?? ""] ?? `The server refused: ${meta.error ?? "no reason given"}.`;
  return new Ending("refused", text + detail, { meta });
}

const STATUS_ERRORS: Record<number, string> = {
  401: "unauthorized",
  403: "forbidden_origin",
  404: "not_found",
  410: "connection_closed",
};

const GATEWAY_STATUSES = [502, 503, 504]; // a proxy whose server is gone, or not there yet

/** The ending that a response with an error status means. */
export async function refusalOf(response: Response): Promise<Ending> {
  const body: { meta?: RefusalMeta } | null = await response.json().catch(() => null);
  const retryAfter = Number(response.headers.get("Retry-After"));
  if (body?.meta) return refusal({ ...body.meta, ...(retryAfter ? { retryAfter } : {}) });
  if (GATEWAY_STATUSES.includes(response.status)) return unreachable(new URL(response.url));
  return refusal({ error: STATUS_ERRORS[response.status] ?? `HTTP status ${response.status}` });
}

/** What a response says. Throws an Ending when it is a refusal, or comes from something else. */
export async function answerOf<Body>(response: Response): Promise<Body> {
  if (!response.ok) throw await refusalOf(response);
  return response.json().catch(() => {
    throw new Ending("protocol", `What answers at ${response.url} serves no calls. The option \`url\` is the base of the server's routes.`);
  });
}

/** A response, whatever its status. Throws an Ending when there is none. */
export async function ask(url: URL, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch {
    throw unreachable(url);
  }
}

export function unreachable(url: URL): Ending {
  return new Ending("unreachable", `The server does not answer at ${url.host}. Is it running, and does it allow this page?`);
}

export function broken(): Ending {
  return new Ending("lost", "The server is gone: the connection broke.");
}

export function stopped(): Ending {
  return new Ending("stopped", "The call was stopped.");
}

export function asEnding(error: unknown): Ending {
  if (error instanceof Ending) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new Ending("unsupported", `The call could not be made: ${text}`);
}
