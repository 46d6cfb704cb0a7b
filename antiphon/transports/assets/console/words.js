// What to do when a call did not go as wanted. What went wrong the client says itself.

/** A piece of advice for an ending, or "". */
export function advice({ cause, code, meta }) {
  if (meta?.error === "concurrency_limit_reached") return wait(meta.retryAfter);
  return ADVICE[cause === "lost" && code === 1012 ? "restart" : cause] ?? "";
}

function wait(retryAfter) {
  const when = retryAfter > 1 ? `${retryAfter} seconds` : "a second";
  return `A place is free as soon as another call ends: start again in ${when} or later.`;
}

const ADVICE = {
  lost: "Look at the server's terminal: is it still running? Start again when it is.",
  restart: "Start again in a moment: servers that are restarted shut down first.",
  unreachable: "Look whether the server runs and can be reached from here; its terminal and the browser's console say more.",
};
