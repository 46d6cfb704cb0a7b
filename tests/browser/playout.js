// Runs the client's playback worklet in the page, in a time of its own: no clock, no device.
const RATE = 48000;

/** The processors of the client's worklet, as its own module defines them. */
async function processors() {
  const { connect } = await import(new URL("client.js", document.baseURI));
  const source = await new Promise((resolve) => {
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => {
      URL.createObjectURL = make;
      resolve(blob.text());
      return make(blob);
    };
    connect({ mode: "receive", onState: (state, ending) => ending && resolve(Promise.reject(ending)) }).ended;
  });
  const defined = {};
  globalThis.sampleRate = RATE;
  globalThis.AudioWorkletProcessor = class {
    port = { posted: [], postMessage: (message) => this.port.posted.push(message) };
  };
  globalThis.registerProcessor = (name, processor) => (defined[name] = processor);
  await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  return defined;
}

/**
 * Plays for so many seconds what arrives: `[time, message]` in order, where `{samples: [from, to]}`
 * stands for a piece of `stream`. Gives the output, and what was posted, each with its time. Sound
 * comes and goes as base64 of float32: a list of numbers would take minutes.
 */
async function play({ stream, arrivals, seconds }) {
  window.defined ??= await processors();
  const sound = unpacked(stream);
  const processor = new window.defined["antiphon-playback"]({ processorOptions: { rate: RATE } });
  const [output, posted] = [new Float32Array(seconds * RATE), []];
  let next = 0;
  for (let at = 0; at + 128 <= output.length; at += 128) {
    for (; next < arrivals.length && arrivals[next][0] * RATE <= at; next += 1) {
      const [time, { samples, ...message }] = arrivals[next];
      const audio = samples && { audio: sound.slice(...samples), at: time };
      processor.port.onmessage({ data: { ...message, ...audio } });
    }
    processor.process([], [[output.subarray(at, at + 128)]]);
    for (const message of processor.port.posted.splice(0)) posted.push({ time: at / RATE, ...message });
  }
  return { output: packed(output), posted };
}

function unpacked(text) {
  return new Float32Array(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer);
}

function packed(sound) {
  let text = "";
  for (const byte of new Uint8Array(sound.buffer)) text += String.fromCharCode(byte);
  return btoa(text);
}
