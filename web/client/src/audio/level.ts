export interface Loudness {
  rms: number;
  peak: number;
  low: number;
  high: number;
}

/** Adds up samples until they are measured. */
export class Meter {
  #low = 0;
  #high = 0;
  #power = 0;
  count = 0;

  add(samples: Float32Array): void {
    for (const sample of samples) {
      if (sample < this.#low) this.#low = sample;
      if (sample > this.#high) this.#high = sample;
      this.#power += sample * sample;
    }
    this.count += samples.length;
  }

  /** Of all since the last time. */
  take(): Loudness {
    const [low, high] = [this.#low, this.#high];
    const rms = Math.sqrt(this.#power / Math.max(1, this.count));
    this.#low = this.#high = this.#power = this.count = 0;
    return { rms, peak: Math.max(-low, high), low, high };
  }
}

export function measure(samples: Float32Array): Loudness {
  const meter = new Meter();
  meter.add(samples);
  return meter.take();
}
