// What the browser client of antiphon says of how calls end, and of messages that cannot be read.

/** Why a call ended: cause, a sentence for people, and what the server said. */
export class Ending extends Error {
  constructor(cause, text, { code = null, meta = null } = {}) {
    super(text);
    this.cause = cause; // stopped, ended, refused, unreachable, lost, protocol, devices, unsupported
    this.text = text;
    this.code = code;
    this.meta = meta;
  }

  get isProblem() {
    return this.cause !== "stopped" && this.cause !== "ended";
  }
}

/**
 * The ending to tell if the connection closes after this message, given what was known before. A
 * refusal and the end of the stream stay; an error does only while nothing follows it.
 */
export function lastWord(message, before) {
  if (message.status === "failed") return refusal(message.meta ?? {});
  const said = message.data ?? message.message;
  if (message.type === "end_stream") return new Ending("ended", endedText(said));
  if (message.type === "error") return new Ending("protocol", `The server ended the call after an error: ${said}`);
  return before?.cause === "protocol" ? null : before;
}

export function parse(text) {
  try {
    const message = JSON.parse(text);
    if (message !== null && typeof message === "object") return message;
  } catch {
    // told below, as for a text that is no object
  }
  return unreadable();
}

export function unreadable() {
  return { type: "warning", data: "The server sent a message that cannot be read." };
}

export function endedText(reason) {
  return reason ? `The server ended the call: ${reason}` : "The server ended the call.";
}

/** The ending that a close code means (RFC 6455 section 7.4.1), the last word of the server known. */
export function explain(code, reason, word) {
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

export function refusal(meta) {
  const detail = meta.detail ? ` (${meta.detail})` : "";
  const texts = {
    concurrency_limit_reached: `The server is full: its limit of ${meta.limit} call${meta.limit === 1 ? "" : "s"} is reached. Try again later.`,
    shutting_down: "The server is shutting down.",
    connection_already_exists: "A call with this id exists already.",
    connection_closed: "The server has closed this call.",
    unknown_connection: "The server does not know this call any more.",
    unsupported_modality: "The server does not serve this kind of call.",
    unauthorized: "The server did not let this page in: it is not authorised.",
    forbidden_origin: `The server takes no calls from pages of ${location.origin}.`,
  };
  return new Ending("refused", (texts[meta.error] ?? `The server refused: ${meta.error ?? "no reason given"}.`) + detail, { meta });
}

export async function refusalOf(response) {
  const body = await response.json().catch(() => null);
  if (body?.meta) return refusal(body.meta);
  const known = { 401: "unauthorized", 403: "forbidden_origin", 404: "unknown_connection", 410: "connection_closed" };
  return refusal({ error: known[response.status] ?? `HTTP status ${response.status}` });
}

/** A response, whatever its status. Throws an Ending when there is none. */
export async function ask(url, request) {
  try {
    return await fetch(url, request);
  } catch {
    throw unreachable(url);
  }
}

export function unreachable(url) {
  return new Ending("unreachable", `The server does not answer at ${url.host}. Is it running, and does it allow this page?`);
}

export function asEnding(error) {
  return error instanceof Ending ? error : new Ending("unsupported", `The call could not be made: ${error.message}`);
}

export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

