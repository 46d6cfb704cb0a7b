import { Arrivals } from "./arrivals";
import { bestCut, crossfade } from "./splice";

const CAPACITY = 20; // seconds; older sound gives way to newer
const MAX_MARKS = 1000; // older ones are answered early
const LEAST_TARGET = 0.04; // seconds: two frames
const MOST_TARGET = 0.5;
const MARGIN = 0.02; // over the worst lateness
const PAUSE = 0.25; // nothing for so long is a pause; for less, a gap
const FADE = 0.005;
const WATCH = 2; // too much must have waited all this time, before some is left out
const SURPLUS = 0.04; // a delay that is let be
const CUT_INTERVAL = 0.1; // one period of the waveform each: 12 % faster at most

/** What an interruption found, in samples. */
export interface Cut {
  heard: number;
  dropped: number;
}

/**
 * A jitter buffer: sound goes in as it comes and out in time, with marks in it. All in samples of
 * one rate; positions count the samples of everything written.
 *
 * Playing starts when `target` is buffered, or when the first of it has waited that long, so short
 * sounds are played too. The target follows the worst lateness of what came. Where sound runs out
 * it fades away, and in again. What is played later than the target asks for, though enough waits,
 * is made up for by leaving out a period of the waveform now and then.
 */
export class PlayoutBuffer {
  readonly #rate: number;
  readonly #ring: Float32Array;
  readonly #fade: number;
  readonly #played: (name: string) => void;
  readonly #arrivals = new Arrivals();
  readonly #marks: { at: number; name: string }[] = [];
  #written = 0;
  #read = 0;
  #streamStart = 0;
  #replyStart = 0;
  #isPlaying = false;
  #wait = 0; // how much playing waits for
  #waited = 0;
  #dry = Infinity; // samples since the last was played
  #tail = 0; // the position behind the last that was played
  #faded = Infinity; // samples of the fade after it
  #risen = Infinity; // samples of the fade before what goes on
  #lag = 0;
  #least = Infinity; // buffered, in this watch
  #watched = 0;
  #excess = 0; // still to be left out
  #sinceCut = 0;

  /** How much playing waits for. */
  target: number;
  /** How many times sound ran out and went on soon after. */
  underruns = 0;
  /** How much was left out to catch up. */
  skipped = 0;

  /** `played` is called once for each mark: when it is reached, or its sound is dropped. */
  constructor(rate: number, played: (name: string) => void) {
    this.#rate = rate;
    this.#ring = new Float32Array(rate * CAPACITY);
    this.#fade = Math.round(FADE * rate);
    this.#played = played;
    this.target = this.#wanted();
  }

  get buffered(): number {
    return this.#written - this.#read;
  }

  get jitter(): number {
    return this.#arrivals.jitter * this.#rate;
  }

  /** Something that will be written came at this time: seconds of a clock that never stops. */
  arrive(at: number): void {
    if (!this.#isPlaying && this.buffered === 0) this.#goOn(at);
    this.#arrivals.add(at, (this.#written - this.#streamStart) / this.#rate);
    this.#lag = this.#lagAt(at);
    this.target = this.#wanted();
  }

  write(samples: Float32Array): void {
    for (const sample of samples) this.#ring[this.#written++ % this.#ring.length] = sample;
    if (this.buffered > this.#ring.length) this.#read = this.#written - this.#ring.length;
    this.#tellMarks();
  }

  /** To be told when all that was written before has been played. */
  mark(name: string): void {
    this.#marks.push({ at: this.#written, name });
    if (this.#marks.length > MAX_MARKS) this.#played(this.#marks.shift()!.name);
    this.#tellMarks();
  }

  /** A reply begins with what is written next. */
  beginReply(): void {
    this.#replyStart = this.#written;
    if (this.buffered === 0) this.#dry = Infinity;
  }

  /** Drop what was not played. */
  clear(): Cut {
    const cut = { heard: Math.max(0, this.#read - this.#replyStart), dropped: this.buffered };
    if (this.#isPlaying) this.#stop();
    this.#read = this.#replyStart = this.#written;
    this.#dry = Infinity;
    this.#tellMarks();
    return cut;
  }

  /** Fill `out` with what is due. */
  read(out: Float32Array): void {
    if (!this.#isPlaying) this.#tryToStart(out.length);
    if (this.#isPlaying) this.#catchUp(out.length);
    const count = this.#isPlaying ? Math.min(this.buffered, out.length) : 0;
    for (let i = 0; i < count; i += 1) {
      const gain = this.#risen < this.#fade ? this.#risen++ / this.#fade : 1;
      out[i] = gain * this.#at(this.#read++);
    }
    if (count) this.#tellMarks();
    if (this.#isPlaying && count < out.length) this.#stop();
    for (let i = count; i < out.length; i += 1) out[i] = this.#nextOfFade();
    if (!this.#isPlaying) this.#dry += out.length - count;
  }

  #at(position: number): number {
    return this.#ring[position % this.#ring.length]!;
  }

  #wanted(): number {
    return this.#rate * Math.max(LEAST_TARGET, Math.min(MOST_TARGET, this.#arrivals.worst + MARGIN));
  }

  #lagAt(at: number): number {
    return this.#rate * this.#arrivals.lag(at, (this.#read - this.#streamStart) / this.#rate);
  }

  /** Sound comes after there was none: late, or as a stream of its own. */
  #goOn(at: number): void {
    if (this.#dry < PAUSE * this.#rate) {
      this.underruns += 1;
      this.#risen = 0;
    } else {
      this.#arrivals.begin(at);
      this.#streamStart = this.#written;
      this.#risen = Infinity;
    }
    this.#wait = Math.max(this.target - this.#lagAt(at), LEAST_TARGET * this.#rate);
    this.#waited = 0;
    this.#watch();
  }

  #tryToStart(passed: number): void {
    if (this.buffered === 0) return;
    this.#waited += passed;
    this.#isPlaying = Math.max(this.buffered, this.#waited) >= this.#wait;
  }

  /** The sound goes on for a moment, mirrored and ever softer: a step to silence would click. */
  #stop(): void {
    this.#isPlaying = false;
    this.#tail = this.#read;
    this.#faded = 0;
    this.#dry = 0;
  }

  #nextOfFade(): number {
    if (this.#faded >= this.#fade || this.#faded >= this.#tail) return 0;
    this.#faded += 1;
    return (1 - this.#faded / this.#fade) * this.#at(this.#tail - this.#faded);
  }

  #tellMarks(): void {
    while (this.#marks.length && this.#marks[0]!.at <= this.#read) this.#played(this.#marks.shift()!.name);
  }

  #watch(): void {
    this.#least = Infinity;
    this.#watched = 0;
    this.#excess = 0;
  }

  #catchUp(passed: number): void {
    this.#least = Math.min(this.#least, this.buffered);
    this.#watched += passed;
    this.#sinceCut += passed;
    if (this.#excess > 0 && this.#sinceCut >= CUT_INTERVAL * this.#rate) this.#leaveOut();
    if (this.#watched < WATCH * this.#rate) return;
    const excess = Math.min(this.#least, this.#lag) - this.target;
    this.#watch();
    if (excess > SURPLUS * this.#rate) this.#excess = excess;
  }

  #leaveOut(): void {
    const next = Float32Array.from({ length: Math.min(this.buffered, this.#rate / 50) }, (_, i) => this.#at(this.#read + i));
    const length = bestCut(next, this.#rate);
    if (length === 0) return;
    crossfade(next, length).forEach((sample, i) => {
      this.#ring[(this.#read + length + i) % this.#ring.length] = sample;
    });
    this.#read += length;
    this.skipped += length;
    this.#excess -= length;
    this.#lag -= length;
    this.#sinceCut = 0;
  }
}
