const BLOCK = 4096;

/**
 * Stateful polyphase resampler between two whole rates: a windowed sinc with one row of weights for
 * each phase, so any split of the input gives the same output. It also runs in the audio worklets.
 */
export class Resampler {
  readonly #up: number;
  readonly #down: number;
  readonly #taps: number;
  readonly #weights: Float32Array[];
  readonly #window: Float32Array;
  readonly #output: Float32Array;
  #filled = 0;
  #phase = 0;

  constructor(from: number, to: number) {
    const divisor = greatestDivisor(from, to);
    this.#up = to / divisor;
    this.#down = from / divisor;
    const ratio = Math.min(1, to / from);
    const half = Math.ceil(24 / ratio); // zero crossings each side: 70 dB down at 1.04 times Nyquist
    this.#taps = 2 * half;
    this.#weights = Array.from({ length: this.#up }, (_, phase) => weightsOf(phase / this.#up, half, 0.93 * ratio));
    this.#window = new Float32Array(this.#taps + BLOCK);
    this.#output = new Float32Array(Math.ceil((BLOCK * to) / from) + 1);
    this.reset();
  }

  reset(): void {
    this.#window.fill(0);
    this.#filled = this.#taps / 2 - 1; // so the first output stands on the first input
    this.#phase = 0;
  }

  /** Calls emit(samples) with what is ready; the array is only lent. */
  convert(input: Float32Array, emit: (samples: Float32Array) => void): void {
    if (this.#up === this.#down) return emit(input);
    for (let start = 0; start < input.length; start += BLOCK) {
      const block = input.subarray(start, start + BLOCK);
      this.#window.set(block, this.#filled);
      this.#filled += block.length;
      emit(this.#output.subarray(0, this.#filter()));
    }
  }

  #filter(): number {
    const [window, taps] = [this.#window, this.#taps];
    let [count, at] = [0, 0];
    while (at + taps <= this.#filled) {
      const row = this.#weights[this.#phase]!;
      let sum = 0;
      for (let tap = 0; tap < taps; tap += 1) sum += row[tap]! * window[at + tap]!;
      this.#output[count++] = sum;
      this.#phase += this.#down;
      at += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    window.copyWithin(0, at, this.#filled);
    this.#filled -= at;
    return count;
  }
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

function weightsOf(fraction: number, half: number, cut: number): Float32Array {
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
