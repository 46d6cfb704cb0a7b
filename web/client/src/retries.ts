import type { Ending } from "./endings";
import type { Reconnect, Retry } from "./options";

const SETTLED_MS = 10_000; // open for so long, a call may be tried as often as at first
const PASSING = ["shutting_down", "concurrency_limit_reached", "connection_already_exists"];

/** When to call again after a loss: ever later, and not for ever. */
export class Retries {
  readonly #attempts: number;
  readonly #first: number;
  readonly #most: number;
  #made = 0;
  #openedAt: number | null = null;

  constructor(wish: boolean | Reconnect) {
    const { attempts = 8, firstDelay = 500, maxDelay = 10_000 } = typeof wish === "boolean" ? {} : wish;
    this.#attempts = wish === false ? 0 : attempts;
    this.#first = firstDelay;
    this.#most = maxDelay;
  }

  /** The call is open, at this time in milliseconds. */
  opened(now: number): void {
    this.#openedAt = now;
  }

  /**
   * The next attempt, or null: for calls that never were open, for ends that calling again would
   * not mend, and when all attempts are used up. `luck`, 0 to 1, spreads the calls of many pages.
   */
  next(because: Ending, now: number, luck: number): Retry | null {
    if (this.#openedAt === null || !isPassing(because)) return null;
    if (now - this.#openedAt >= SETTLED_MS) this.#made = 0;
    this.#openedAt = Infinity;
    if (this.#made >= this.#attempts) return null;
    const longest = Math.min(this.#most, this.#first * 2 ** this.#made);
    this.#made += 1;
    return { attempt: this.#made, attempts: this.#attempts, delay: longest * (0.5 + luck / 2), because };
  }
}

/** What a server that starts again, or a network that comes back, will not say twice. */
function isPassing({ cause, meta }: Ending): boolean {
  if (cause === "refused") return PASSING.includes(meta?.error ?? "");
  return cause === "lost" || cause === "unreachable";
}
