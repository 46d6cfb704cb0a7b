// The outputs of a call's handler, from the server's event stream.

import { type ServerMessage, warning } from "./messages";

const LAST_MS = 1000; // for the outputs that are still on their way when a call ends

/** Tells each output once, the newest 256 from before it was there included; the browser resumes it after a break. */
export class Outputs {
  readonly #events: EventSource;

  constructor(base: URL, id: string, token: string, tell: (value: unknown) => void, warn: (message: ServerMessage) => void) {
    const url = new URL("outputs", base);
    url.search = new URLSearchParams({ webrtc_id: id, token }).toString();
    this.#events = new EventSource(url);
    this.#events.addEventListener("output", ({ data }: MessageEvent<string>) => tell(JSON.parse(data)));
    this.#events.addEventListener("gap", () => warn(warning("Some outputs were lost.")));
    this.#events.addEventListener("end", () => this.close());
    this.#events.addEventListener("error", (event) => {
      // An output that is no JSON has the name of the browser's own event of a break.
      if (event instanceof MessageEvent) warn(warning(JSON.parse(event.data)));
    });
  }

  close(): void {
    this.#events.close();
  }

  /** Close when the last has come, or soon. */
  finish(): void {
    setTimeout(() => this.close(), LAST_MS);
  }
}
