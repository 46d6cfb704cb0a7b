import { type Ending, explain, lastWord, unreachable } from "../endings";
import { type ClientEvent, type MediaEvent, parse, type Start } from "../messages";
import { type Admission, CLOSE_TIMEOUT_MS, type Link, type Owner, pause } from "./link";

const MAX_UNSENT_BYTES = 40_000; // about 1 s of frames in base64 and JSON

export class WebSocketLink implements Link {
  readonly #url: URL;
  readonly #owner: Owner;
  #socket: WebSocket | null = null;
  #lastWord: Ending | null = null;
  #admit: (admission: Admission) => void = () => {};

  constructor(base: URL, owner: Owner) {
    this.#url = new URL("websocket/offer", base);
    this.#url.protocol = this.#url.protocol === "https:" ? "wss:" : "ws:";
    this.#owner = owner;
  }

  open(start: Start): Promise<Admission> {
    return new Promise((resolve, reject) => {
      this.#admit = resolve;
      const said = JSON.stringify(start);
      const socket = new WebSocket(this.#url);
      socket.binaryType = "arraybuffer";
      let opened = false;
      socket.onopen = () => {
        opened = true;
        socket.send(said);
      };
      socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.#receive(data);
      socket.onclose = ({ code, reason }) => {
        const ending = opened ? explain(code, reason, this.#lastWord) : unreachable(this.#url);
        reject(ending);
        this.#owner.ended(ending);
      };
      this.#socket = socket;
    });
  }

  send(event: ClientEvent | MediaEvent): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }

  /** What is given up is the new frame. */
  sendMedia(event: MediaEvent): number {
    if (this.#socket!.bufferedAmount > MAX_UNSENT_BYTES) return 1;
    this.send(event);
    return 0;
  }

  async close(isOpen: boolean): Promise<void> {
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    if (isOpen && socket.readyState === WebSocket.OPEN) {
      const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
      this.send({ event: "stop" });
      await Promise.race([closed, pause(CLOSE_TIMEOUT_MS)]);
    }
    socket.close(1000);
  }

  #receive(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      this.#owner.message({ event: "media", media: { payload: new Uint8Array(data) } });
      return;
    }
    const message = parse(data);
    this.#lastWord = lastWord(message, this.#lastWord);
    if (message.event === "started") this.#admit({ token: message.token, format: message.media_format });
    this.#owner.message(message);
  }
}
