// One peer connection, whose tracks carry sound and pictures and whose data channel carries the
// messages.

import { Ending, answerOf, ask, broken, explain, lastWord, stopped } from "../endings";
import { type ClientEvent, parse, type Start, warning } from "../messages";
import type { Modality, Mode, Network } from "../options";
import { type Admission, CLOSE_TIMEOUT_MS, JSON_TYPE, type Link, type Owner, pause } from "./link";
import { compare, totals, type Totals } from "./network";

type Kind = "audio" | "video";

const KINDS: Record<Modality, Kind[]> = { audio: ["audio"], video: ["video"], "audio-video": ["audio", "video"] };
const DIRECTIONS = { "send-receive": "sendrecv", send: "sendonly", receive: "recvonly" } as const;
const WORDS: Record<string, string> = { audio: "sound", video: "pictures" };

/** What the server answers to an offer. */
interface Answer {
  sdp: string;
  token: string;
}

export class PeerLink implements Link {
  readonly #base: URL;
  readonly #owner: Owner;
  readonly #modality: Modality;
  readonly #mode: Mode;
  readonly #remote = new MediaStream();
  readonly #joined: Promise<void>;
  readonly #early: RTCIceCandidate[] = [];
  #join: () => void = () => {};
  #fail: (ending: Ending) => void = () => {};
  #channel: RTCDataChannel | null = null;
  #trickle: ((candidate: RTCIceCandidate) => void) | null = null;
  #isClosed = false;
  #lastWord: Ending | null = null;
  #before: Totals | null = null;

  connection: RTCPeerConnection | null = null;

  constructor(base: URL, owner: Owner, { modality, mode }: { modality: Modality; mode: Mode }) {
    this.#base = base;
    this.#owner = owner;
    this.#modality = modality;
    this.#mode = mode;
    this.#joined = new Promise((resolve, reject) => {
      this.#join = resolve;
      this.#fail = reject;
    });
    this.#joined.catch(() => {}); // it may fail while the answer is still waited for
  }

  /** Null while the server has not answered. */
  get late(): Ending | null {
    return this.connection?.remoteDescription ? noWay() : null;
  }

  /** Resolves when media and messages can flow, or when the link was closed before. */
  async open(start: Start, sources: MediaStream): Promise<Admission> {
    const configuration = await this.#ask<RTCConfiguration>("webrtc/configuration", { method: "GET" });
    if (this.#isClosed) throw stopped();
    const connection = new RTCPeerConnection(configuration);
    this.connection = connection;
    this.#listen(connection);
    this.#addMedia(connection, sources);
    await connection.setLocalDescription();
    if (this.#isClosed) throw stopped();
    const { websocket_id: id, metadata, inputs } = start;
    const { sdp } = connection.localDescription!;
    const { sdp: answer, token } = await this.#post<Answer>({ type: "offer", sdp, webrtc_id: id, metadata, inputs });
    await connection.setRemoteDescription({ type: "answer", sdp: answer });
    const headers = { ...JSON_TYPE, Authorization: `Bearer ${token}` };
    this.#trickle = (candidate) => {
      const body = { type: "ice-candidate", webrtc_id: id, candidate: candidate.toJSON() };
      // One that is refused is one way less; whether any way is left shows in the connection's state.
      this.#post(body, headers).catch(() => {});
    };
    this.#early.splice(0).forEach(this.#trickle);
    await this.#joined;
    this.#compare(connection);
    return { token, remote: this.#remote };
  }

  send(event: ClientEvent): void {
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify(event));
  }

  /** Sound travels in tracks. */
  sendMedia(): number {
    return 0;
  }

  async close(isOpen: boolean): Promise<void> {
    this.#isClosed = true;
    const channel = this.#channel;
    if (isOpen && channel?.readyState === "open") {
      const closed = new Promise((resolve) => channel.addEventListener("close", resolve));
      this.send({ event: "stop" });
      await Promise.race([closed, pause(CLOSE_TIMEOUT_MS)]);
    }
    this.connection?.close();
  }

  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    const ours = this.connection?.getTransceivers().find(({ receiver }) => receiver.track.kind === track.kind);
    await ours?.sender.replaceTrack(track);
  }

  /** Rates and waits are those since the last time. */
  async measure(): Promise<Network> {
    const now = totals(await this.connection!.getStats());
    const figures = compare(now, this.#before ?? now);
    this.#before = now;
    return figures;
  }

  #listen(connection: RTCPeerConnection): void {
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return;
      if (this.#trickle) this.#trickle(candidate);
      else this.#early.push(candidate);
    };
    connection.ontrack = ({ track }) => this.#remote.addTrack(track);
    const channel = connection.createDataChannel("antiphon");
    this.#channel = channel;
    connection.onconnectionstatechange = () => {
      const wasJoined = channel.readyState !== "connecting";
      if (connection.connectionState === "failed") this.#end(wasJoined ? broken() : noWay());
      if (connection.connectionState === "disconnected") this.#askIfGone();
    };
    channel.onopen = () => this.#join();
    channel.onmessage = ({ data }: MessageEvent<unknown>) => this.#receive(data);
    channel.onclose = () => this.#end(explain(1000, "", this.#lastWord));
  }

  /** A break of the network may mend; a server that does not answer over HTTP either is gone. */
  #askIfGone(): void {
    this.#ask("health", { method: "GET" }).catch((error: unknown) => {
      if (error instanceof Ending && error.cause === "unreachable") this.#end(broken());
    });
  }

  #addMedia(connection: RTCPeerConnection, sources: MediaStream): void {
    for (const kind of KINDS[this.#modality]) {
      const track = sources.getTracks().find((each) => each.kind === kind);
      const streams = track ? [sources] : [];
      connection.addTransceiver(track ?? kind, { direction: DIRECTIONS[this.#mode], streams });
    }
  }

  #receive(data: unknown): void {
    if (typeof data !== "string") return;
    const message = parse(data);
    this.#lastWord = lastWord(message, this.#lastWord);
    this.#owner.message(message);
  }

  #post<Body>(body: object, headers: HeadersInit = JSON_TYPE): Promise<Body> {
    return this.#ask("webrtc/offer", { method: "POST", body: JSON.stringify(body), headers });
  }

  async #ask<Body>(path: string, request: RequestInit): Promise<Body> {
    return answerOf(await ask(new URL(path, this.#base), request));
  }

  /** Tell where the server has agreed to less than was offered. */
  #compare(connection: RTCPeerConnection): void {
    const wanted = DIRECTIONS[this.#mode];
    for (const { currentDirection, receiver } of connection.getTransceivers()) {
      const agreed = currentDirection ?? "inactive";
      const word = WORDS[receiver.track.kind];
      const lacks = (way: string): boolean =>
        (wanted === "sendrecv" || wanted === way) && agreed !== "sendrecv" && agreed !== way;
      if (lacks("sendonly")) this.#owner.message(warning(`The server takes no ${word} in this call.`));
      if (lacks("recvonly")) this.#owner.message(warning(`The server sends no ${word} in this call.`));
    }
  }

  #end(ending: Ending): void {
    this.#fail(ending);
    if (!this.#isClosed) this.#owner.ended(ending);
  }
}

function noWay(): Ending {
  return new Ending(
    "unreachable",
    "The server answered, but no way to its media was found. A firewall may stand between: use WebSocket, or a TURN server.",
  );
}
