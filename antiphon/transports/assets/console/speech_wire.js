// The wire of the speech endpoints: parameters as text, sound as 16-bit samples in binary messages,
// one answer to each, in order.

const BATCH_SECONDS = 0.06; // two frames of the detector: 17 messages a second
const MAX_UNSENT_BYTES = 200000; // 4 s at 24 kHz; more will not be caught up with

/** Collects captured frames into messages. */
export class Batches {
  constructor(emit) {
    this.emit = emit;
    this.parts = [];
    this.length = 0;
  }

  add(samples, rate) {
    this.parts.push(samples);
    this.length += samples.length;
    if (this.length < BATCH_SECONDS * rate - 1) return;
    this.emit(toInt16(this.parts, this.length));
    this.parts = [];
    this.length = 0;
  }
}

export function toInt16(parts, length) {
  const whole = new Int16Array(length);
  let at = 0;
  for (const part of parts) {
    for (const sample of part) whole[at++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
  }
  return whole;
}

/** One connection. `onAnswer(text, at)` comes for each message of sound, `onProblem(text)` at most once. */
export class SpeechWire {
  #socket;
  #parameters;
  #onAnswer;
  #onProblem;
  #ends = [];
  #agreed = 0;
  #wasOpen = false;

  constructor(path, parameters, onAnswer, onProblem) {
    const url = new URL(path, document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#parameters = parameters.map(String);
    this.#onAnswer = onAnswer;
    this.#onProblem = onProblem;
    const socket = (this.#socket = new WebSocket(url));
    socket.onopen = () => {
      this.#wasOpen = true;
      this.#parameters.forEach((parameter) => socket.send(parameter));
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#problem(closed(url.pathname, code, reason, this.#wasOpen));
  }

  /** Send sound that ends at this second; what comes before the connection stands is passed over. */
  send(samples, end) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_UNSENT_BYTES) {
      return this.#problem("The network does not keep up with the sound for the speech trace: it was stopped.");
    }
    this.#ends.push(end);
    this.#socket.send(samples);
  }

  close() {
    this.#onProblem = () => {};
    this.#onAnswer = () => {};
    this.#socket.close(1000);
  }

  #receive(text) {
    if (this.#agreed < this.#parameters.length) {
      if (text !== "200") return this.#problem(`The server refused the parameter ${brief(this.#parameters[this.#agreed])}.`);
      this.#agreed += 1;
      return;
    }
    const end = this.#ends.shift();
    if (text !== "500") this.#onAnswer(text, end);
  }

  #problem(text) {
    const tell = this.#onProblem;
    this.close();
    tell(text);
  }
}

function brief(parameter) {
  return parameter.length > 20 ? `${parameter.slice(0, 20)}…` : parameter;
}

function closed(path, code, reason, wasOpen) {
  if (reason) return `The server closed ${path}: ${reason}.`;
  if (code !== 1006) return `The server closed ${path} with code ${code}.`;
  if (wasOpen) return `The connection to ${path} broke.`;
  return `${path} cannot be reached: each endpoint takes one of the server's places for calls, and all may be taken.`;
}
