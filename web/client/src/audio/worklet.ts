// The processors, bundled by themselves: they run in the audio worklet, far from the page.

import { Meter } from "./level";
import { PlayoutBuffer } from "./playout";
import { Resampler } from "./resampler";
import { type Close, FRAME_SECONDS, type FromPlayback, type ToPlayback, type WorkletOptions } from "./worklet-messages";

/** Posts what it hears as frames. */
class Capture extends AudioWorkletProcessor {
  readonly #resampler: Resampler;
  #frame: Float32Array;
  #filled = 0;
  #isOpen = true;

  constructor({ processorOptions: { rate } }: { processorOptions: WorkletOptions }) {
    super();
    this.#resampler = new Resampler(sampleRate, rate);
    this.#frame = new Float32Array(Math.round(rate * FRAME_SECONDS));
    this.port.onmessage = (_: MessageEvent<Close>) => (this.#isOpen = false);
  }

  process([input]: Float32Array[][]): boolean {
    if (input?.[0]) this.#resampler.convert(input[0], (samples) => this.#collect(samples));
    return this.#isOpen;
  }

  #collect(samples: Float32Array): void {
    for (const sample of samples) {
      this.#frame[this.#filled++] = sample;
      if (this.#filled === this.#frame.length) {
        const full = this.#frame;
        this.#frame = new Float32Array(full.length);
        this.#filled = 0;
        this.port.postMessage(full, [full.buffer]);
      }
    }
  }
}

/** Plays what is posted, through a jitter buffer. */
class Playback extends AudioWorkletProcessor {
  readonly #resampler: Resampler;
  readonly #buffer = new PlayoutBuffer(sampleRate, (name) => this.#tell({ played: name }));
  readonly #meter = new Meter();
  #isOpen = true;

  constructor({ processorOptions: { rate } }: { processorOptions: WorkletOptions }) {
    super();
    this.#resampler = new Resampler(rate, sampleRate);
    this.port.onmessage = ({ data }: MessageEvent<ToPlayback>) => this.#receive(data);
  }

  process(_inputs: Float32Array[][], [output]: Float32Array[][]): boolean {
    const channel = output![0]!;
    this.#buffer.read(channel);
    this.#meter.add(channel);
    if (this.#meter.count >= FRAME_SECONDS * sampleRate) this.#report();
    return this.#isOpen;
  }

  #receive(message: ToPlayback): void {
    if ("audio" in message) {
      this.#buffer.arrive(message.at);
      this.#resampler.convert(message.audio, (samples) => this.#buffer.write(samples));
    } else if ("mark" in message) {
      this.#buffer.mark(message.mark);
    } else if ("reply" in message) {
      this.#buffer.beginReply();
    } else if ("close" in message) {
      this.#isOpen = false;
    } else {
      const { heard, dropped } = this.#buffer.clear();
      this.#resampler.reset();
      this.#tell({ heard: milliseconds(heard), dropped: milliseconds(dropped) });
    }
  }

  #report(): void {
    const { buffered, target, jitter, underruns, skipped } = this.#buffer;
    this.#tell({
      level: this.#meter.take(),
      buffered: milliseconds(buffered),
      target: milliseconds(target),
      jitter: milliseconds(jitter),
      underruns,
      skipped: milliseconds(skipped),
    });
  }

  #tell(message: FromPlayback): void {
    this.port.postMessage(message);
  }
}

function milliseconds(samples: number): number {
  return (1000 * samples) / sampleRate;
}

registerProcessor("antiphon-capture", Capture);
registerProcessor("antiphon-playback", Playback);
