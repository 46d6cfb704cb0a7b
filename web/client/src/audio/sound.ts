// The sound of a page: what it captures and what it plays, through worklets.

import { Ending } from "../endings";
import type { Close, FromPlayback, Playing, ToPlayback, WorkletOptions } from "./worklet-messages";
import { workletAddress } from "./worklet-source";

/** Browsers that let a page choose where it plays have this; TypeScript's libraries lag behind. */
interface HasSink {
  setSinkId?(id: string): Promise<void>;
}

/** What a Player tells. */
export interface Listener {
  /** Every 20 ms. */
  playing(figures: Playing): void;
  /** Once for each mark. */
  played(name: string): void;
  /** After each `clear`, in milliseconds. */
  cleared(heard: number, dropped: number): void;
}

const GESTURES = ["pointerup", "keydown"];

/** One AudioContext, with the worklets. It sounds as soon as the browser lets it: some wait for a gesture on the page. */
export class Sound {
  readonly context = new AudioContext({ latencyHint: "interactive" });
  #element: HTMLAudioElement | null = null;
  readonly #begin = (): void => {
    this.context.resume().catch(() => {}); // refused only when already closed
    this.#element?.play().catch(() => {}); // as long as there is no gesture, or no stream
  };

  /** Load the worklets; does nothing more when it is closed before they are there. */
  async open(): Promise<void> {
    this.#begin();
    for (const gesture of GESTURES) addEventListener(gesture, this.#begin);
    const address = workletAddress();
    try {
      await this.context.audioWorklet.addModule(address);
    } catch (error) {
      if (!this.#isClosed) throw error;
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  /** Calls onFrame with every 20 ms that the track carries, at this rate. */
  capture(track: MediaStreamTrack, rate: number, onFrame: (frame: Float32Array) => void): Capture {
    return new Capture(this.context, track, rate, onFrame);
  }

  player(rate: number, listener: Listener): Player {
    return new Player(this.context, rate, listener);
  }

  async playOn(speaker: string): Promise<void> {
    await chooseSink(this.context as AudioContext & HasSink, speaker);
  }

  /** Play this element, which has a stream of its own. */
  play(element: HTMLAudioElement): void {
    this.#element = element;
    this.#begin();
  }

  close(): void {
    for (const gesture of GESTURES) removeEventListener(gesture, this.#begin);
    if (!this.#isClosed) this.context.close();
  }

  /** Whether the browser does not let it sound yet. */
  get isHeld(): boolean {
    return this.context.state === "suspended";
  }

  get #isClosed(): boolean {
    return this.context.state === "closed";
  }
}

/** Throws an Ending where that cannot be. */
export async function chooseSink(target: HasSink, speaker: string): Promise<void> {
  if (!target.setSinkId) throw new Ending("unsupported", "This browser does not let pages choose the speaker.");
  await target.setSinkId(speaker).catch((error: Error) => {
    throw new Ending("devices", `The chosen speaker cannot be used: ${error.message}`);
  });
}

export class Capture {
  readonly #context: AudioContext;
  readonly #node: AudioWorkletNode;
  #source: MediaStreamAudioSourceNode | null = null;

  constructor(context: AudioContext, track: MediaStreamTrack, rate: number, onFrame: (frame: Float32Array) => void) {
    this.#context = context;
    const processorOptions: WorkletOptions = { rate };
    this.#node = new AudioWorkletNode(context, "antiphon-capture", {
      channelCount: 1,
      channelCountMode: "explicit",
      processorOptions,
    });
    this.#node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => onFrame(data);
    this.use(track);
    this.#node.connect(context.destination); // it writes silence; without a way out some browsers do not run it
  }

  /** Go on with another track. */
  use(track: MediaStreamTrack): void {
    this.#source?.disconnect();
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#node);
  }

  close(): void {
    this.#source?.disconnect();
    release(this.#node);
  }
}

/** Plays through the jitter buffer of its worklet. */
export class Player {
  readonly #node: AudioWorkletNode;

  constructor(context: AudioContext, readonly rate: number, listener: Listener) {
    const processorOptions: WorkletOptions = { rate };
    this.#node = new AudioWorkletNode(context, "antiphon-playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions,
    });
    this.#node.port.onmessage = ({ data }: MessageEvent<FromPlayback>) => {
      if ("level" in data) listener.playing(data);
      else if ("played" in data) listener.played(data.played);
      else listener.cleared(data.heard, data.dropped);
    };
    this.#node.connect(context.destination);
  }

  play(audio: Float32Array): void {
    this.#tell({ audio, at: performance.now() / 1000 });
  }

  mark(name: string): void {
    this.#tell({ mark: name });
  }

  clear(): void {
    this.#tell({ clear: true });
  }

  /** What is played next is another reply. */
  beginReply(): void {
    this.#tell({ reply: true });
  }

  close(): void {
    release(this.#node);
  }

  #tell(message: ToPlayback): void {
    this.#node.port.postMessage(message);
  }
}

/** Without being told, a processor would live as long as its context. */
function release(node: AudioWorkletNode): void {
  const close: Close = { close: true };
  node.port.onmessage = null;
  node.port.postMessage(close);
  node.disconnect();
}
