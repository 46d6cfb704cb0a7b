import { fromBase64, toBase64 } from "./audio/base64";
import { type Loudness, measure } from "./audio/level";
import { decodeMulaw, encodeMulaw } from "./audio/mulaw";
import { type Capture, chooseSink, type Player, Sound } from "./audio/sound";
import { Sources } from "./devices";
import { asEnding, Ending, stopped } from "./endings";
import { HttpLink } from "./links/http";
import { type Admission, ANSWER_TIMEOUT_MS, type Link, within } from "./links/link";
import { PeerLink } from "./links/webrtc";
import { WebSocketLink } from "./links/websocket";
import { type ClientEvent, type MediaFormat, type Start, type WireMessage, warning } from "./messages";
import {
  type ConnectOptions,
  MODALITIES,
  MODES,
  type Retry,
  type Source,
  type State,
  type Stats,
} from "./options";
import { Outputs } from "./outputs";
import { Retries } from "./retries";
import { obstacle } from "./support";

const PING_INTERVAL_MS = 2000;
const MEASURE_INTERVAL_MS = 1000;
const HELD_MS = 1000; // a browser that lets a page sound has done so by then
const LINKS = { webrtc: PeerLink, websocket: WebSocketLink, http: HttpLink };
const DEFAULTS = {
  transport: "websocket",
  modality: "audio",
  mode: "send-receive",
  sampleRate: 24_000,
  reconnect: false,
} as const;

type Settings = ConnectOptions & Required<Pick<ConnectOptions, keyof typeof DEFAULTS>>;

/**
 * Start a call. Returns it at once; its progress is told by the callbacks. Sound that comes back is
 * played by the call itself, on every transport. Throws TypeError for options that cannot be.
 */
export function connect(options: ConnectOptions = {}): Call {
  return new Call(options);
}

/** One call, from `connect` to `closed`; with `reconnect` over several connections. */
export class Call {
  readonly #options: Settings;
  readonly #base: URL;
  readonly #sources = new Sources((name) => this.#end(new Ending("devices", `The ${name} was disconnected.`)));
  readonly #retries: Retries;
  #sound: Sound | null = null;
  #speaker: HTMLAudioElement | null = null;
  #hasSources = false;
  #finish: (ending: Ending) => void = () => {};
  // Of one connection:
  #link: Link | null = null;
  #player: Player | null = null;
  #capture: Capture | null = null;
  #listening: Capture | null = null; // to the track that is played
  #outputs: Outputs | null = null;
  #timers: number[] = [];
  #pingSent: number | null = null;
  #unanswered = 0;

  /** For `input_hook` and `outputs`; another after a reconnection, unless it was given. */
  id: string;
  /** Proves to the server that a request is about this call; null until the call is open. */
  token: string | null = null;
  state: State = "new";
  /** Whether the microphone sends silence. */
  muted = false;
  readonly stats: Stats = {
    framesOut: 0,
    framesIn: 0,
    framesDropped: 0,
    roundTrip: null,
    jitter: null,
    buffered: 0,
    target: null,
    underruns: 0,
    skipped: 0,
    reconnects: 0,
    network: null,
  };

  /** Resolves when the call is over; never rejects. */
  readonly ended: Promise<Ending> = new Promise((resolve) => (this.#finish = resolve));

  constructor(options: ConnectOptions = {}) {
    this.#options = settle(options);
    const { transport, modality, mode, url, id, reconnect } = this.#options;
    if (!Object.hasOwn(LINKS, transport)) throw new TypeError(`unknown transport: ${transport}`);
    if (!MODALITIES[transport].includes(modality)) throw new TypeError(`${transport} does not carry ${modality}`);
    if (!MODES.includes(mode)) throw new TypeError(`unknown mode: ${mode}`);
    this.id = id ?? newId();
    this.#base = new URL(url ?? document.baseURI, document.baseURI);
    this.#retries = new Retries(reconnect);
    // The page has the call before it is told of it.
    queueMicrotask(() => this.#run().catch((error: unknown) => this.#end(asEnding(error))));
  }

  /** The connection of a call over WebRTC, for what this module has no words for. */
  get peerConnection(): RTCPeerConnection | null {
    return this.#link?.connection ?? null;
  }

  /** Hang up. Safe at any time, also while the call is still being made. */
  async stop(): Promise<Ending> {
    if (this.#isLeaving) return this.ended;
    const wasOpen = this.state === "open";
    this.#setState("closing");
    this.#release();
    await this.#link?.close(wasOpen);
    this.#end(stopped());
    return this.ended;
  }

  /** Send one event of the protocol, such as `{event: "message", data}`; false while the call is not open. */
  send(event: ClientEvent): boolean {
    if (this.state !== "open") return false;
    this.#link?.send(event);
    return true;
  }

  /** Give the handler other inputs, in the form of the option `inputs`; kept for a call that is not open. */
  setInputs(inputs: unknown): void {
    this.#options.inputs = inputs;
    this.send({ event: "input", data: inputs });
  }

  /** Send silence, or sound again. */
  mute(on = true): void {
    this.muted = on;
    this.#sources.mute(on);
  }

  /** Go on with another microphone. Rejects with an Ending where that fails; the call goes on with the old one. */
  async useMicrophone(microphone: Source): Promise<void> {
    this.#checkSends("audio");
    this.#options.microphone = microphone;
    const isWanted = (): boolean => !this.#isLeaving && this.#options.microphone === microphone;
    if (this.#isSending && (await this.#sources.open("audio", { microphone }, isWanted))) {
      this.#capture?.use(this.#sources.microphone!);
      await this.#link?.replaceTrack?.(this.#sources.microphone!);
    }
  }

  /** Go on with another camera, as with `useMicrophone`. */
  async useCamera(camera: Source): Promise<void> {
    this.#checkSends("video");
    this.#options.camera = camera;
    const { video } = this.#options;
    const isWanted = (): boolean => !this.#isLeaving && this.#options.camera === camera;
    if (this.#isSending && (await this.#sources.open("video", { camera, video }, isWanted))) {
      await this.#link?.replaceTrack?.(this.#sources.camera!);
      this.#showPictures("in", this.#sources.stream);
    }
  }

  /** Play on another device. Rejects with an Ending where the browser or the device does not let it. */
  async useSpeaker(speaker: string): Promise<void> {
    this.#options.speaker = speaker;
    if (this.#speaker) await chooseSink(this.#speaker, speaker);
    else await this.#sound?.playOn(speaker);
  }

  async #run(): Promise<void> {
    const { transport, mode } = this.#options;
    if (this.#isLeaving) return;
    this.#setState("preparing");
    const problem = obstacle(transport);
    if (problem) throw new Ending("unsupported", problem);
    if (mode !== "receive" && !(await this.#openSources())) return;
    if (this.#hasSound) await this.#openSound();
    if (this.#isLeaving) return;
    this.#setState("connecting");
    await this.#connect();
  }

  /** Make one connection. */
  async #connect(): Promise<void> {
    const link: Link = new LINKS[this.#options.transport](this.#base, {
      message: (message) => this.#link === link && this.#receive(message),
      ended: (ending) => this.#lose(link, ending),
    }, this.#options);
    this.#link = link;
    const { inputs } = this.#options;
    try {
      const opened = link.open(this.#start(), this.#sources.stream);
      const admission = await within(ANSWER_TIMEOUT_MS, opened, () => link.late ?? unanswered());
      if (this.#link === link && !this.#isLeaving) this.#open(admission);
    } catch (error) {
      this.#lose(link, asEnding(error));
    }
    if (this.#options.inputs !== inputs) this.setInputs(this.#options.inputs);
  }

  #start(): Start {
    const { mode, sampleRate, metadata, inputs } = this.#options;
    return {
      event: "start",
      websocket_id: this.id,
      media_format: { encoding: "audio/x-mulaw", sample_rate: sampleRate },
      metadata: { ...metadata, mode },
      ...(inputs === undefined ? {} : { inputs }),
    };
  }

  #open({ token, format, remote }: Admission): void {
    this.token = token;
    if (remote) this.#startTracks(remote);
    else this.#startAudio(format!);
    const { onOutput, onMessage } = this.#options;
    if (onOutput) this.#outputs = new Outputs(this.#base, this.id, token, onOutput, (told) => onMessage?.(told));
    if (this.state === "reconnecting") this.stats.reconnects += 1;
    this.#retries.opened(performance.now());
    this.#setState("open");
    this.#ping();
    this.#timers.push(setInterval(() => this.#ping(), PING_INTERVAL_MS));
  }

  /** A connection could not be made, or is over. */
  #lose(link: Link, ending: Ending): void {
    if (this.#link !== link || this.#isLeaving) return;
    const retry = this.#retries.next(ending, performance.now(), Math.random());
    if (!retry) return this.#end(ending);
    this.#disconnect();
    this.#setState("reconnecting", undefined, retry);
    const again = (): void => {
      this.id = this.#options.id ?? newId();
      this.#connect();
    };
    if (!this.#isLeaving) this.#timers.push(setTimeout(again, retry.delay));
  }

  get #hasSound(): boolean {
    return this.#options.modality !== "video";
  }

  get #isLeaving(): boolean {
    return this.state === "closing" || this.state === "closed";
  }

  /** Whether a change of device is made now, and not with the start of the call. */
  get #isSending(): boolean {
    return this.#hasSources && !this.#isLeaving;
  }

  #checkSends(kind: "audio" | "video"): void {
    const { mode, modality } = this.#options;
    if (mode !== "receive" && (modality === kind || modality === "audio-video")) return;
    throw new TypeError(`a call of modality ${modality} in mode ${mode} sends no ${kind}`);
  }

  #setState(state: State, ending?: Ending, retry?: Retry): void {
    this.state = state;
    this.#options.onState?.(state, ending, retry);
  }

  /** Whether the call is still wanted when the devices are there. */
  async #openSources(): Promise<boolean> {
    const { modality, ...asked } = this.#options;
    if (!(await this.#sources.open(modality, asked, () => !this.#isLeaving))) return false;
    this.#hasSources = true;
    // What was chosen anew while the user was asked:
    const { microphone, camera } = this.#options;
    if (microphone !== undefined && microphone !== asked.microphone) await this.useMicrophone(microphone);
    if (camera !== undefined && camera !== asked.camera) await this.useCamera(camera);
    this.#showPictures("in", this.#sources.stream);
    return true;
  }

  async #openSound(): Promise<void> {
    this.#sound = new Sound();
    await this.#sound.open();
    setTimeout(() => this.#sound!.isHeld && this.#warn(silenced()), HELD_MS);
    const { speaker, transport } = this.#options;
    if (speaker !== undefined && transport !== "webrtc") await this.#sound.playOn(speaker).catch((error) => this.#warn(error));
  }

  #warn({ text }: Ending): void {
    if (!this.#isLeaving) this.#options.onMessage?.(warning(text));
  }

  #startAudio({ encoding, sample_rate: rate }: MediaFormat): void {
    if (encoding !== "audio/x-mulaw") {
      throw new Ending("protocol", `The server answered with an encoding not asked for: ${encoding}.`);
    }
    if (this.#options.mode !== "send") {
      this.#player = this.#sound!.player(rate, {
        playing: ({ level, ...figures }) => {
          Object.assign(this.stats, figures);
          this.#tellLevel("out", level);
        },
        played: (name) => this.#link?.send({ event: "mark", mark: { name } }),
        cleared: (heard, dropped) => this.#options.onInterrupted?.({ heard, dropped }),
      });
    }
    this.#startCapture(rate, (frame) => this.#sendFrame(frame, rate));
  }

  #startCapture(rate: number, onFrame: (frame: Float32Array) => void): void {
    const { microphone } = this.#sources;
    if (microphone) this.#capture = this.#sound!.capture(microphone, rate, onFrame);
  }

  #startTracks(remote: MediaStream): void {
    const { sampleRate } = this.#options;
    this.#startCapture(sampleRate, (frame) => this.#tellCapture(frame, sampleRate));
    const [track] = remote.getAudioTracks();
    if (track) this.#playTrack(track);
    this.#showPictures("out", remote);
    this.#timers.push(setInterval(() => this.#measure(), MEASURE_INTERVAL_MS));
  }

  #playTrack(track: MediaStreamTrack): void {
    const { sampleRate, speaker, onAudio } = this.#options;
    this.#speaker ??= new Audio();
    this.#speaker.srcObject = new MediaStream([track]);
    if (speaker !== undefined) chooseSink(this.#speaker, speaker).catch((error) => this.#warn(error));
    this.#sound!.play(this.#speaker);
    this.#listening = this.#sound!.capture(track, sampleRate, (frame) => {
      onAudio?.(frame, sampleRate);
      this.#tellLevel("out", measure(frame));
    });
  }

  async #measure(): Promise<void> {
    const network = await this.#link!.measure!();
    const { roundTrip, jitter, buffered, concealments: underruns, packetsOut: framesOut, packetsIn: framesIn } = network;
    Object.assign(this.stats, { network, roundTrip, jitter, buffered: buffered ?? 0, underruns, framesOut, framesIn });
  }

  #showPictures(direction: "in" | "out", stream: MediaStream): void {
    const tracks = stream.getVideoTracks();
    if (tracks.length) this.#options.onPictures?.({ direction, stream: new MediaStream(tracks) });
  }

  #tellLevel(direction: "in" | "out", level: Loudness): void {
    if (!this.#isLeaving) this.#options.onLevel?.({ direction, ...level });
  }

  #tellCapture(frame: Float32Array, rate: number): void {
    this.#tellLevel("in", measure(frame));
    if (!this.#isLeaving) this.#options.onCapture?.(frame, rate);
  }

  #sendFrame(frame: Float32Array, rate: number): void {
    if (this.state !== "open") return;
    this.#tellCapture(frame, rate);
    const dropped = this.#link!.sendMedia({ event: "media", media: { payload: toBase64(encodeMulaw(frame)) } });
    this.stats.framesOut += 1 - dropped;
    this.stats.framesDropped += dropped;
  }

  #receive(message: WireMessage): void {
    if (this.#isLeaving) return;
    if (message.event === "media") return this.#play(message.media?.payload);
    if (message.event === "pong") return this.#pong();
    if (message.event === "mark") this.#mark(message.mark?.name);
    if (message.event === "clear") this.#clear();
    if (message.type === "log" && message.data === "response_starting") this.#player?.beginReply();
    this.#options.onMessage?.(message);
  }

  #play(payload: string | Uint8Array): void {
    this.stats.framesIn += 1;
    if (!this.#player) return;
    const codes = payload instanceof Uint8Array ? payload : fromBase64(payload);
    if (!codes) return this.#options.onMessage?.(warning("The server sent a message that cannot be read."));
    const samples = decodeMulaw(codes);
    this.#options.onAudio?.(samples, this.#player.rate);
    this.#player.play(samples);
  }

  #mark(name: string): void {
    if (this.#player) this.#player.mark(name);
    else this.send({ event: "mark", mark: { name } });
  }

  /** What was heard is known to the player alone. */
  #clear(): void {
    if (this.#player) this.#player.clear();
    else if (this.#options.mode !== "send") this.#options.onInterrupted?.({ heard: null, dropped: null });
  }

  #ping(): void {
    if (this.#pingSent === null) {
      this.#pingSent = performance.now();
      this.#unanswered = 0;
      this.#link?.send({ event: "ping" });
    } else if (++this.#unanswered * PING_INTERVAL_MS >= ANSWER_TIMEOUT_MS) {
      // Counted, for a page that stood still hears of no answer meanwhile.
      this.#lose(this.#link!, new Ending("lost", "The server is gone: it has stopped answering."));
    }
  }

  #pong(): void {
    if (this.#pingSent === null) return;
    if (!this.stats.network) this.stats.roundTrip = performance.now() - this.#pingSent;
    this.#pingSent = null;
  }

  /** Put away what belongs to one connection, but for the link. */
  #releaseConnection(): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    for (const part of [this.#player, this.#capture, this.#listening]) part?.close();
    this.#player = this.#capture = this.#listening = null;
    if (this.#speaker) this.#speaker.srcObject = null;
    this.#pingSent = null;
  }

  #disconnect(): void {
    this.#releaseConnection();
    this.#outputs?.close();
    this.#outputs = null;
    this.#link?.close(false);
    this.#link = null;
    Object.assign(this.stats, { roundTrip: null, jitter: null, buffered: 0, target: null, network: null });
  }

  #release(): void {
    this.#releaseConnection();
    this.#sources.release();
    this.#sound?.close();
  }

  #end(ending: Ending): void {
    if (this.state === "closed") return;
    const wasClosing = this.state === "closing";
    const final = wasClosing ? stopped() : ending;
    this.state = "closed";
    this.#release();
    if (wasClosing) this.#outputs?.close();
    else this.#outputs?.finish();
    if (!wasClosing) this.#link?.close(false);
    this.#finish(final);
    this.#setState("closed", final);
  }
}

/** The options, with the defaults for what is left out. A mistake in a callback is reported, and is no end of the call. */
function settle(options: ConnectOptions): Settings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const guarded = given.map(([name, value]) => [name, typeof value === "function" ? guard(value.bind(options)) : value]);
  return { ...DEFAULTS, ...Object.fromEntries(guarded) };
}

function guard<Told extends unknown[]>(callback: (...told: Told) => void): (...told: Told) => void {
  return (...told) => {
    try {
      callback(...told);
    } catch (error) {
      reportError(error);
    }
  };
}

/** Without a secure origin there is no random id, and no call either. */
function newId(): string {
  return crypto.randomUUID?.() ?? "";
}

function silenced(): Ending {
  return new Ending("unsupported", "The browser lets this page play no sound until somebody clicks or types in it.");
}

function unanswered(): Ending {
  return new Ending("unreachable", "The server took the connection but did not answer in time.");
}
