// Browser client of antiphon: one live call over WebRTC, over a WebSocket, or over HTTP with
// server-sent events. No build step, no outside requests. Everything starts at connect().

import { Ending, ask, asEnding, explain, lastWord, parse, pause, refusalOf, unreachable, unreadable } from "./endings.js";
import { PeerLink } from "./webrtc.js";

export { Ending };

const FRAME_SECONDS = 0.02;
const PING_INTERVAL_MS = 2000;
const MEASURE_INTERVAL_MS = 1000;
const ANSWER_TIMEOUT_MS = 10000; // the server's own limit for a handshake
const CLOSE_TIMEOUT_MS = 1000;
const RETRY_MS = 500;
const FRAMES_PER_POST = 4; // 80 ms: a dozen requests a second, and hardly more delay
const MAX_WAITING_FRAMES = 50; // 1 s; older audio is of no use to a live call
const MAX_UNSENT_BYTES = 40000; // about 1 s of frames in base64 and JSON

/**
 * Start a call. Returns a Call at once; its progress is told by the callbacks.
 *
 * id          of the call, for `input_hook` and `updates`; random by default, told as `call.id`
 * url         base of the server's routes, by default the page's own
 * transport   "webrtc", "websocket" or "http"
 * modality    "audio"; over WebRTC also "video" or "audio-video"
 * mode        "send-receive", "send" or "receive", as the listener sees it
 * video       constraints of the camera, as getUserMedia takes them
 * sampleRate  Hz of onAudio, and of the mu-law on the wire of a WebSocket and of HTTP
 * metadata    sent with the start event, the mode is added
 * onState     (state, ending): "preparing", "connecting", "open", "closed"; ending only when closed
 * onMessage   (message): every server message but audio and pong, as the protocol writes it
 * onAudio     (samples, sampleRate): each received frame, Float32Array
 * onCapture   (samples, sampleRate): each captured frame, Float32Array
 * onLevel     ({direction: "in" | "out", rms, low, high}): every 20 ms captured or played
 * onPictures  ({direction: "in" | "out", stream}): the camera, and what comes back, for a <video>
 *
 * Sound that comes back is played by the call itself, on every transport.
 */
export function connect(options = {}) {
  return new Call(options);
}

/** What keeps calls from working on this page, or those of one transport, as a sentence, or null. */
export function obstacle(transport) {
  if (transport === "webrtc" && !globalThis.RTCPeerConnection) return "This browser has no WebRTC.";
  if (!globalThis.isSecureContext || !navigator.mediaDevices) {
    return (
      "This page is not on a secure origin, so the browser gives it no microphone and no audio. " +
      "Open it over https, or on the server's own machine as http://127.0.0.1."
    );
  }
  return globalThis.AudioWorkletNode ? null : "This browser has no AudioWorklet, which calls need.";
}

/** What each transport can carry. */
export const MODALITIES = {
  webrtc: ["audio", "video", "audio-video"],
  websocket: ["audio"],
  http: ["audio"],
};

class Call {
  #options;
  #link;
  #player = null;
  #speaker = null;
  #devices = null;
  #context = null;
  #timers = [];
  #pingSent = null;
  #finish;
  #rate;

  state = "new";
  /** Over WebRTC measured once a second: packets as frames, and `network`, PeerLink.measure's figures. */
  stats = { framesOut: 0, framesIn: 0, framesDropped: 0, roundTrip: null, buffered: 0, network: null };

  /** Resolves with the Ending when the call is over; never rejects. */
  ended = new Promise((resolve) => (this.#finish = resolve));

  constructor(options) {
    this.id = options.id ?? crypto.randomUUID?.() ?? ""; // without a secure origin there is no call
    this.#options = { url: document.baseURI, transport: "websocket", modality: "audio", mode: "send-receive", sampleRate: 24000, ...options };
    const { url, transport, modality } = this.#options;
    const Link = { webrtc: PeerLink, websocket: WebSocketLink, http: HttpLink }[transport];
    if (!Link) throw new TypeError(`unknown transport: ${transport}`);
    if (!MODALITIES[transport].includes(modality)) throw new TypeError(`${transport} does not carry ${modality}`);
    const owner = {
      message: (message) => this.#receive(message),
      ended: (ending) => this.#end(ending),
    };
    this.#link = new Link(new URL(url, document.baseURI), owner, this.#options);
    this.#run().catch((error) => this.#end(asEnding(error)));
  }

  /** The RTCPeerConnection of a call over WebRTC, for what this module has no words for; or null. */
  get peerConnection() {
    return this.#link.connection ?? null;
  }

  /** Hang up. Safe at any time, also while the call is still being made. */
  async stop() {
    if (this.state === "closed" || this.state === "closing") return this.ended;
    const wasOpen = this.state === "open";
    this.#setState("closing");
    this.#release();
    await this.#link.close(wasOpen);
    this.#end(new Ending("stopped", "The call was stopped."));
    return this.ended;
  }

  /** Send one protocol event, such as {event: "message", data}. */
  send(event) {
    if (this.state === "open") this.#link.send(event);
  }

  async #run() {
    const { transport, mode } = this.#options;
    this.#setState("preparing");
    const problem = obstacle(transport);
    if (problem) throw new Ending("unsupported", problem);
    if (mode !== "receive" && !(await this.#openDevices())) return;
    if (this.#hasSound) await this.#openAudio();
    if (this.#isLeaving()) return;
    this.#setState("connecting");
    const link = this.#link;
    const format = await withTimeout(link.open(this.#start(), this.#devices), () => link.late);
    if (this.#isLeaving()) return;
    if (link.remote) this.#startTracks(link.remote);
    else this.#startAudio(format);
    this.#setState("open");
    this.#ping();
    this.#timers.push(setInterval(() => this.#ping(), PING_INTERVAL_MS));
  }

  get #hasSound() {
    return this.#options.modality !== "video";
  }

  #start() {
    const { mode, sampleRate, metadata } = this.#options;
    return {
      event: "start",
      websocket_id: this.id,
      media_format: { encoding: "audio/x-mulaw", sample_rate: sampleRate },
      metadata: { ...metadata, mode },
    };
  }

  /** Whether the call is still wanted when the devices are there. */
  async #openDevices() {
    const devices = await openDevices(this.#options);
    if (this.#isLeaving()) {
      stopTracks(devices);
      return false;
    }
    this.#devices = devices;
    this.#watchDevices();
    this.#showPictures("in", devices);
    return true;
  }

  #isLeaving() {
    return this.state === "closing" || this.state === "closed";
  }

  #setState(state, ending) {
    this.state = state;
    this.#options.onState?.(state, ending);
  }

  async #openAudio() {
    this.#context = new AudioContext({ latencyHint: "interactive" });
    this.#context.resume().catch(() => {}); // refused only when already closed
    const source = `${Resampler}\n(${defineProcessors})(${FRAME_SECONDS});`;
    const module = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    try {
      await this.#context.audioWorklet.addModule(module);
    } catch (error) {
      if (!this.#isLeaving()) throw error; // stop() closed the context under it
    } finally {
      URL.revokeObjectURL(module);
    }
  }

  #startAudio({ encoding, sample_rate: rate }) {
    if (encoding !== "audio/x-mulaw") {
      throw new Ending("protocol", `The server answered with an encoding not asked for: ${encoding}.`);
    }
    if (this.#options.mode !== "send") {
      this.#player = new Player(this.#context, rate, {
        level: (level, buffered) => {
          this.stats.buffered = buffered;
          this.#tellLevel("out", level);
        },
        played: (name) => this.#link.send({ event: "mark", mark: { name } }),
      });
    }
    if (this.#devices) {
      this.#rate = rate;
      capture(this.#context, this.#devices, rate, (frame) => this.#sendFrame(frame));
    }
  }

  #startTracks(remote) {
    const { sampleRate, onAudio } = this.#options;
    if (this.#devices && this.#hasSound) {
      capture(this.#context, this.#devices, sampleRate, (frame) => this.#tellCapture(frame, sampleRate));
    }
    if (remote.getAudioTracks().length) {
      this.#speaker = Object.assign(new Audio(), { srcObject: new MediaStream(remote.getAudioTracks()) });
      this.#speaker.play().catch(() => {}); // refused only when the call is over before it begins
      capture(this.#context, this.#speaker.srcObject, sampleRate, (frame) => {
        onAudio?.(frame, sampleRate);
        this.#tellLevel("out", measure(frame));
      });
    }
    this.#showPictures("out", remote);
    this.#timers.push(setInterval(() => this.#measure(), MEASURE_INTERVAL_MS));
  }

  async #measure() {
    const network = await this.#link.measure();
    const { roundTrip, packetsOut: framesOut, packetsIn: framesIn } = network;
    Object.assign(this.stats, { network, roundTrip, framesOut, framesIn });
  }

  #showPictures(direction, stream) {
    const tracks = stream.getVideoTracks();
    if (tracks.length) this.#options.onPictures?.({ direction, stream: new MediaStream(tracks) });
  }

  #tellLevel(direction, level) {
    if (!this.#isLeaving()) this.#options.onLevel?.({ direction, ...level });
  }

  #tellCapture(frame, rate) {
    this.#tellLevel("in", measure(frame));
    if (!this.#isLeaving()) this.#options.onCapture?.(frame, rate);
  }

  #sendFrame(frame) {
    if (this.state !== "open") return;
    this.#tellCapture(frame, this.#rate);
    const media = { event: "media", media: { payload: toBase64(encodeMulaw(frame)) } };
    const dropped = this.#link.sendMedia(media);
    this.stats.framesOut += 1 - dropped;
    this.stats.framesDropped += dropped;
  }

  #receive(message) {
    if (this.#isLeaving()) return;
    switch (message.event) {
      case "media":
        return this.#play(message.media?.payload);
      case "pong":
        return this.#pong();
      case "mark":
        if (this.#player) this.#player.mark(message.mark?.name);
        else this.send(message);
        break;
      case "clear":
        this.#player?.clear();
        break;
    }
    this.#options.onMessage?.(message);
  }

  #play(payload) {
    this.stats.framesIn += 1;
    if (!this.#player) return;
    const codes = payload instanceof Uint8Array ? payload : fromBase64(payload);
    if (!codes) return this.#options.onMessage?.(unreadable());
    const samples = decodeMulaw(codes);
    this.#options.onAudio?.(samples, this.#player.rate);
    this.#player.play(samples);
  }

  #ping() {
    if (this.#pingSent === null) {
      this.#pingSent = performance.now();
      this.#link.send({ event: "ping" });
    } else if (performance.now() - this.#pingSent > ANSWER_TIMEOUT_MS) {
      this.#end(new Ending("lost", "The server is gone: it has stopped answering."));
    }
  }

  #pong() {
    if (this.#pingSent === null) return;
    if (!this.stats.network) this.stats.roundTrip = performance.now() - this.#pingSent;
    this.#pingSent = null;
  }

  #watchDevices() {
    for (const track of this.#devices.getTracks()) {
      track.addEventListener("ended", () => {
        const name = track.kind === "audio" ? "microphone" : "camera";
        this.#end(new Ending("devices", `The ${name} was disconnected.`));
      });
    }
  }

  #release() {
    this.#timers.forEach(clearInterval);
    stopTracks(this.#devices);
    if (this.#speaker) this.#speaker.srcObject = null;
    if (this.#context && this.#context.state !== "closed") this.#context.close();
  }

  #end(ending) {
    if (this.state === "closed") return;
    const wasClosing = this.state === "closing";
    const final = wasClosing ? new Ending("stopped", "The call was stopped.") : ending;
    this.state = "closed";
    this.#release();
    if (!wasClosing) this.#link.close(false);
    this.#finish(final);
    this.#options.onState?.("closed", final);
  }
}

class WebSocketLink {
  #url;
  #owner;
  #socket = null;
  #lastWord = null;
  #settle = null;

  constructor(base, owner) {
    this.#url = new URL("websocket/offer", base);
    this.#url.protocol = this.#url.protocol === "https:" ? "wss:" : "ws:";
    this.#owner = owner;
  }

  /** Connect and send `start`; resolves with the media format that the server agreed to. */
  open(start) {
    return new Promise((resolve, reject) => {
      this.#settle = resolve;
      const socket = new WebSocket(this.#url);
      socket.binaryType = "arraybuffer";
      let opened = false;
      socket.onopen = () => {
        opened = true;
        socket.send(JSON.stringify(start));
      };
      socket.onmessage = ({ data }) => this.#receive(data);
      socket.onclose = ({ code, reason }) => {
        const ending = opened ? explain(code, reason, this.#lastWord) : unreachable(this.#url);
        reject(ending);
        this.#owner.ended(ending);
      };
      this.#socket = socket;
    });
  }

  send(event) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }

  /** Returns how many frames were given up: the new one, when the network does not keep up. */
  sendMedia(event) {
    if (this.#socket.bufferedAmount > MAX_UNSENT_BYTES) return 1;
    this.send(event);
    return 0;
  }

  /** Say `stop` where the call is open and let the server close; close by ourselves if it does not. */
  async close(isOpen) {
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    if (isOpen && socket.readyState === WebSocket.OPEN) {
      const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
      this.send({ event: "stop" });
      await Promise.race([closed, pause(CLOSE_TIMEOUT_MS)]);
    }
    socket.close(1000);
  }

  #receive(data) {
    if (typeof data !== "string") {
      this.#owner.message({ event: "media", media: { payload: new Uint8Array(data) } });
      return;
    }
    const message = parse(data);
    this.#lastWord = lastWord(message, this.#lastWord);
    if (message.event === "started") this.#settle(message.media_format);
    this.#owner.message(message);
  }
}

class HttpLink {
  #url;
  #owner;
  #links = null;
  #headers = null;
  #events = null;
  #aborter = new AbortController();
  #waiting = [];
  #frames = 0;
  #wake = () => {};
  #isOpen = false;
  #isClosed = false;
  #lastWord = null;
  #reopening = null;

  constructor(base, owner) {
    this.#url = new URL("http/offer", base);
    this.#owner = owner;
  }

  /** Post the offer and listen; resolves with the media format that the server agreed to. */
  async open(start) {
    const headers = { "Content-Type": "application/json" };
    const response = await ask(this.#url, { method: "POST", body: JSON.stringify(start), headers });
    if (!response.ok) throw await refusalOf(response);
    const { token, media_format: format, links } = await response.json();
    this.#links = {};
    for (const [name, link] of Object.entries(links)) this.#links[name] = new URL(link, response.url);
    this.#headers = { Authorization: `Bearer ${token}` };
    this.#links.events.searchParams.set("token", token);
    if (this.#isClosed) {
      this.#delete(); // nobody waits for this call any more, but the server has just opened it
      return format;
    }
    this.#isOpen = true;
    await this.#listen();
    this.#pump();
    return format;
  }

  send(event) {
    this.#waiting.push(JSON.stringify(event));
    this.#wake();
  }

  /** Returns how many frames were given up: the oldest, when the network does not keep up. */
  sendMedia(event) {
    this.#waiting.push(event);
    this.#frames += 1;
    this.#wake();
    if (this.#frames <= MAX_WAITING_FRAMES) return 0;
    this.#waiting.splice(this.#waiting.findIndex((waiting) => typeof waiting !== "string"), 1);
    this.#frames -= 1;
    return 1;
  }

  async close() {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    this.#isClosed = true;
    this.#wake();
    clearTimeout(this.#reopening);
    this.#events?.close();
    this.#aborter.abort();
    if (wasOpen) await Promise.race([this.#delete(), pause(CLOSE_TIMEOUT_MS)]);
  }

  #delete() {
    const request = { method: "DELETE", headers: this.#headers, keepalive: true };
    return fetch(this.#links.end, request).catch(() => {}); // a server that is gone has ended it too
  }

  /** Resolves when the event stream is open; after a break the browser resumes it where it was. */
  #listen() {
    return new Promise((resolve) => {
      const events = new EventSource(this.#links.events);
      this.#events = events;
      events.onopen = () => {
        clearTimeout(this.#reopening);
        this.#reopening = null;
        resolve();
      };
      events.onmessage = ({ data }) => this.#receive(parse(data));
      events.addEventListener("gap", () => {
        this.#owner.message({ type: "warning", data: "Some messages were lost while the connection was down." });
      });
      events.addEventListener("end", ({ data }) => {
        const { code = 1000, reason = "" } = parse(data);
        this.#end(explain(code, reason, this.#lastWord));
      });
      events.onerror = () => {
        const gone = new Ending("lost", "The server is gone: its event stream broke.");
        if (events.readyState === EventSource.CLOSED) this.#end(this.#lastWord ?? gone);
        else this.#reopening ??= setTimeout(() => this.#end(gone), ANSWER_TIMEOUT_MS);
      };
    });
  }

  #receive(message) {
    this.#lastWord = lastWord(message, this.#lastWord);
    this.#owner.message(message);
  }

  #end(ending) {
    if (this.#isOpen) this.#owner.ended(ending);
  }

  /** One request after the other: enough frames for a batch, or anything else at once. */
  async #pump() {
    const headers = { ...this.#headers, "Content-Type": "application/x-ndjson" };
    while (this.#isOpen) {
      const onlyAFewFrames = this.#frames < FRAMES_PER_POST && this.#frames === this.#waiting.length;
      if (onlyAFewFrames) {
        await new Promise((resolve) => (this.#wake = resolve));
        continue;
      }
      const lines = this.#waiting.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
      this.#waiting = [];
      this.#frames = 0;
      const problem = await this.#deliver(lines.join("\n") + "\n", headers);
      if (problem) this.#end(this.#lastWord ?? problem);
    }
  }

  /** A request that did not get through is repeated once, so a short break is survived. */
  async #deliver(body, headers) {
    const request = { method: "POST", body, headers, signal: this.#aborter.signal };
    const attempt = () => ask(this.#links.send, request);
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

class Player {
  #node;

  /** `heard.level(level, bufferedMs)` comes every 20 ms, `heard.played(name)` once for each mark. */
  constructor(context, rate, heard) {
    this.rate = rate;
    this.#node = new AudioWorkletNode(context, "antiphon-playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions: { rate },
    });
    this.#node.port.onmessage = ({ data }) => {
      if (data.level) heard.level(data.level, data.buffered);
      else heard.played(data.played);
    };
    this.#node.connect(context.destination);
  }

  play(samples) {
    this.#node.port.postMessage({ audio: samples });
  }

  mark(name) {
    this.#node.port.postMessage({ mark: name });
  }

  clear() {
    this.#node.port.postMessage({ clear: true });
  }
}

function capture(context, sound, rate, onFrame) {
  const node = new AudioWorkletNode(context, "antiphon-capture", {
    channelCount: 1,
    channelCountMode: "explicit",
    processorOptions: { rate },
  });
  node.port.onmessage = ({ data }) => onFrame(data);
  context.createMediaStreamSource(sound).connect(node);
  node.connect(context.destination); // it writes silence; without a way out some browsers do not run it
}

/** What is known after ten seconds of waiting is said better by `late`, where it knows. */
async function withTimeout(promise, late) {
  const unanswered = () => new Ending("unreachable", "The server took the connection but did not answer in time.");
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(late() ?? unanswered()), ANSWER_TIMEOUT_MS);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

async function openDevices({ modality, video }) {
  const wanted = {
    audio: modality !== "video" && { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    video: modality !== "audio" && (video ?? { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } }),
  };
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    const name = { audio: "microphone", video: "camera", "audio-video": "microphone or camera" }[modality];
    const texts = {
      NotAllowedError: `The ${name} was refused. Allow it for this page in the browser's site settings and start again, or choose “Receive only”, which needs none.`,
      NotFoundError: `No ${name} was found. Connect one and start again, or choose “Receive only”, which needs none.`,
      NotReadableError: `The ${name} cannot be opened. Another program may be using it.`,
    };
    throw new Ending("devices", texts[error.name] ?? `The ${name} cannot be opened: ${error.message}`);
  }
}

function stopTracks(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function measure(samples) {
  let [low, high, power] = [0, 0, 0];
  for (const sample of samples) {
    if (sample < low) low = sample;
    if (sample > high) high = sample;
    power += sample * sample;
  }
  return { rms: Math.sqrt(power / samples.length), low, high };
}

const MULAW_BIAS = 132; // ITU-T G.711, at 16 bits
const MULAW_CLIP = 32635;
const LINEAR_OF_MULAW = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + MULAW_BIAS) << ((bits >> 4) & 7)) - MULAW_BIAS;
  return (bits & 0x80 ? -magnitude : magnitude) / 32768;
});
const MULAW_OF_INT16 = Uint8Array.from({ length: 65536 }, (_, index) => {
  const sample = (index << 16) >> 16;
  const magnitude = Math.min(sample < 0 ? ~sample : sample, MULAW_CLIP) + MULAW_BIAS; // as in ITU-T G.191
  const segment = 24 - Math.clz32(magnitude);
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f)) & 0xff;
});

/** Float32 samples (-1 to 1, clipped) to mu-law codes. */
export function encodeMulaw(samples) {
  const codes = new Uint8Array(samples.length);
  for (let i = 0; i < samples.length; i += 1) {
    const sample = Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768)));
    codes[i] = MULAW_OF_INT16[sample & 0xffff];
  }
  return codes;
}

/** Mu-law codes to Float32 samples. */
export function decodeMulaw(codes) {
  const samples = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i += 1) samples[i] = LINEAR_OF_MULAW[codes[i]];
  return samples;
}

function toBase64(bytes) {
  return btoa(String.fromCharCode.apply(null, bytes));
}

function fromBase64(text) {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

/**
 * Stateful polyphase resampler between two whole rates: a windowed sinc with one row of weights for
 * each phase, so any split of the input gives the same output. It also runs in the audio worklets.
 */
export class Resampler {
  static BLOCK = 4096;

  constructor(from, to) {
    const divisor = ((a, b) => { while (b) [a, b] = [b, a % b]; return a; })(from, to);
    this.up = to / divisor;
    this.down = from / divisor;
    const ratio = Math.min(1, to / from);
    const half = Math.ceil(24 / ratio); // zero crossings each side: 70 dB down at 1.04 times Nyquist
    this.taps = 2 * half;
    this.weights = Array.from({ length: this.up }, (_, phase) => this.weightsOf(phase / this.up, half, 0.93 * ratio));
    this.window = new Float32Array(this.taps + Resampler.BLOCK);
    this.output = new Float32Array(Math.ceil((Resampler.BLOCK * to) / from) + 1);
    this.reset();
  }

  weightsOf(fraction, half, cut) {
    const row = Float32Array.from({ length: 2 * half }, (_, tap) => {
      const distance = tap - half + 1 - fraction;
      const angle = Math.PI * cut * distance;
      const place = (Math.PI * distance) / half;
      const taper = 0.42 + 0.5 * Math.cos(place) + 0.08 * Math.cos(2 * place);
      return (angle === 0 ? 1 : Math.sin(angle) / angle) * taper;
    });
    const sum = row.reduce((total, weight) => total + weight, 0);
    return row.map((weight) => weight / sum);
  }

  reset() {
    this.window.fill(0);
    this.filled = this.taps / 2 - 1; // so the first output stands on the first input
    this.phase = 0;
  }

  /** Calls emit(samples) with what is ready; the array is only lent. */
  convert(input, emit) {
    if (this.up === this.down) return emit(input);
    for (let start = 0; start < input.length; start += Resampler.BLOCK) {
      const block = input.subarray(start, start + Resampler.BLOCK);
      this.window.set(block, this.filled);
      this.filled += block.length;
      emit(this.output.subarray(0, this.filter()));
    }
  }

  filter() {
    const { window, taps } = this;
    let [count, at] = [0, 0];
    while (at + taps <= this.filled) {
      const row = this.weights[this.phase];
      let sum = 0;
      for (let tap = 0; tap < taps; tap += 1) sum += row[tap] * window[at + tap];
      this.output[count++] = sum;
      this.phase += this.down;
      at += Math.floor(this.phase / this.up);
      this.phase %= this.up;
    }
    window.copyWithin(0, at, this.filled);
    this.filled -= at;
    return count;
  }
}

/** Runs inside the audio worklet, where only Resampler and the arguments are known. */
function defineProcessors(frameSeconds) {
  class Capture extends AudioWorkletProcessor {
    constructor({ processorOptions: { rate } }) {
      super();
      this.resampler = new Resampler(sampleRate, rate);
      this.frame = new Float32Array(Math.round(rate * frameSeconds));
      this.filled = 0;
    }

    process([[channel]]) {
      if (channel) this.resampler.convert(channel, (samples) => this.collect(samples));
      return true;
    }

    collect(samples) {
      for (const sample of samples) {
        this.frame[this.filled++] = sample;
        if (this.filled === this.frame.length) {
          const full = this.frame;
          this.frame = new Float32Array(full.length);
          this.filled = 0;
          this.port.postMessage(full, [full.buffer]);
        }
      }
    }
  }

  /**
   * A ring of audio with a jitter buffer before it. Playing starts when `target` is buffered, or
   * when the first of it has waited that long, so short sounds are played too. A stream that ran
   * dry and went on soon after was late: the target grows by what was missing. After a longer pause
   * it shrinks again. A full ring gives up its oldest audio.
   */
  class Playback extends AudioWorkletProcessor {
    constructor({ processorOptions: { rate } }) {
      super();
      this.resampler = new Resampler(rate, sampleRate);
      this.ring = new Float32Array(sampleRate * 20);
      this.leastTarget = 0.1 * sampleRate;
      this.mostTarget = 0.4 * sampleRate;
      this.target = this.leastTarget;
      this.written = 0;
      this.read = 0;
      this.isPlaying = false;
      this.waited = 0;
      this.dry = Infinity;
      this.marks = [];
      this.meter = { low: 0, high: 0, power: 0, count: 0 };
      this.port.onmessage = ({ data }) => {
        if (data.audio) this.add(data.audio);
        else if (data.clear) this.clear();
        else this.marks.push({ at: this.written, name: data.mark });
        this.tellMarks();
      };
    }

    add(audio) {
      if (!this.isPlaying && this.written === this.read) this.adapt();
      this.resampler.convert(audio, (samples) => {
        for (const sample of samples) this.ring[this.written++ % this.ring.length] = sample;
      });
      this.read = Math.max(this.read, this.written - this.ring.length);
    }

    adapt() {
      const wasLate = this.dry < 0.25 * sampleRate;
      const wanted = wasLate ? this.target + this.dry : this.target * 0.8;
      this.target = Math.max(this.leastTarget, Math.min(this.mostTarget, wanted));
      this.waited = 0;
    }

    clear() {
      this.read = this.written;
      this.resampler.reset();
      this.isPlaying = false;
      this.dry = Infinity;
    }

    tellMarks() {
      while (this.marks.length && this.marks[0].at <= this.read) {
        this.port.postMessage({ played: this.marks.shift().name });
      }
    }

    process(_, [[channel]]) {
      const buffered = this.written - this.read;
      if (!this.isPlaying && buffered) {
        this.waited += channel.length;
        this.isPlaying = Math.max(buffered, this.waited) >= this.target;
      }
      const count = this.isPlaying ? Math.min(buffered, channel.length) : 0;
      for (let i = 0; i < count; i += 1) channel[i] = this.ring[this.read++ % this.ring.length];
      if (count) this.tellMarks();
      if (this.isPlaying && count < channel.length) {
        this.isPlaying = false;
        this.dry = 0;
      }
      if (!this.isPlaying) this.dry += channel.length - count;
      this.tellLevel(channel);
      return true;
    }

    tellLevel(channel) {
      const meter = this.meter;
      for (const sample of channel) {
        if (sample < meter.low) meter.low = sample;
        if (sample > meter.high) meter.high = sample;
        meter.power += sample * sample;
      }
      meter.count += channel.length;
      if (meter.count < frameSeconds * sampleRate) return;
      const level = { rms: Math.sqrt(meter.power / meter.count), low: meter.low, high: meter.high };
      this.port.postMessage({ level, buffered: (1000 * (this.written - this.read)) / sampleRate });
      this.meter = { low: 0, high: 0, power: 0, count: 0 };
    }
  }

  registerProcessor("antiphon-capture", Capture);
  registerProcessor("antiphon-playback", Playback);
}
