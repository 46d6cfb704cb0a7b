// The browser client of antiphon. Built from web/client by `make web`: change it there.
// src/audio/mulaw.ts
var BIAS = 132;
var CLIP = 32635;
var LINEAR = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 255;
  const magnitude = (((bits & 15) << 3) + BIAS << (bits >> 4 & 7)) - BIAS;
  return (bits & 128 ? -magnitude : magnitude) / 32768;
});
var CODES = Uint8Array.from({ length: 65536 }, (_, index) => {
  const sample = index << 16 >> 16;
  const magnitude = Math.min(sample < 0 ? ~sample : sample, CLIP) + BIAS;
  const segment = 24 - Math.clz32(magnitude);
  return ~((sample < 0 ? 128 : 0) | segment << 4 | magnitude >> segment + 3 & 15) & 255;
});
function encodeMulaw(samples) {
  return Uint8Array.from(samples, (sample) => {
    const linear = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
    return CODES[linear & 65535];
  });
}
function decodeMulaw(codes) {
  return Float32Array.from(codes, (code) => LINEAR[code]);
}

// src/audio/resampler.ts
var BLOCK = 4096;
var Resampler = class {
  #up;
  #down;
  #taps;
  #weights;
  #window;
  #output;
  #filled = 0;
  #phase = 0;
  constructor(from, to) {
    const divisor = greatestDivisor(from, to);
    this.#up = to / divisor;
    this.#down = from / divisor;
    const ratio = Math.min(1, to / from);
    const half = Math.ceil(24 / ratio);
    this.#taps = 2 * half;
    this.#weights = Array.from({ length: this.#up }, (_, phase) => weightsOf(phase / this.#up, half, 0.93 * ratio));
    this.#window = new Float32Array(this.#taps + BLOCK);
    this.#output = new Float32Array(Math.ceil(BLOCK * to / from) + 1);
    this.reset();
  }
  reset() {
    this.#window.fill(0);
    this.#filled = this.#taps / 2 - 1;
    this.#phase = 0;
  }
  /** Calls emit(samples) with what is ready; the array is only lent. */
  convert(input, emit) {
    if (this.#up === this.#down) return emit(input);
    for (let start = 0; start < input.length; start += BLOCK) {
      const block = input.subarray(start, start + BLOCK);
      this.#window.set(block, this.#filled);
      this.#filled += block.length;
      emit(this.#output.subarray(0, this.#filter()));
    }
  }
  #filter() {
    const [window, taps] = [this.#window, this.#taps];
    let [count, at] = [0, 0];
    while (at + taps <= this.#filled) {
      const row = this.#weights[this.#phase];
      let sum2 = 0;
      for (let tap = 0; tap < taps; tap += 1) sum2 += row[tap] * window[at + tap];
      this.#output[count++] = sum2;
      this.#phase += this.#down;
      at += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    window.copyWithin(0, at, this.#filled);
    this.#filled -= at;
    return count;
  }
};
function greatestDivisor(a, b) {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
function weightsOf(fraction, half, cut) {
  const row = Float32Array.from({ length: 2 * half }, (_, tap) => {
    const distance = tap - half + 1 - fraction;
    const angle = Math.PI * cut * distance;
    const place = Math.PI * distance / half;
    const taper = 0.42 + 0.5 * Math.cos(place) + 0.08 * Math.cos(2 * place);
    return (angle === 0 ? 1 : Math.sin(angle) / angle) * taper;
  });
  const sum2 = row.reduce((total, weight) => total + weight, 0);
  return row.map((weight) => weight / sum2);
}

// src/audio/base64.ts
function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}
function fromBase64(text) {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

// src/audio/level.ts
var Meter = class {
  #low = 0;
  #high = 0;
  #power = 0;
  count = 0;
  add(samples) {
    for (const sample of samples) {
      if (sample < this.#low) this.#low = sample;
      if (sample > this.#high) this.#high = sample;
      this.#power += sample * sample;
    }
    this.count += samples.length;
  }
  /** Of all since the last time. */
  take() {
    const [low, high] = [this.#low, this.#high];
    const rms = Math.sqrt(this.#power / Math.max(1, this.count));
    this.#low = this.#high = this.#power = this.count = 0;
    return { rms, peak: Math.max(-low, high), low, high };
  }
};
function measure(samples) {
  const meter = new Meter();
  meter.add(samples);
  return meter.take();
}

// src/endings.ts
var Ending = class extends Error {
  cause;
  /** The same sentence as `message`. */
  text;
  /** The close code of the WebSocket, or of the event stream's end. */
  code;
  /** The refusal of the server. */
  meta;
  constructor(cause, text, { code = null, meta = null } = {}) {
    super(text);
    this.cause = cause;
    this.text = text;
    this.code = code;
    this.meta = meta;
  }
  /** Whether it ended otherwise than one of both sides wished. */
  get isProblem() {
    return this.cause !== "stopped" && this.cause !== "ended";
  }
};
function lastWord(message, before) {
  if (message.status === "failed") return refusal(message.meta ?? {});
  if (message.type === "end_stream") return new Ending("ended", endedText(message.data));
  if (message.type === "error") {
    const said = message.data ?? message.message;
    return new Ending("protocol", `The server ended the call after an error: ${said}`);
  }
  return before?.cause === "protocol" ? null : before;
}
function endedText(reason) {
  return reason ? `The server ended the call: ${reason}` : "The server ended the call.";
}
function explain(code, reason, word) {
  if (word?.cause === "refused") return word;
  if (code === 1001 || code === 1012) return new Ending("lost", "The server is gone: it is shutting down.", { code });
  if (word) return word;
  switch (code) {
    case 1e3:
      return new Ending("ended", endedText(reason), { code });
    case 1006:
      return new Ending("lost", "The server is gone: the connection broke.", { code });
    case 1013:
      return new Ending("refused", "The server takes no more calls now. Try again later.", { code });
    default:
      return new Ending("protocol", `The server closed the call with code ${code}${reason ? `: ${reason}` : "."}`, { code });
  }
}
function refusal(meta) {
  const detail = meta.detail ? ` (${meta.detail})` : "";
  const texts = {
    concurrency_limit_reached: `The server is full: its limit of ${meta.limit} call${meta.limit === 1 ? "" : "s"} is reached. Try again later.`,
    shutting_down: "The server is shutting down.",
    connection_already_exists: "A call with this id exists already.",
    connection_closed: "The server has closed this call.",
    unknown_connection: "The server does not know this call any more.",
    unsupported_modality: "The server does not serve this kind of call.",
    not_found: "No calls are served at this address. The option `url` is the base of the server's routes.",
    unauthorized: "The server did not let this page in: it is not authorised.",
    forbidden_origin: `The server takes no calls from pages of ${location.origin}.`
  };
  const text = texts[meta.error ?? ""] ?? `The server refused: ${meta.error ?? "no reason given"}.`;
  return new Ending("refused", text + detail, { meta });
}
var STATUS_ERRORS = {
  401: "unauthorized",
  403: "forbidden_origin",
  404: "not_found",
  410: "connection_closed"
};
var GATEWAY_STATUSES = [502, 503, 504];
async function refusalOf(response) {
  const body = await response.json().catch(() => null);
  const retryAfter = Number(response.headers.get("Retry-After"));
  if (body?.meta) return refusal({ ...body.meta, ...retryAfter ? { retryAfter } : {} });
  if (GATEWAY_STATUSES.includes(response.status)) return unreachable(new URL(response.url));
  return refusal({ error: STATUS_ERRORS[response.status] ?? `HTTP status ${response.status}` });
}
async function answerOf(response) {
  if (!response.ok) throw await refusalOf(response);
  return response.json().catch(() => {
    throw new Ending("protocol", `What answers at ${response.url} serves no calls. The option \`url\` is the base of the server's routes.`);
  });
}
async function ask(url, request) {
  try {
    return await fetch(url, request);
  } catch {
    throw unreachable(url);
  }
}
function unreachable(url) {
  return new Ending("unreachable", `The server does not answer at ${url.host}. Is it running, and does it allow this page?`);
}
function broken() {
  return new Ending("lost", "The server is gone: the connection broke.");
}
function stopped() {
  return new Ending("stopped", "The call was stopped.");
}
function asEnding(error) {
  if (error instanceof Ending) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new Ending("unsupported", `The call could not be made: ${text}`);
}

// src/audio/worklet-source.ts
function workletAddress() {
  return URL.createObjectURL(new Blob([`
// src/audio/level.ts
var Meter = class {
  #low = 0;
  #high = 0;
  #power = 0;
  count = 0;
  add(samples) {
    for (const sample of samples) {
      if (sample < this.#low) this.#low = sample;
      if (sample > this.#high) this.#high = sample;
      this.#power += sample * sample;
    }
    this.count += samples.length;
  }
  /** Of all since the last time. */
  take() {
    const [low, high] = [this.#low, this.#high];
    const rms = Math.sqrt(this.#power / Math.max(1, this.count));
    this.#low = this.#high = this.#power = this.count = 0;
    return { rms, peak: Math.max(-low, high), low, high };
  }
};

// src/audio/arrivals.ts
var HALF_LIFE = 10;
var FIRST_GUESS = 0.08;
var SMOOTHING = 1 / 16;
var WINDOW = 5;
var MOST_DRIFT = 1e-3;
var Arrivals = class {
  #first = 0;
  #last = null;
  #earliest = Infinity;
  #behind = 0;
  #windowStart = 0;
  #soonest = Infinity;
  // in this window
  #before = null;
  // in the window before
  /** The mean change from frame to frame of how far each is behind the earliest before it. */
  jitter = 0;
  /** How long playing had to wait at the start, for nothing to come too late; slowly forgotten. */
  worst = FIRST_GUESS;
  /** A stream begins with what arrives at this time. */
  begin(at) {
    this.#first = at;
    this.#earliest = Infinity;
    this.#windowStart = at;
    this.#soonest = Infinity;
    this.#before = null;
  }
  /** Something came, with \`before\` seconds of the stream ahead of it. */
  add(at, before) {
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
  #followClock(at, transit) {
    this.#soonest = Math.min(this.#soonest, transit);
    if (at - this.#windowStart < WINDOW) return;
    const drift = this.#soonest - (this.#before ?? this.#soonest);
    if (Math.abs(drift) <= MOST_DRIFT * WINDOW) this.#first += drift;
    this.#before = this.#soonest;
    this.#soonest = Infinity;
    this.#windowStart = at;
  }
  /** How much later the stream is played than from its first arrival without a gap. */
  lag(at, played) {
    return at - this.#first - played;
  }
};

// src/audio/splice.ts
var SHORTEST = 25e-4;
var LONGEST = 0.0125;
var OVERLAP = 5e-3;
function bestCut(sound, rate) {
  const overlap = Math.round(OVERLAP * rate);
  let best = 0;
  let least = Infinity;
  for (let length = Math.round(LONGEST * rate); length >= SHORTEST * rate; length -= 1) {
    if (length + overlap > sound.length) continue;
    const unlike = difference(sound, length, overlap);
    if (unlike < least) [best, least] = [length, unlike];
  }
  return best;
}
function crossfade(sound, length) {
  const overlap = Math.min(length, sound.length - length);
  return Float32Array.from({ length: overlap }, (_, i) => {
    const share = (i + 1) / (overlap + 1);
    return (1 - share) * sound[i] + share * sound[length + i];
  });
}
function difference(sound, length, overlap) {
  let sum = 0;
  for (let i = 0; i < overlap; i += 2) sum += Math.abs(sound[i] - sound[length + i]);
  return sum;
}

// src/audio/playout.ts
var CAPACITY = 20;
var MAX_MARKS = 1e3;
var LEAST_TARGET = 0.04;
var MOST_TARGET = 0.5;
var MARGIN = 0.02;
var PAUSE = 0.25;
var FADE = 5e-3;
var WATCH = 2;
var SURPLUS = 0.04;
var CUT_INTERVAL = 0.1;
var PlayoutBuffer = class {
  #rate;
  #ring;
  #fade;
  #played;
  #arrivals = new Arrivals();
  #marks = [];
  #written = 0;
  #read = 0;
  #streamStart = 0;
  #replyStart = 0;
  #isPlaying = false;
  #wait = 0;
  // how much playing waits for
  #waited = 0;
  #dry = Infinity;
  // samples since the last was played
  #tail = 0;
  // the position behind the last that was played
  #faded = Infinity;
  // samples of the fade after it
  #risen = Infinity;
  // samples of the fade before what goes on
  #lag = 0;
  #least = Infinity;
  // buffered, in this watch
  #watched = 0;
  #excess = 0;
  // still to be left out
  #sinceCut = 0;
  /** How much playing waits for. */
  target;
  /** How many times sound ran out and went on soon after. */
  underruns = 0;
  /** How much was left out to catch up. */
  skipped = 0;
  /** \`played\` is called once for each mark: when it is reached, or its sound is dropped. */
  constructor(rate, played) {
    this.#rate = rate;
    this.#ring = new Float32Array(rate * CAPACITY);
    this.#fade = Math.round(FADE * rate);
    this.#played = played;
    this.target = this.#wanted();
  }
  get buffered() {
    return this.#written - this.#read;
  }
  get jitter() {
    return this.#arrivals.jitter * this.#rate;
  }
  /** Something that will be written came at this time: seconds of a clock that never stops. */
  arrive(at) {
    if (!this.#isPlaying && this.buffered === 0) this.#goOn(at);
    this.#arrivals.add(at, (this.#written - this.#streamStart) / this.#rate);
    this.#lag = this.#lagAt(at);
    this.target = this.#wanted();
  }
  write(samples) {
    for (const sample of samples) this.#ring[this.#written++ % this.#ring.length] = sample;
    if (this.buffered > this.#ring.length) this.#read = this.#written - this.#ring.length;
    this.#tellMarks();
  }
  /** To be told when all that was written before has been played. */
  mark(name) {
    this.#marks.push({ at: this.#written, name });
    if (this.#marks.length > MAX_MARKS) this.#played(this.#marks.shift().name);
    this.#tellMarks();
  }
  /** A reply begins with what is written next. */
  beginReply() {
    this.#replyStart = this.#written;
    if (this.buffered === 0) this.#dry = Infinity;
  }
  /** Drop what was not played. */
  clear() {
    const cut = { heard: Math.max(0, this.#read - this.#replyStart), dropped: this.buffered };
    if (this.#isPlaying) this.#stop();
    this.#read = this.#replyStart = this.#written;
    this.#dry = Infinity;
    this.#tellMarks();
    return cut;
  }
  /** Fill \`out\` with what is due. */
  read(out) {
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
  #at(position) {
    return this.#ring[position % this.#ring.length];
  }
  #wanted() {
    return this.#rate * Math.max(LEAST_TARGET, Math.min(MOST_TARGET, this.#arrivals.worst + MARGIN));
  }
  #lagAt(at) {
    return this.#rate * this.#arrivals.lag(at, (this.#read - this.#streamStart) / this.#rate);
  }
  /** Sound comes after there was none: late, or as a stream of its own. */
  #goOn(at) {
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
  #tryToStart(passed) {
    if (this.buffered === 0) return;
    this.#waited += passed;
    this.#isPlaying = Math.max(this.buffered, this.#waited) >= this.#wait;
  }
  /** The sound goes on for a moment, mirrored and ever softer: a step to silence would click. */
  #stop() {
    this.#isPlaying = false;
    this.#tail = this.#read;
    this.#faded = 0;
    this.#dry = 0;
  }
  #nextOfFade() {
    if (this.#faded >= this.#fade || this.#faded >= this.#tail) return 0;
    this.#faded += 1;
    return (1 - this.#faded / this.#fade) * this.#at(this.#tail - this.#faded);
  }
  #tellMarks() {
    while (this.#marks.length && this.#marks[0].at <= this.#read) this.#played(this.#marks.shift().name);
  }
  #watch() {
    this.#least = Infinity;
    this.#watched = 0;
    this.#excess = 0;
  }
  #catchUp(passed) {
    this.#least = Math.min(this.#least, this.buffered);
    this.#watched += passed;
    this.#sinceCut += passed;
    if (this.#excess > 0 && this.#sinceCut >= CUT_INTERVAL * this.#rate) this.#leaveOut();
    if (this.#watched < WATCH * this.#rate) return;
    const excess = Math.min(this.#least, this.#lag) - this.target;
    this.#watch();
    if (excess > SURPLUS * this.#rate) this.#excess = excess;
  }
  #leaveOut() {
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
};

// src/audio/resampler.ts
var BLOCK = 4096;
var Resampler = class {
  #up;
  #down;
  #taps;
  #weights;
  #window;
  #output;
  #filled = 0;
  #phase = 0;
  constructor(from, to) {
    const divisor = greatestDivisor(from, to);
    this.#up = to / divisor;
    this.#down = from / divisor;
    const ratio = Math.min(1, to / from);
    const half = Math.ceil(24 / ratio);
    this.#taps = 2 * half;
    this.#weights = Array.from({ length: this.#up }, (_, phase) => weightsOf(phase / this.#up, half, 0.93 * ratio));
    this.#window = new Float32Array(this.#taps + BLOCK);
    this.#output = new Float32Array(Math.ceil(BLOCK * to / from) + 1);
    this.reset();
  }
  reset() {
    this.#window.fill(0);
    this.#filled = this.#taps / 2 - 1;
    this.#phase = 0;
  }
  /** Calls emit(samples) with what is ready; the array is only lent. */
  convert(input, emit) {
    if (this.#up === this.#down) return emit(input);
    for (let start = 0; start < input.length; start += BLOCK) {
      const block = input.subarray(start, start + BLOCK);
      this.#window.set(block, this.#filled);
      this.#filled += block.length;
      emit(this.#output.subarray(0, this.#filter()));
    }
  }
  #filter() {
    const [window, taps] = [this.#window, this.#taps];
    let [count, at] = [0, 0];
    while (at + taps <= this.#filled) {
      const row = this.#weights[this.#phase];
      let sum = 0;
      for (let tap = 0; tap < taps; tap += 1) sum += row[tap] * window[at + tap];
      this.#output[count++] = sum;
      this.#phase += this.#down;
      at += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    window.copyWithin(0, at, this.#filled);
    this.#filled -= at;
    return count;
  }
};
function greatestDivisor(a, b) {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
function weightsOf(fraction, half, cut) {
  const row = Float32Array.from({ length: 2 * half }, (_, tap) => {
    const distance = tap - half + 1 - fraction;
    const angle = Math.PI * cut * distance;
    const place = Math.PI * distance / half;
    const taper = 0.42 + 0.5 * Math.cos(place) + 0.08 * Math.cos(2 * place);
    return (angle === 0 ? 1 : Math.sin(angle) / angle) * taper;
  });
  const sum = row.reduce((total, weight) => total + weight, 0);
  return row.map((weight) => weight / sum);
}

// src/audio/worklet-messages.ts
var FRAME_SECONDS = 0.02;

// src/audio/worklet.ts
var Capture = class extends AudioWorkletProcessor {
  #resampler;
  #frame;
  #filled = 0;
  #isOpen = true;
  constructor({ processorOptions: { rate } }) {
    super();
    this.#resampler = new Resampler(sampleRate, rate);
    this.#frame = new Float32Array(Math.round(rate * FRAME_SECONDS));
    this.port.onmessage = (_) => this.#isOpen = false;
  }
  process([input]) {
    if (input?.[0]) this.#resampler.convert(input[0], (samples) => this.#collect(samples));
    return this.#isOpen;
  }
  #collect(samples) {
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
};
var Playback = class extends AudioWorkletProcessor {
  #resampler;
  #buffer = new PlayoutBuffer(sampleRate, (name) => this.#tell({ played: name }));
  #meter = new Meter();
  #isOpen = true;
  constructor({ processorOptions: { rate } }) {
    super();
    this.#resampler = new Resampler(rate, sampleRate);
    this.port.onmessage = ({ data }) => this.#receive(data);
  }
  process(_inputs, [output]) {
    const channel = output[0];
    this.#buffer.read(channel);
    this.#meter.add(channel);
    if (this.#meter.count >= FRAME_SECONDS * sampleRate) this.#report();
    return this.#isOpen;
  }
  #receive(message) {
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
  #report() {
    const { buffered, target, jitter, underruns, skipped } = this.#buffer;
    this.#tell({
      level: this.#meter.take(),
      buffered: milliseconds(buffered),
      target: milliseconds(target),
      jitter: milliseconds(jitter),
      underruns,
      skipped: milliseconds(skipped)
    });
  }
  #tell(message) {
    this.port.postMessage(message);
  }
};
function milliseconds(samples) {
  return 1e3 * samples / sampleRate;
}
registerProcessor("antiphon-capture", Capture);
registerProcessor("antiphon-playback", Playback);
`], { type: "text/javascript" }));
}

// src/audio/sound.ts
var GESTURES = ["pointerup", "keydown"];
var Sound = class {
  context = new AudioContext({ latencyHint: "interactive" });
  #element = null;
  #begin = () => {
    this.context.resume().catch(() => {
    });
    this.#element?.play().catch(() => {
    });
  };
  /** Load the worklets; does nothing more when it is closed before they are there. */
  async open() {
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
  capture(track, rate, onFrame) {
    return new Capture(this.context, track, rate, onFrame);
  }
  player(rate, listener) {
    return new Player(this.context, rate, listener);
  }
  async playOn(speaker) {
    await chooseSink(this.context, speaker);
  }
  /** Play this element, which has a stream of its own. */
  play(element) {
    this.#element = element;
    this.#begin();
  }
  close() {
    for (const gesture of GESTURES) removeEventListener(gesture, this.#begin);
    if (!this.#isClosed) this.context.close();
  }
  /** Whether the browser does not let it sound yet. */
  get isHeld() {
    return this.context.state === "suspended";
  }
  get #isClosed() {
    return this.context.state === "closed";
  }
};
async function chooseSink(target, speaker) {
  if (!target.setSinkId) throw new Ending("unsupported", "This browser does not let pages choose the speaker.");
  await target.setSinkId(speaker).catch((error) => {
    throw new Ending("devices", `The chosen speaker cannot be used: ${error.message}`);
  });
}
var Capture = class {
  #context;
  #node;
  #source = null;
  constructor(context, track, rate, onFrame) {
    this.#context = context;
    const processorOptions = { rate };
    this.#node = new AudioWorkletNode(context, "antiphon-capture", {
      channelCount: 1,
      channelCountMode: "explicit",
      processorOptions
    });
    this.#node.port.onmessage = ({ data }) => onFrame(data);
    this.use(track);
    this.#node.connect(context.destination);
  }
  /** Go on with another track. */
  use(track) {
    this.#source?.disconnect();
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#node);
  }
  close() {
    this.#source?.disconnect();
    release(this.#node);
  }
};
var Player = class {
  constructor(context, rate, listener) {
    this.rate = rate;
    const processorOptions = { rate };
    this.#node = new AudioWorkletNode(context, "antiphon-playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions
    });
    this.#node.port.onmessage = ({ data }) => {
      if ("level" in data) listener.playing(data);
      else if ("played" in data) listener.played(data.played);
      else listener.cleared(data.heard, data.dropped);
    };
    this.#node.connect(context.destination);
  }
  rate;
  #node;
  play(audio) {
    this.#tell({ audio, at: performance.now() / 1e3 });
  }
  mark(name) {
    this.#tell({ mark: name });
  }
  clear() {
    this.#tell({ clear: true });
  }
  /** What is played next is another reply. */
  beginReply() {
    this.#tell({ reply: true });
  }
  close() {
    release(this.#node);
  }
  #tell(message) {
    this.#node.port.postMessage(message);
  }
};
function release(node) {
  const close = { close: true };
  node.port.onmessage = null;
  node.port.postMessage(close);
  node.disconnect();
}

// src/devices.ts
var MICROPHONE = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
var CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
var NAMES = { audio: "microphone", video: "camera", "audio-video": "microphone or camera" };
async function devices(permission) {
  if (!navigator.mediaDevices) throw new Ending("unsupported", "This page is not on a secure origin, so it gets no devices.");
  let found = await navigator.mediaDevices.enumerateDevices();
  if (permission && isSecret(found, permission)) {
    const stream = await ask2(permission, { audio: permission !== "video", video: permission !== "audio" });
    found = await navigator.mediaDevices.enumerateDevices();
    stream.getTracks().forEach((track) => track.stop());
  }
  return {
    microphones: named(found, "audioinput", "Microphone"),
    cameras: named(found, "videoinput", "Camera"),
    speakers: named(found, "audiooutput", "Speaker")
  };
}
function isSecret(found, permission) {
  const isWanted = ({ kind }) => kind === "audioinput" && permission !== "video" || kind === "videoinput" && permission !== "audio";
  return found.filter(isWanted).some(({ label }) => !label);
}
function named(found, kind, word) {
  return found.filter((device) => device.kind === kind && device.deviceId).map(({ deviceId: id, label, groupId: group }, index) => ({ id, label: label || `${word} ${index + 1}`, group }));
}
var Sources = class {
  stream = new MediaStream();
  #own = /* @__PURE__ */ new Set();
  #onEnded = ({ target }) => this.#lost(target.kind === "audio" ? "microphone" : "camera");
  #lost;
  #isMuted = false;
  /** `lost` is called with the kind of device when one that is in use goes away. */
  constructor(lost) {
    this.#lost = lost;
  }
  get microphone() {
    return this.stream.getAudioTracks()[0] ?? null;
  }
  get camera() {
    return this.stream.getVideoTracks()[0] ?? null;
  }
  /** Use these devices, besides those of other kinds, if `isWanted` still holds when they are open. */
  async open(modality, { microphone, camera, video }, isWanted) {
    const given = [modality !== "video" && givenTrack(microphone, "audio"), modality !== "audio" && givenTrack(camera, "video")];
    const audio = modality !== "video" && !given[0] && { ...MICROPHONE, ...exactly(microphone) };
    const pictures = modality !== "audio" && !given[1] && { ...video ?? CAMERA, ...exactly(camera) };
    const opened = audio || pictures ? (await ask2(modality, { audio, video: pictures })).getTracks() : [];
    if (!isWanted()) {
      opened.forEach((track) => track.stop());
      return false;
    }
    for (const track of given) if (track) this.#use(track);
    for (const track of opened) {
      this.#own.add(track);
      this.#use(track);
    }
    return true;
  }
  mute(on) {
    this.#isMuted = on;
    if (this.microphone) this.microphone.enabled = !on;
  }
  release() {
    for (const track of this.stream.getTracks()) this.#drop(track);
  }
  #use(track) {
    const [old] = this.stream.getTracks().filter(({ kind }) => kind === track.kind);
    if (old === track) return;
    if (old) this.#drop(old);
    this.stream.addTrack(track);
    if (track.kind === "audio" && this.#isMuted) track.enabled = false;
    track.addEventListener("ended", this.#onEnded);
  }
  #drop(track) {
    this.stream.removeTrack(track);
    track.removeEventListener("ended", this.#onEnded);
    if (this.#own.delete(track)) track.stop();
    else if (track.kind === "audio" && this.#isMuted) track.enabled = true;
  }
};
function exactly(source) {
  return typeof source === "string" ? { deviceId: { exact: source } } : {};
}
function givenTrack(source, kind) {
  if (source === void 0 || typeof source === "string") return null;
  const tracks = source instanceof MediaStream ? source.getTracks() : [source];
  const track = tracks.find((each) => each.kind === kind);
  if (!track) throw new TypeError(`there is no ${kind} track in what was given as the ${NAMES[kind]}`);
  return track;
}
async function ask2(modality, constraints) {
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    throw deviceProblem(NAMES[modality], error);
  }
}
function deviceProblem(name, { name: kind, message }) {
  const texts = {
    NotAllowedError: `The ${name} was refused. Allow it for this page in the browser's site settings and start again, or choose “Receive only”, which needs none.`,
    NotFoundError: `No ${name} was found. Connect one and start again, or choose “Receive only”, which needs none.`,
    NotReadableError: `The ${name} cannot be opened. Another program may be using it.`,
    OverconstrainedError: `The chosen ${name} was not found. Connect it, or choose another.`
  };
  return new Ending("devices", texts[kind] ?? `The ${name} cannot be opened: ${message}`);
}

// src/messages.ts
function parse(text) {
  try {
    const message = JSON.parse(text);
    if (message !== null && typeof message === "object") return message;
  } catch {
  }
  return warning("The server sent a message that cannot be read.");
}
function warning(data) {
  return { type: "warning", data, message: data };
}

// src/links/link.ts
var ANSWER_TIMEOUT_MS = 1e4;
var CLOSE_TIMEOUT_MS = 1e3;
var JSON_TYPE = { "Content-Type": "application/json" };
function pause(milliseconds2) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds2));
}
async function within(milliseconds2, promise, late) {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(late()), milliseconds2);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

// src/links/http.ts
var RETRY_MS = 500;
var FRAMES_PER_POST = 4;
var MAX_WAITING_FRAMES = 50;
var HttpLink = class {
  #url;
  #owner;
  #aborter = new AbortController();
  #addresses = null;
  #authorization = {};
  #events = null;
  #waiting = [];
  #frames = 0;
  #wake = () => {
  };
  #isOpen = false;
  #isClosed = false;
  #lastWord = null;
  #reopening;
  constructor(base, owner) {
    this.#url = new URL("http/offer", base);
    this.#owner = owner;
  }
  async open(start) {
    const response = await ask(this.#url, { method: "POST", body: JSON.stringify(start), headers: JSON_TYPE });
    const { token, media_format: format, links } = await answerOf(response);
    const [send, events, end] = [links.send, links.events, links.end].map((link) => new URL(link, response.url));
    this.#addresses = { send, events, end };
    this.#authorization = { Authorization: `Bearer ${token}` };
    events.searchParams.set("token", token);
    if (this.#isClosed) {
      this.#delete();
      return { token, format };
    }
    this.#isOpen = true;
    await this.#listen();
    this.#pump();
    return { token, format };
  }
  send(event) {
    this.#waiting.push({ text: JSON.stringify(event), isFrame: false });
    this.#wake();
  }
  /** What is given up is the oldest frame. */
  sendMedia(event) {
    this.#waiting.push({ text: JSON.stringify(event), isFrame: true });
    this.#frames += 1;
    this.#wake();
    if (this.#frames <= MAX_WAITING_FRAMES) return 0;
    this.#waiting.splice(this.#waiting.findIndex(({ isFrame }) => isFrame), 1);
    this.#frames -= 1;
    return 1;
  }
  async close() {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    this.#isClosed = true;
    this.#wake();
    clearTimeout(this.#reopening);
    this.#events?.close();
    this.#aborter.abort();
    if (wasOpen) await Promise.race([this.#delete(), pause(CLOSE_TIMEOUT_MS)]);
  }
  async #delete() {
    const request = { method: "DELETE", headers: this.#authorization, keepalive: true };
    await fetch(this.#addresses.end, request).catch(() => {
    });
  }
  /** Resolves when the event stream is open; after a break the browser resumes it where it was. */
  #listen() {
    return new Promise((resolve) => {
      const events = new EventSource(this.#addresses.events);
      this.#events = events;
      events.onopen = () => {
        clearTimeout(this.#reopening);
        this.#reopening = void 0;
        resolve();
      };
      events.onmessage = ({ data }) => this.#receive(data);
      events.addEventListener("gap", () => {
        this.#owner.message(warning("Some messages were lost while the connection was down."));
      });
      events.addEventListener("end", ({ data }) => {
        const { code = 1e3, reason = "" } = JSON.parse(data);
        this.#end(explain(code, reason, this.#lastWord));
      });
      events.onerror = () => this.#broke(events);
    });
  }
  #broke(events) {
    const gone = new Ending("lost", "The server is gone: its event stream broke.");
    if (events.readyState === EventSource.CLOSED) this.#end(this.#lastWord ?? gone);
    else this.#reopening ??= setTimeout(() => this.#end(gone), ANSWER_TIMEOUT_MS);
  }
  #receive(data) {
    const message = parse(data);
    this.#lastWord = lastWord(message, this.#lastWord);
    this.#owner.message(message);
  }
  #end(ending) {
    if (this.#isOpen) this.#owner.ended(ending);
  }
  /** One request after the other: enough frames for a batch, or anything else at once. */
  async #pump() {
    while (this.#isOpen) {
      const onlyAFewFrames = this.#frames < FRAMES_PER_POST && this.#frames === this.#waiting.length;
      if (onlyAFewFrames) {
        await new Promise((resolve) => this.#wake = resolve);
        continue;
      }
      const body = this.#waiting.map(({ text }) => text + "\n").join("");
      this.#waiting = [];
      this.#frames = 0;
      const problem = await this.#deliver(body);
      if (problem) this.#end(this.#lastWord ?? problem);
    }
  }
  /** A request that did not get through is repeated once, so a short break is survived. */
  async #deliver(body) {
    const headers = { ...this.#authorization, "Content-Type": "application/x-ndjson" };
    const request = { method: "POST", body, headers, signal: this.#aborter.signal };
    const attempt = () => ask(this.#addresses.send, request);
    try {
      const response = await attempt().catch(() => pause(RETRY_MS).then(attempt));
      if (response.ok) return null;
      const problem = await refusalOf(response);
      await pause(CLOSE_TIMEOUT_MS);
      return problem;
    } catch {
      return new Ending("lost", "The server is gone: it takes no more requests.");
    }
  }
};

// src/links/network.ts
function totals(report) {
  const all = [];
  report.forEach((entry) => all.push(entry));
  const of = (type) => all.filter((entry) => entry.type === type);
  const [inbound, outbound, told] = [of("inbound-rtp"), of("outbound-rtp"), of("remote-inbound-rtp")];
  const sound = inbound.filter(({ kind }) => kind === "audio");
  const jitters = (inbound.length ? inbound : told).map(({ jitter }) => Number(jitter ?? 0));
  return {
    at: performance.now() / 1e3,
    roundTrip: numberOf(usedPair(all)?.currentRoundTripTime),
    jitter: jitters.length ? Math.max(...jitters) : null,
    waited: sum(sound, "jitterBufferDelay"),
    emitted: sum(sound, "jitterBufferEmittedCount"),
    concealments: sum(sound, "concealmentEvents"),
    bitsIn: 8 * sum(inbound, "bytesReceived", "headerBytesReceived"),
    bitsOut: 8 * sum(outbound, "bytesSent", "headerBytesSent"),
    packetsIn: sum(inbound, "packetsReceived"),
    packetsOut: sum(outbound, "packetsSent"),
    lostIn: sum(inbound, "packetsLost"),
    lostOut: sum(told, "packetsLost"),
    picturesIn: hasPictures(inbound) ? sum(inbound, "framesDecoded") : null,
    picturesOut: hasPictures(outbound) ? sum(outbound, "framesSent") : null
  };
}
function compare(now, before) {
  const seconds = now.at - before.at;
  const rate = (value, earlier) => seconds > 0 && value !== null ? (value - (earlier ?? 0)) / seconds : null;
  return {
    roundTrip: milliseconds(now.roundTrip),
    jitter: milliseconds(now.jitter),
    buffered: milliseconds(share(now.waited - before.waited, now.emitted - before.emitted)),
    concealments: now.concealments,
    lossIn: share(now.lostIn, now.lostIn + now.packetsIn),
    lossOut: share(now.lostOut, now.packetsOut),
    bitRateIn: rate(now.bitsIn, before.bitsIn),
    bitRateOut: rate(now.bitsOut, before.bitsOut),
    frameRateIn: rate(now.picturesIn, before.picturesIn),
    frameRateOut: rate(now.picturesOut, before.picturesOut),
    packetsIn: now.packetsIn,
    packetsOut: now.packetsOut
  };
}
function usedPair(all) {
  const transport = all.find(({ type, selectedCandidatePairId }) => type === "transport" && selectedCandidatePairId);
  if (transport) return all.find(({ id }) => id === transport.selectedCandidatePairId);
  return all.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
}
function hasPictures(entries) {
  return entries.some(({ kind }) => kind === "video");
}
function sum(entries, ...fields) {
  return entries.flatMap((entry) => fields.map((field) => numberOf(entry[field]) ?? 0)).reduce((a, b) => a + b, 0);
}
function numberOf(value) {
  return typeof value === "number" ? value : null;
}
function share(part, whole) {
  return whole > 0 ? Math.max(0, part) / whole : null;
}
function milliseconds(seconds) {
  return seconds === null ? null : 1e3 * seconds;
}

// src/links/webrtc.ts
var KINDS = { audio: ["audio"], video: ["video"], "audio-video": ["audio", "video"] };
var DIRECTIONS = { "send-receive": "sendrecv", send: "sendonly", receive: "recvonly" };
var WORDS = { audio: "sound", video: "pictures" };
var PeerLink = class {
  #base;
  #owner;
  #modality;
  #mode;
  #remote = new MediaStream();
  #joined;
  #early = [];
  #join = () => {
  };
  #fail = () => {
  };
  #channel = null;
  #trickle = null;
  #isClosed = false;
  #lastWord = null;
  #before = null;
  connection = null;
  constructor(base, owner, { modality, mode }) {
    this.#base = base;
    this.#owner = owner;
    this.#modality = modality;
    this.#mode = mode;
    this.#joined = new Promise((resolve, reject) => {
      this.#join = resolve;
      this.#fail = reject;
    });
    this.#joined.catch(() => {
    });
  }
  /** Null while the server has not answered. */
  get late() {
    return this.connection?.remoteDescription ? noWay() : null;
  }
  /** Resolves when media and messages can flow, or when the link was closed before. */
  async open(start, sources) {
    const configuration = await this.#ask("webrtc/configuration", { method: "GET" });
    if (this.#isClosed) throw stopped();
    const connection = new RTCPeerConnection(configuration);
    this.connection = connection;
    this.#listen(connection);
    this.#addMedia(connection, sources);
    await connection.setLocalDescription();
    if (this.#isClosed) throw stopped();
    const { websocket_id: id, metadata, inputs } = start;
    const { sdp } = connection.localDescription;
    const { sdp: answer, token } = await this.#post({ type: "offer", sdp, webrtc_id: id, metadata, inputs });
    await connection.setRemoteDescription({ type: "answer", sdp: answer });
    const headers = { ...JSON_TYPE, Authorization: `Bearer ${token}` };
    this.#trickle = (candidate) => {
      const body = { type: "ice-candidate", webrtc_id: id, candidate: candidate.toJSON() };
      this.#post(body, headers).catch(() => {
      });
    };
    this.#early.splice(0).forEach(this.#trickle);
    await this.#joined;
    this.#compare(connection);
    return { token, remote: this.#remote };
  }
  send(event) {
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify(event));
  }
  /** Sound travels in tracks. */
  sendMedia() {
    return 0;
  }
  async close(isOpen) {
    this.#isClosed = true;
    const channel = this.#channel;
    if (isOpen && channel?.readyState === "open") {
      const closed = new Promise((resolve) => channel.addEventListener("close", resolve));
      this.send({ event: "stop" });
      await Promise.race([closed, pause(CLOSE_TIMEOUT_MS)]);
    }
    this.connection?.close();
  }
  async replaceTrack(track) {
    const ours = this.connection?.getTransceivers().find(({ receiver }) => receiver.track.kind === track.kind);
    await ours?.sender.replaceTrack(track);
  }
  /** Rates and waits are those since the last time. */
  async measure() {
    const now = totals(await this.connection.getStats());
    const figures = compare(now, this.#before ?? now);
    this.#before = now;
    return figures;
  }
  #listen(connection) {
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return;
      if (this.#trickle) this.#trickle(candidate);
      else this.#early.push(candidate);
    };
    connection.ontrack = ({ track }) => this.#remote.addTrack(track);
    const channel = connection.createDataChannel("antiphon");
    this.#channel = channel;
    connection.onconnectionstatechange = () => {
      const wasJoined = channel.readyState !== "connecting";
      if (connection.connectionState === "failed") this.#end(wasJoined ? broken() : noWay());
      if (connection.connectionState === "disconnected") this.#askIfGone();
    };
    channel.onopen = () => this.#join();
    channel.onmessage = ({ data }) => this.#receive(data);
    channel.onclose = () => this.#end(explain(1e3, "", this.#lastWord));
  }
  /** A break of the network may mend; a server that does not answer over HTTP either is gone. */
  #askIfGone() {
    this.#ask("health", { method: "GET" }).catch((error) => {
      if (error instanceof Ending && error.cause === "unreachable") this.#end(broken());
    });
  }
  #addMedia(connection, sources) {
    for (const kind of KINDS[this.#modality]) {
      const track = sources.getTracks().find((each) => each.kind === kind);
      const streams = track ? [sources] : [];
      connection.addTransceiver(track ?? kind, { direction: DIRECTIONS[this.#mode], streams });
    }
  }
  #receive(data) {
    if (typeof data !== "string") return;
    const message = parse(data);
    this.#lastWord = lastWord(message, this.#lastWord);
    this.#owner.message(message);
  }
  #post(body, headers = JSON_TYPE) {
    return this.#ask("webrtc/offer", { method: "POST", body: JSON.stringify(body), headers });
  }
  async #ask(path, request) {
    return answerOf(await ask(new URL(path, this.#base), request));
  }
  /** Tell where the server has agreed to less than was offered. */
  #compare(connection) {
    const wanted = DIRECTIONS[this.#mode];
    for (const { currentDirection, receiver } of connection.getTransceivers()) {
      const agreed = currentDirection ?? "inactive";
      const word = WORDS[receiver.track.kind];
      const lacks = (way) => (wanted === "sendrecv" || wanted === way) && agreed !== "sendrecv" && agreed !== way;
      if (lacks("sendonly")) this.#owner.message(warning(`The server takes no ${word} in this call.`));
      if (lacks("recvonly")) this.#owner.message(warning(`The server sends no ${word} in this call.`));
    }
  }
  #end(ending) {
    this.#fail(ending);
    if (!this.#isClosed) this.#owner.ended(ending);
  }
};
function noWay() {
  return new Ending(
    "unreachable",
    "The server answered, but no way to its media was found. A firewall may stand between: use WebSocket, or a TURN server."
  );
}

// src/links/websocket.ts
var MAX_UNSENT_BYTES = 4e4;
var WebSocketLink = class {
  #url;
  #owner;
  #socket = null;
  #lastWord = null;
  #admit = () => {
  };
  constructor(base, owner) {
    this.#url = new URL("websocket/offer", base);
    this.#url.protocol = this.#url.protocol === "https:" ? "wss:" : "ws:";
    this.#owner = owner;
  }
  open(start) {
    return new Promise((resolve, reject) => {
      this.#admit = resolve;
      const said = JSON.stringify(start);
      const socket = new WebSocket(this.#url);
      socket.binaryType = "arraybuffer";
      let opened = false;
      socket.onopen = () => {
        opened = true;
        socket.send(said);
      };
      socket.onmessage = ({ data }) => this.#receive(data);
      socket.onclose = ({ code, reason }) => {
        const ending = opened ? explain(code, reason, this.#lastWord) : unreachable(this.#url);
        reject(ending);
        this.#owner.ended(ending);
      };
      this.#socket = socket;
    });
  }
  send(event) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }
  /** What is given up is the new frame. */
  sendMedia(event) {
    if (this.#socket.bufferedAmount > MAX_UNSENT_BYTES) return 1;
    this.send(event);
    return 0;
  }
  async close(isOpen) {
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    if (isOpen && socket.readyState === WebSocket.OPEN) {
      const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
      this.send({ event: "stop" });
      await Promise.race([closed, pause(CLOSE_TIMEOUT_MS)]);
    }
    socket.close(1e3);
  }
  #receive(data) {
    if (typeof data !== "string") {
      this.#owner.message({ event: "media", media: { payload: new Uint8Array(data) } });
      return;
    }
    const message = parse(data);
    this.#lastWord = lastWord(message, this.#lastWord);
    if (message.event === "started") this.#admit({ token: message.token, format: message.media_format });
    this.#owner.message(message);
  }
};

// src/options.ts
var MODES = ["send-receive", "send", "receive"];
var MODALITIES = {
  webrtc: ["audio", "video", "audio-video"],
  websocket: ["audio"],
  http: ["audio"]
};

// src/outputs.ts
var LAST_MS = 1e3;
var Outputs = class {
  #events;
  constructor(base, id, token, tell, warn) {
    const url = new URL("outputs", base);
    url.search = new URLSearchParams({ webrtc_id: id, token }).toString();
    this.#events = new EventSource(url);
    this.#events.addEventListener("output", ({ data }) => tell(JSON.parse(data)));
    this.#events.addEventListener("gap", () => warn(warning("Some outputs were lost.")));
    this.#events.addEventListener("end", () => this.close());
    this.#events.addEventListener("error", (event) => {
      if (event instanceof MessageEvent) warn(warning(JSON.parse(event.data)));
    });
  }
  close() {
    this.#events.close();
  }
  /** Close when the last has come, or soon. */
  finish() {
    setTimeout(() => this.close(), LAST_MS);
  }
};

// src/retries.ts
var SETTLED_MS = 1e4;
var PASSING = ["shutting_down", "concurrency_limit_reached", "connection_already_exists"];
var Retries = class {
  #attempts;
  #first;
  #most;
  #made = 0;
  #openedAt = null;
  constructor(wish) {
    const { attempts = 8, firstDelay = 500, maxDelay = 1e4 } = typeof wish === "boolean" ? {} : wish;
    this.#attempts = wish === false ? 0 : attempts;
    this.#first = firstDelay;
    this.#most = maxDelay;
  }
  /** The call is open, at this time in milliseconds. */
  opened(now) {
    this.#openedAt = now;
  }
  /**
   * The next attempt, or null: for calls that never were open, for ends that calling again would
   * not mend, and when all attempts are used up. `luck`, 0 to 1, spreads the calls of many pages.
   */
  next(because, now, luck) {
    if (this.#openedAt === null || !isPassing(because)) return null;
    if (now - this.#openedAt >= SETTLED_MS) this.#made = 0;
    this.#openedAt = Infinity;
    if (this.#made >= this.#attempts) return null;
    const longest = Math.min(this.#most, this.#first * 2 ** this.#made);
    this.#made += 1;
    return { attempt: this.#made, attempts: this.#attempts, delay: longest * (0.5 + luck / 2), because };
  }
};
function isPassing({ cause, meta }) {
  if (cause === "refused") return PASSING.includes(meta?.error ?? "");
  return cause === "lost" || cause === "unreachable";
}

// src/support.ts
function obstacle(transport) {
  if (transport === "webrtc" && !globalThis.RTCPeerConnection) return "This browser has no WebRTC.";
  if (!globalThis.isSecureContext || !navigator.mediaDevices) {
    return "This page is not on a secure origin, so the browser gives it no microphone and no audio. Open it over https, or on the server's own machine as http://127.0.0.1.";
  }
  return globalThis.AudioWorkletNode ? null : "This browser has no AudioWorklet, which calls need.";
}

// src/call.ts
var PING_INTERVAL_MS = 2e3;
var MEASURE_INTERVAL_MS = 1e3;
var HELD_MS = 1e3;
var LINKS = { webrtc: PeerLink, websocket: WebSocketLink, http: HttpLink };
var DEFAULTS = {
  transport: "websocket",
  modality: "audio",
  mode: "send-receive",
  sampleRate: 24e3,
  reconnect: false
};
function connect(options = {}) {
  return new Call(options);
}
var Call = class {
  #options;
  #base;
  #sources = new Sources((name) => this.#end(new Ending("devices", `The ${name} was disconnected.`)));
  #retries;
  #sound = null;
  #speaker = null;
  #hasSources = false;
  #finish = () => {
  };
  // Of one connection:
  #link = null;
  #player = null;
  #capture = null;
  #listening = null;
  // to the track that is played
  #outputs = null;
  #timers = [];
  #pingSent = null;
  #unanswered = 0;
  /** For `input_hook` and `outputs`; another after a reconnection, unless it was given. */
  id;
  /** Proves to the server that a request is about this call; null until the call is open. */
  token = null;
  state = "new";
  /** Whether the microphone sends silence. */
  muted = false;
  stats = {
    framesOut: 0,
    framesIn: 0,
    framesDropped: 0,
    roundTrip: null,
    jitter: null,
    buffered: 0,
    target: null,
    underruns: 0,
    skipped: 0,
    reconnects: 0,
    network: null
  };
  /** Resolves when the call is over; never rejects. */
  ended = new Promise((resolve) => this.#finish = resolve);
  constructor(options = {}) {
    this.#options = settle(options);
    const { transport, modality, mode, url, id, reconnect } = this.#options;
    if (!Object.hasOwn(LINKS, transport)) throw new TypeError(`unknown transport: ${transport}`);
    if (!MODALITIES[transport].includes(modality)) throw new TypeError(`${transport} does not carry ${modality}`);
    if (!MODES.includes(mode)) throw new TypeError(`unknown mode: ${mode}`);
    this.id = id ?? newId();
    this.#base = new URL(url ?? document.baseURI, document.baseURI);
    this.#retries = new Retries(reconnect);
    queueMicrotask(() => this.#run().catch((error) => this.#end(asEnding(error))));
  }
  /** The connection of a call over WebRTC, for what this module has no words for. */
  get peerConnection() {
    return this.#link?.connection ?? null;
  }
  /** Hang up. Safe at any time, also while the call is still being made. */
  async stop() {
    if (this.#isLeaving) return this.ended;
    const wasOpen = this.state === "open";
    this.#setState("closing");
    this.#release();
    await this.#link?.close(wasOpen);
    this.#end(stopped());
    return this.ended;
  }
  /** Send one event of the protocol, such as `{event: "message", data}`; false while the call is not open. */
  send(event) {
    if (this.state !== "open") return false;
    this.#link?.send(event);
    return true;
  }
  /** Give the handler other inputs, in the form of the option `inputs`; kept for a call that is not open. */
  setInputs(inputs) {
    this.#options.inputs = inputs;
    this.send({ event: "input", data: inputs });
  }
  /** Send silence, or sound again. */
  mute(on = true) {
    this.muted = on;
    this.#sources.mute(on);
  }
  /** Go on with another microphone. Rejects with an Ending where that fails; the call goes on with the old one. */
  async useMicrophone(microphone) {
    this.#checkSends("audio");
    this.#options.microphone = microphone;
    const isWanted = () => !this.#isLeaving && this.#options.microphone === microphone;
    if (this.#isSending && await this.#sources.open("audio", { microphone }, isWanted)) {
      this.#capture?.use(this.#sources.microphone);
      await this.#link?.replaceTrack?.(this.#sources.microphone);
    }
  }
  /** Go on with another camera, as with `useMicrophone`. */
  async useCamera(camera) {
    this.#checkSends("video");
    this.#options.camera = camera;
    const { video } = this.#options;
    const isWanted = () => !this.#isLeaving && this.#options.camera === camera;
    if (this.#isSending && await this.#sources.open("video", { camera, video }, isWanted)) {
      await this.#link?.replaceTrack?.(this.#sources.camera);
      this.#showPictures("in", this.#sources.stream);
    }
  }
  /** Play on another device. Rejects with an Ending where the browser or the device does not let it. */
  async useSpeaker(speaker) {
    this.#options.speaker = speaker;
    if (this.#speaker) await chooseSink(this.#speaker, speaker);
    else await this.#sound?.playOn(speaker);
  }
  async #run() {
    const { transport, mode } = this.#options;
    if (this.#isLeaving) return;
    this.#setState("preparing");
    const problem = obstacle(transport);
    if (problem) throw new Ending("unsupported", problem);
    if (mode !== "receive" && !await this.#openSources()) return;
    if (this.#hasSound) await this.#openSound();
    if (this.#isLeaving) return;
    this.#setState("connecting");
    await this.#connect();
  }
  /** Make one connection. */
  async #connect() {
    const link = new LINKS[this.#options.transport](this.#base, {
      message: (message) => this.#link === link && this.#receive(message),
      ended: (ending) => this.#lose(link, ending)
    }, this.#options);
    this.#link = link;
    const { inputs } = this.#options;
    try {
      const opened = link.open(this.#start(), this.#sources.stream);
      const admission = await within(ANSWER_TIMEOUT_MS, opened, () => link.late ?? unanswered());
      if (this.#link === link && !this.#isLeaving) this.#open(admission);
    } catch (error) {
      this.#lose(link, asEnding(error));
    }
    if (this.#options.inputs !== inputs) this.setInputs(this.#options.inputs);
  }
  #start() {
    const { mode, sampleRate, metadata, inputs } = this.#options;
    return {
      event: "start",
      websocket_id: this.id,
      media_format: { encoding: "audio/x-mulaw", sample_rate: sampleRate },
      metadata: { ...metadata, mode },
      ...inputs === void 0 ? {} : { inputs }
    };
  }
  #open({ token, format, remote }) {
    this.token = token;
    if (remote) this.#startTracks(remote);
    else this.#startAudio(format);
    const { onOutput, onMessage } = this.#options;
    if (onOutput) this.#outputs = new Outputs(this.#base, this.id, token, onOutput, (told) => onMessage?.(told));
    if (this.state === "reconnecting") this.stats.reconnects += 1;
    this.#retries.opened(performance.now());
    this.#setState("open");
    this.#ping();
    this.#timers.push(setInterval(() => this.#ping(), PING_INTERVAL_MS));
  }
  /** A connection could not be made, or is over. */
  #lose(link, ending) {
    if (this.#link !== link || this.#isLeaving) return;
    const retry = this.#retries.next(ending, performance.now(), Math.random());
    if (!retry) return this.#end(ending);
    this.#disconnect();
    this.#setState("reconnecting", void 0, retry);
    const again = () => {
      this.id = this.#options.id ?? newId();
      this.#connect();
    };
    if (!this.#isLeaving) this.#timers.push(setTimeout(again, retry.delay));
  }
  get #hasSound() {
    return this.#options.modality !== "video";
  }
  get #isLeaving() {
    return this.state === "closing" || this.state === "closed";
  }
  /** Whether a change of device is made now, and not with the start of the call. */
  get #isSending() {
    return this.#hasSources && !this.#isLeaving;
  }
  #checkSends(kind) {
    const { mode, modality } = this.#options;
    if (mode !== "receive" && (modality === kind || modality === "audio-video")) return;
    throw new TypeError(`a call of modality ${modality} in mode ${mode} sends no ${kind}`);
  }
  #setState(state, ending, retry) {
    this.state = state;
    this.#options.onState?.(state, ending, retry);
  }
  /** Whether the call is still wanted when the devices are there. */
  async #openSources() {
    const { modality, ...asked } = this.#options;
    if (!await this.#sources.open(modality, asked, () => !this.#isLeaving)) return false;
    this.#hasSources = true;
    const { microphone, camera } = this.#options;
    if (microphone !== void 0 && microphone !== asked.microphone) await this.useMicrophone(microphone);
    if (camera !== void 0 && camera !== asked.camera) await this.useCamera(camera);
    this.#showPictures("in", this.#sources.stream);
    return true;
  }
  async #openSound() {
    this.#sound = new Sound();
    await this.#sound.open();
    setTimeout(() => this.#sound.isHeld && this.#warn(silenced()), HELD_MS);
    const { speaker, transport } = this.#options;
    if (speaker !== void 0 && transport !== "webrtc") await this.#sound.playOn(speaker).catch((error) => this.#warn(error));
  }
  #warn({ text }) {
    if (!this.#isLeaving) this.#options.onMessage?.(warning(text));
  }
  #startAudio({ encoding, sample_rate: rate }) {
    if (encoding !== "audio/x-mulaw") {
      throw new Ending("protocol", `The server answered with an encoding not asked for: ${encoding}.`);
    }
    if (this.#options.mode !== "send") {
      this.#player = this.#sound.player(rate, {
        playing: ({ level, ...figures }) => {
          Object.assign(this.stats, figures);
          this.#tellLevel("out", level);
        },
        played: (name) => this.#link?.send({ event: "mark", mark: { name } }),
        cleared: (heard, dropped) => this.#options.onInterrupted?.({ heard, dropped })
      });
    }
    this.#startCapture(rate, (frame) => this.#sendFrame(frame, rate));
  }
  #startCapture(rate, onFrame) {
    const { microphone } = this.#sources;
    if (microphone) this.#capture = this.#sound.capture(microphone, rate, onFrame);
  }
  #startTracks(remote) {
    const { sampleRate } = this.#options;
    this.#startCapture(sampleRate, (frame) => this.#tellCapture(frame, sampleRate));
    const [track] = remote.getAudioTracks();
    if (track) this.#playTrack(track);
    this.#showPictures("out", remote);
    this.#timers.push(setInterval(() => this.#measure(), MEASURE_INTERVAL_MS));
  }
  #playTrack(track) {
    const { sampleRate, speaker, onAudio } = this.#options;
    this.#speaker ??= new Audio();
    this.#speaker.srcObject = new MediaStream([track]);
    if (speaker !== void 0) chooseSink(this.#speaker, speaker).catch((error) => this.#warn(error));
    this.#sound.play(this.#speaker);
    this.#listening = this.#sound.capture(track, sampleRate, (frame) => {
      onAudio?.(frame, sampleRate);
      this.#tellLevel("out", measure(frame));
    });
  }
  async #measure() {
    const network = await this.#link.measure();
    const { roundTrip, jitter, buffered, concealments: underruns, packetsOut: framesOut, packetsIn: framesIn } = network;
    Object.assign(this.stats, { network, roundTrip, jitter, buffered: buffered ?? 0, underruns, framesOut, framesIn });
  }
  #showPictures(direction, stream) {
    const tracks = stream.getVideoTracks();
    if (tracks.length) this.#options.onPictures?.({ direction, stream: new MediaStream(tracks) });
  }
  #tellLevel(direction, level) {
    if (!this.#isLeaving) this.#options.onLevel?.({ direction, ...level });
  }
  #tellCapture(frame, rate) {
    this.#tellLevel("in", measure(frame));
    if (!this.#isLeaving) this.#options.onCapture?.(frame, rate);
  }
  #sendFrame(frame, rate) {
    if (this.state !== "open") return;
    this.#tellCapture(frame, rate);
    const dropped = this.#link.sendMedia({ event: "media", media: { payload: toBase64(encodeMulaw(frame)) } });
    this.stats.framesOut += 1 - dropped;
    this.stats.framesDropped += dropped;
  }
  #receive(message) {
    if (this.#isLeaving) return;
    if (message.event === "media") return this.#play(message.media?.payload);
    if (message.event === "pong") return this.#pong();
    if (message.event === "mark") this.#mark(message.mark?.name);
    if (message.event === "clear") this.#clear();
    if (message.type === "log" && message.data === "response_starting") this.#player?.beginReply();
    this.#options.onMessage?.(message);
  }
  #play(payload) {
    this.stats.framesIn += 1;
    if (!this.#player) return;
    const codes = payload instanceof Uint8Array ? payload : fromBase64(payload);
    if (!codes) return this.#options.onMessage?.(warning("The server sent a message that cannot be read."));
    const samples = decodeMulaw(codes);
    this.#options.onAudio?.(samples, this.#player.rate);
    this.#player.play(samples);
  }
  #mark(name) {
    if (this.#player) this.#player.mark(name);
    else this.send({ event: "mark", mark: { name } });
  }
  /** What was heard is known to the player alone. */
  #clear() {
    if (this.#player) this.#player.clear();
    else if (this.#options.mode !== "send") this.#options.onInterrupted?.({ heard: null, dropped: null });
  }
  #ping() {
    if (this.#pingSent === null) {
      this.#pingSent = performance.now();
      this.#unanswered = 0;
      this.#link?.send({ event: "ping" });
    } else if (++this.#unanswered * PING_INTERVAL_MS >= ANSWER_TIMEOUT_MS) {
      this.#lose(this.#link, new Ending("lost", "The server is gone: it has stopped answering."));
    }
  }
  #pong() {
    if (this.#pingSent === null) return;
    if (!this.stats.network) this.stats.roundTrip = performance.now() - this.#pingSent;
    this.#pingSent = null;
  }
  /** Put away what belongs to one connection, but for the link. */
  #releaseConnection() {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    for (const part of [this.#player, this.#capture, this.#listening]) part?.close();
    this.#player = this.#capture = this.#listening = null;
    if (this.#speaker) this.#speaker.srcObject = null;
    this.#pingSent = null;
  }
  #disconnect() {
    this.#releaseConnection();
    this.#outputs?.close();
    this.#outputs = null;
    this.#link?.close(false);
    this.#link = null;
    Object.assign(this.stats, { roundTrip: null, jitter: null, buffered: 0, target: null, network: null });
  }
  #release() {
    this.#releaseConnection();
    this.#sources.release();
    this.#sound?.close();
  }
  #end(ending) {
    if (this.state === "closed") return;
    const wasClosing = this.state === "closing";
    const final = wasClosing ? stopped() : ending;
    this.state = "closed";
    this.#release();
    if (wasClosing) this.#outputs?.close();
    else this.#outputs?.finish();
    if (!wasClosing) this.#link?.close(false);
    this.#finish(final);
    this.#setState("closed", final);
  }
};
function settle(options) {
  const given = Object.entries(options).filter(([, value]) => value !== void 0);
  const guarded = given.map(([name, value]) => [name, typeof value === "function" ? guard(value.bind(options)) : value]);
  return { ...DEFAULTS, ...Object.fromEntries(guarded) };
}
function guard(callback) {
  return (...told) => {
    try {
      callback(...told);
    } catch (error) {
      reportError(error);
    }
  };
}
function newId() {
  return crypto.randomUUID?.() ?? "";
}
function silenced() {
  return new Ending("unsupported", "The browser lets this page play no sound until somebody clicks or types in it.");
}
function unanswered() {
  return new Ending("unreachable", "The server took the connection but did not answer in time.");
}
export {
  Call,
  Ending,
  MODALITIES,
  Resampler,
  connect,
  decodeMulaw,
  devices,
  encodeMulaw,
  obstacle
};
