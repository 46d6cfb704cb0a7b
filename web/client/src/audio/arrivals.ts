const HALF_LIFE = 10; // seconds until half of the worst lateness is forgotten
const FIRST_GUESS = 0.08; // seconds, before anything is known of a network
const SMOOTHING = 1 / 16; // RFC 3550 section 6.4.1

/**
 * How late the sound of a stream comes. A sender that runs ahead makes nothing late: `worst` is
 * against the first arrival, which playing started from. All in seconds.
 */
export class Arrivals {
  #first = 0;
  #last: number | null = null;
  #earliest = Infinity;
  #behind = 0;

  /** The mean change from frame to frame of how far each is behind the earliest before it. */
  jitter = 0;
  /** How long playing had to wait at the start, for nothing to come too late; slowly forgotten. */
  worst = FIRST_GUESS;

  /** A stream begins with what arrives at this time. */
  begin(at: number): void {
    this.#first = at;
    this.#earliest = Infinity;
  }

  /** Something came, with `before` seconds of the stream ahead of it. */
  add(at: number, before: number): void {
    const transit = at - before;
    const isFirst = this.#earliest === Infinity;
    this.#earliest = Math.min(this.#earliest, transit);
    const behind = transit - this.#earliest;
    if (!isFirst) this.jitter += (Math.abs(behind - this.#behind) - this.jitter) * SMOOTHING;
    this.#behind = behind;
    const passed = Math.max(0, at - (this.#last ?? at));
    this.#last = at;
    this.worst = Math.max(transit - this.#first, this.worst * 0.5 ** (passed / HALF_LIFE));
  }

  /** How much later the stream is played than from its first arrival without a gap. */
  lag(at: number, played: number): number {
    return at - this.#first - played;
  }
}
