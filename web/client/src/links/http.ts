import { Ending, answerOf, ask, explain, lastWord, refusalOf } from "../endings";
import { type ClientEvent, type MediaEvent, parse, type MediaFormat, type Start, warning } from "../messages";
import { ANSWER_TIMEOUT_MS, type Admission, CLOSE_TIMEOUT_MS, JSON_TYPE, type Link, type Owner, pause } from "./link";

const RETRY_MS = 500;
const FRAMES_PER_POST = 4; // 80 ms: a dozen requests a second, and hardly more delay
const MAX_WAITING_FRAMES = 50; // 1 s; older audio is of no use to a live call

/** What the server answers to an offer. */
interface Offered {
  token: string;
  media_format: MediaFormat;
  links: Record<"send" | "events" | "end", string>;
}

/** An event that waits to be posted. */
interface Line {
  text: string;
  isFrame: boolean;
}

interface Addresses {
  send: URL;
  events: URL;
  end: URL;
}

export class HttpLink implements Link {
  readonly #url: URL;
  readonly #owner: Owner;
  readonly #aborter = new AbortController();
  #addresses: Addresses | null = null;
  #authorization: Record<string, string> = {};
  #events: EventSource | null = null;
  #waiting: Line[] = [];
  #frames = 0;
  #wake: () => void = () => {};
  #isOpen = false;
  #isClosed = false;
  #lastWord: Ending | null = null;
  #reopening: number | undefined;

  constructor(base: URL, owner: Owner) {
    this.#url = new URL("http/offer", base);
    this.#owner = owner;
  }

  async open(start: Start): Promise<Admission> {
    const response = await ask(this.#url, { method: "POST", body: JSON.stringify(start), headers: JSON_TYPE });
    const { token, media_format: format, links } = await answerOf<Offered>(response);
    const [send, events, end] = [links.send, links.events, links.end].map((link) => new URL(link, response.url));
    this.#addresses = { send: send!, events: events!, end: end! };
    this.#authorization = { Authorization: `Bearer ${token}` };
    events!.searchParams.set("token", token);
    if (this.#isClosed) {
      this.#delete(); // nobody waits for this call any more, but the server has just opened it
      return { token, format };
    }
    this.#isOpen = true;
    await this.#listen();
    this.#pump();
    return { token, format };
  }

  send(event: ClientEvent): void {
    this.#waiting.push({ text: JSON.stringify(event), isFrame: false });
    this.#wake();
  }

  /** What is given up is the oldest frame. */
  sendMedia(event: MediaEvent): number {
    this.#waiting.push({ text: JSON.stringify(event), isFrame: true });
    this.#frames += 1;
    this.#wake();
    if (this.#frames <= MAX_WAITING_FRAMES) return 0;
    this.#waiting.splice(this.#waiting.findIndex(({ isFrame }) => isFrame), 1);
    this.#frames -= 1;
    return 1;
  }

  async close(): Promise<void> {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    this.#isClosed = true;
    this.#wake();
    clearTimeout(this.#reopening);
    this.#events?.close();
    this.#aborter.abort();
    if (wasOpen) await Promise.race([this.#delete(), pause(CLOSE_TIMEOUT_MS)]);
  }

  async #delete(): Promise<void> {
    const request = { method: "DELETE", headers: this.#authorization, keepalive: true };
    await fetch(this.#addresses!.end, request).catch(() => {}); // a server that is gone has ended it too
  }

  /** Resolves when the event stream is open; after a break the browser resumes it where it was. */
  #listen(): Promise<void> {
    return new Promise((resolve) => {
      const events = new EventSource(this.#addresses!.events);
      this.#events = events;
      events.onopen = () => {
        clearTimeout(this.#reopening);
        this.#reopening = undefined;
        resolve();
      };
      events.onmessage = ({ data }: MessageEvent<string>) => this.#receive(data);
      events.addEventListener("gap", () => {
        this.#owner.message(warning("Some messages were lost while the connection was down."));
      });
      events.addEventListener("end", ({ data }: MessageEvent<string>) => {
        const { code = 1000, reason = "" }: { code?: number; reason?: string } = JSON.parse(data);
        this.#end(explain(code, reason, this.#lastWord));
      });
      events.onerror = () => this.#broke(events);
    });
  }

  #broke(events: EventSource): void {
    const gone = new Ending("lost", "The server is gone: its event stream broke.");
    if (events.readyState === EventSource.CLOSED) this.#end(this.#lastWord ?? gone);
    else this.#reopening ??= setTimeout(() => this.#end(gone), ANSWER_TIMEOUT_MS);
  }

  #receive(data: string): void {
    const message = parse(data);
    this.#lastWord = lastWord(message, this.#lastWord);
    this.#owner.message(message);
  }

  #end(ending: Ending): void {
    if (this.#isOpen) this.#owner.ended(ending);
  }

  /** One request after the other: enough frames for a batch, or anything else at once. */
  async #pump(): Promise<void> {
    while (this.#isOpen) {
      const onlyAFewFrames = this.#frames < FRAMES_PER_POST && this.#frames === this.#waiting.length;
      if (onlyAFewFrames) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      const body = this.#waiting.map(({ text }) => text + "\n").join("");
      this.#waiting = [];
      this.#frames = 0;
      const problem = await this.#deliver(body);
      if (problem) this.#end(this.#lastWord ?? problem);
    }
  }

  /** A request that did not get through is repeated once, so a short break is survived. */
  async #deliver(body: string): Promise<Ending | null> {
    const headers = { ...this.#authorization, "Content-Type": "application/x-ndjson" };
    const request = { method: "POST", body, headers, signal: this.#aborter.signal };
    const attempt = (): Promise<Response> => ask(this.#addresses!.send, request);
    try {
      const response = await attempt().catch(() => pause(RETRY_MS).then(attempt));
      if (response.ok) return null;
      const problem = await refusalOf(response);
      await pause(CLOSE_TIMEOUT_MS); // the event stream may be about to say why the call is over
      return problem;
    } catch {
      return new Ending("lost", "The server is gone: it takes no more requests.");
    }
  }
}
