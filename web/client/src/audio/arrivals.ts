const HALF_LIFE = 10; // seconds until half of the worst lateness is forgotten
const FIRST_GUESS = 0.08; // seconds, before anything is known of a network
const SMOOTHING = 1 / 16; // RFC 3550 section 6.4.1
const WINDOW = 5; // seconds in which something comes with hardly a delay
const MOST_DRIFT = 0.001; // clocks of sound differ by less; a sender that runs ahead, by more

/**
 * How late the sound of a stream comes. A sender that runs ahead makes nothing late: `worst` is
 * against the first arrival, which playing started from, and which moves along where the sender's
 * clock is a little faster or slower than ours. All in seconds.
 */
export class Arrivals {
  #first = 0;
  #last: number | null = null;
  #earliest = Infinity;
  #behind = 0;
  #windowStart = 0;
  #soonest = Infinity; // in this window
  #before: number | null = null; // in the window before

  /** The mean change from frame to frame of how far each is behind the earliest before it. */
  jitter = 0;
  /** How long playing had to wait at the start, for nothing to come too late; slowly forgotten. */
  worst = FIRST_GUESS;

  /** A stream begins with what arrives at this time. */
  begin(at: number): void {
    this.#first = at;
    this.#earliest = Infinity;
    this.#windowStart = at;
    this.#soonest = Infinity;
    this.#before = null;
  }

  /** Something came, with `before` seconds of the stream ahead of it. */
  add(at: number, before: number): void {
    const transit = at - before;
    this.#followClock(at, transit);
    const isFirst = this.#earliest === Infinity;
    this.#earliest = Math.min(this.#earliest, transit);
    const behind = transit - this.#earliest;
    if (!isFirst) this.jitter += (Math.abs(behind - this.#behind) - this.jitter) * SMOOTHING;
    this.#behind = behind;
    const passed = Math.max(0, at - (this.#last ?? at));
    this.#last = at;
    this.worst = Math.max(transit - this.#first, this.worst * 0.5 ** (passed / HALF_LIFE));
  }

  #followClock(at: number, transit: number): void {
    this.#soonest = Math.min(this.#soonest, transit);
    if (at - this.#windowStart < WINDOW) return;
    const drift = this.#soonest - (this.#before ?? this.#soonest);
    if (Math.abs(drift) <= MOST_DRIFT * WINDOW) this.#first += drift;
    this.#before = this.#soonest;
    this.#soonest = Infinity;
    this.#windowStart = at;
  }

  /** How much later the stream is played than from its first arrival without a gap. */
  lag(at: number, played: number): number {
    return at - this.#first - played;
  }
}
