// The sample code of the "Connecting via API" guide: text for every choice, which runs as it stands.
// The page shows what the tests run.

export const CONNECTIONS = ["webrtc", "websocket", "http"];
export const MODALITIES = ["audio", "video", "audio-video"];
export const MODES = ["send-receive", "receive", "send"];
export const STYLES = ["plain", "client"];

/** The connection that a sample uses: a WebSocket and HTTP carry sound alone. */
export function carrier(connection, modality) {
  return modality === "audio" ? connection : "webrtc";
}

/**
 * A program that makes a call, answers when its handler asks for inputs, and can stop. It defines
 * `server`, `id`, `send()` and `stop()` for what is run behind it.
 *
 * style   "plain" for browser APIs alone, "client" for the server's own module
 * server  base of the server's routes, with a slash at the end
 */
export function sample(connection, modality, mode, style, server) {
  const used = carrier(connection, modality);
  const template = style === "client" ? CLIENT : { webrtc: WEBRTC, websocket: WEBSOCKET, http: HTTP }[used];
  const kinds = modality.split("-");
  const worklets = { send: "capture", receive: "playback" };
  const shows = kinds.includes("video") && mode !== "send";
  return fill(template, [`only-${mode}`, ...mode.split("-"), shows ? "shows" : "plays"], {
    SERVER: JSON.stringify(server),
    CONNECTION: used,
    MODALITY: modality,
    MODE: mode,
    DEVICES: kinds.map((kind) => `${kind}: true`).join(", "),
    KINDS: kinds.map((kind) => `"${kind}"`).join(", "),
    PLAYER: kinds.at(-1),
    WORKLETS: mode.split("-").map((way) => worklets[way]).join(", "),
  });
}

/** A module of Python whose `stream` serves what is selected: `antiphon serve app:stream`. */
export function program(modality, mode) {
  return fill(PROGRAM, [mode, `${modality}/${mode}`], { MODALITY: modality, MODE: mode });
}

/**
 * The lines of a template, with `$NAME` replaced, less those that begin with `@mark ` or stand between
 * `@mark` and `@end`, for marks that are not among `marks`.
 */
function fill(template, marks, values) {
  let isKept = true;
  const kept = template.slice(1).split("\n").flatMap((line) => {
    const [, mark, rest] = /^@(\S+)(?: (.*))?$/.exec(line) ?? [null, null, line];
    if (mark === null) return isKept ? [line] : [];
    if (rest !== undefined) return marks.includes(mark) ? [rest] : [];
    isKept = mark === "end" || marks.includes(mark);
    return [];
  });
  return kept.join("\n").replace(/\$([A-Z]+)/g, (_, name) => values[name]);
}

const WEBRTC = `
const server = $SERVER;
const id = crypto.randomUUID(); // yours to choose; it names this call in other requests

@send const devices = await navigator.mediaDevices.getUserMedia({ $DEVICES });
// STUN and TURN servers for clients behind a NAT, where this server names any.
const configuration = await (await fetch(new URL("webrtc/configuration", server))).json();
const peer = new RTCPeerConnection(configuration);

@only-send-receive for (const track of devices.getTracks()) peer.addTrack(track, devices);
@only-send for (const track of devices.getTracks()) peer.addTransceiver(track, { direction: "sendonly" });
@only-receive for (const kind of [$KINDS]) peer.addTransceiver(kind, { direction: "recvonly" });

@receive
// In a page of yours, begin in a click: browsers play no sound before one.
const player = document.createElement("$PLAYER");
player.srcObject = new MediaStream();
player.autoplay = player.playsInline = true;
document.body.append(player);
peer.ontrack = ({ track }) => player.srcObject.addTrack(track);

@end
const channel = peer.createDataChannel("messages");
const send = (message) => channel.send(JSON.stringify(message));
channel.onmessage = ({ data }) => receive(JSON.parse(data));
channel.onclose = () => {
  console.log("closed"); // the last message says why
  peer.close();
@send   for (const track of devices.getTracks()) track.stop();
@receive   player.remove();
};

function receive(message) {
  if (message.type === "send_input") send({ event: "input", data: [0.5] }); // the handler asks for inputs
  else console.log(message);
}

async function post(body, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = "Bearer " + token;
  const response = await fetch(new URL("webrtc/offer", server), { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.meta.error); // "concurrency_limit_reached", for one
  return answer;
}

await peer.setLocalDescription();
const answered = post({ type: "offer", sdp: peer.localDescription.sdp, webrtc_id: id });
peer.onicecandidate = async ({ candidate }) => {
  if (!candidate) return;
  const { token } = await answered;
  await post({ type: "ice-candidate", webrtc_id: id, candidate }, token);
};
await peer.setRemoteDescription(await answered);

function stop() {
  send({ event: "stop" }); // the server closes the channel
}
`;

const SOUND = `
// In a page of yours, begin in a click: browsers start no sound before one.
@send const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
const context = new AudioContext();
for (const worklet of [$WORKLETS]) {
  const source = new Blob(["(" + worklet + ")()"], { type: "text/javascript" });
  await context.audioWorklet.addModule(URL.createObjectURL(source));
}
@send const recorder = new AudioWorkletNode(context, "capture", { channelCount: 1, channelCountMode: "explicit" });
@send recorder.connect(context.destination); // silence: some browsers run nothing that leads nowhere
@receive const player = new AudioWorkletNode(context, "playback", { numberOfInputs: 0 });
@receive player.connect(context.destination);

@send
function capture() { // on the audio thread: 16-bit samples, PIECE ms a message
  registerProcessor("capture", class extends AudioWorkletProcessor {
    piece = new Int16Array((sampleRate * PIECE) / 1000);
    filled = 0;

    process([[samples = []]]) {
      for (const sample of samples) {
        this.piece[this.filled++] = 32767 * Math.max(-1, Math.min(1, sample));
        if (this.filled < this.piece.length) continue;
        this.port.postMessage(this.piece);
        this.filled = 0;
      }
      return true;
    }
  });
}

@end
@receive
function playback() { // on the audio thread: plays samples, tells each mark when it is reached
  registerProcessor("playback", class extends AudioWorkletProcessor {
    queue = [];

    constructor() {
      super();
      this.port.onmessage = ({ data }) => (data === null ? this.clear() : this.queue.push(data));
    }

    clear() {
      for (const item of this.queue) if (typeof item === "string") this.port.postMessage(item);
      this.queue = [];
    }

    process(inputs, [[speaker]]) {
      for (let filled = 0; this.queue.length && filled < speaker.length; ) {
        const item = this.queue.shift();
        if (typeof item === "string") {
          this.port.postMessage(item);
          continue;
        }
        const room = speaker.length - filled;
        for (const sample of item.subarray(0, room)) speaker[filled++] = sample / 32768;
        if (item.length > room) this.queue.unshift(item.subarray(room));
      }
      return true;
    }
  });
}

@end`;

const RECEIVED = `@receive
    case "media": { // base64 of the same samples
      const bytes = Uint8Array.from(atob(message.media.payload), (letter) => letter.charCodeAt(0));
      return player.port.postMessage(new Int16Array(bytes.buffer));
    }
    case "mark": // answered when all that came before it has been played
      return player.port.postMessage(message.mark.name);
    case "clear": // an interruption: what is not played yet is dropped
      return player.port.postMessage(null);
@end
    case "send_input": // the handler asks for inputs
      return send({ event: "input", data: [0.5] });
    default:
      console.log(message);
  }
}`;

const WEBSOCKET = `
const server = $SERVER;
const id = crypto.randomUUID(); // yours to choose; it names this call in other requests
${SOUND.replaceAll("PIECE", "20")}
const socket = new WebSocket(new URL("websocket/offer", server).href.replace("http", "ws"));
socket.binaryType = "arraybuffer";
const send = (message) => socket.send(JSON.stringify(message));

socket.onopen = () => {
  const media_format = { encoding: "audio/pcm", sample_rate: context.sampleRate }; // the server converts
  send({ event: "start", websocket_id: id, media_format });
};
@receive
socket.onmessage = ({ data }) => {
  if (typeof data === "string") receive(JSON.parse(data));
  else player.port.postMessage(new Int16Array(data)); // sound comes back in binary messages, as it was sent
};
player.port.onmessage = ({ data: name }) => send({ event: "mark", mark: { name } });
@end
@only-send socket.onmessage = ({ data }) => receive(JSON.parse(data));
socket.onclose = ({ code, reason }) => {
  console.log("closed", code, reason);
  context.close();
@send   for (const track of microphone.getTracks()) track.stop();
};

function receive(message) {
  switch (message.event ?? message.type) {
    case "started":
@send
      recorder.port.onmessage = ({ data }) => socket.readyState === WebSocket.OPEN && socket.send(data);
      context.createMediaStreamSource(microphone).connect(recorder);
@end
      return console.log(message);
${RECEIVED}

function stop() {
  send({ event: "stop" }); // the server closes the socket
}
`;

const HTTP = `
const server = $SERVER;
const id = crypto.randomUUID(); // yours to choose; it names this call in other requests
${SOUND.replaceAll("PIECE", "100")}
const media_format = { encoding: "audio/pcm", sample_rate: context.sampleRate }; // the server converts
const offer = await fetch(new URL("http/offer", server), {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ event: "start", websocket_id: id, media_format }),
});
const { token, links, meta } = await offer.json();
if (!offer.ok) throw new Error(meta.error); // "concurrency_limit_reached", for one

const authorization = { Authorization: "Bearer " + token };
let posted = Promise.resolve(); // one request after the other keeps the order
function post(body, type) {
  const headers = { ...authorization, "Content-Type": type };
  posted = posted.then(() => fetch(new URL(links.send, server), { method: "POST", headers, body })).catch(console.error);
  return posted;
}
const send = (message) => post(JSON.stringify(message), "application/json");
@send
recorder.port.onmessage = ({ data }) => post(data, "application/octet-stream");
context.createMediaStreamSource(microphone).connect(recorder);
@end
@receive player.port.onmessage = ({ data: name }) => send({ event: "mark", mark: { name } });

const events = new EventSource(new URL(links.events + "?token=" + token, server));
events.onmessage = ({ data }) => receive(JSON.parse(data));
events.addEventListener("end", ({ data }) => {
  console.log("closed", data);
  events.close();
  context.close();
@send   for (const track of microphone.getTracks()) track.stop();
});

function receive(message) {
  switch (message.event ?? message.type) {
${RECEIVED}

async function stop() {
  await fetch(new URL(links.end, server), { method: "DELETE", headers: authorization });
}
`;

const CLIENT = `
const server = $SERVER;
const { connect } = await import(server + "client.js");

// In a page of yours, begin in a click: browsers play no sound before one.
const call = connect({
  url: server,
  transport: "$CONNECTION",
  modality: "$MODALITY",
  mode: "$MODE",
  onMessage(message) {
    if (message.type === "send_input") send({ event: "input", data: [0.5] }); // the handler asks for inputs
    else console.log(message);
  },
@shows
  onPictures({ direction, stream }) {
    if (direction !== "out") return; // "in" is the camera
    const player = Object.assign(document.createElement("video"), { srcObject: stream, autoplay: true, muted: true });
    document.body.append(player); // sound is played by the call itself
    call.ended.then(() => player.remove());
  },
@end
});
const { id } = call;
const send = (message) => call.send(message);
const stop = () => call.stop();
call.ended.then(({ text }) => console.log("closed", text));
`;

/** What can be run behind a sample, by name; the page shows each in its section. */
export const SNIPPETS = {
  message: `send({ event: "message", data: { anything: "you like" } });
`,
  input: `send({ event: "input", data: [0.7] }); // a list holds positional values
`,
  hook: `const response = await fetch(new URL("input_hook", server), {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ webrtc_id: id, inputs: [0.9] }),
});
if (!response.ok) console.error((await response.json()).meta); // 404: no such call; 422: it does not fit
`,
  outputs: `const outputs = new EventSource(new URL("outputs?webrtc_id=" + id, server));
outputs.addEventListener("output", ({ data }) => console.log("output", JSON.parse(data)));
outputs.addEventListener("end", () => outputs.close()); // the call is over
`,
  stop: `stop();
`,
};

const PROGRAM = `
@send-receive
from antiphon import Stream, echo

stream = Stream(echo, modality="$MODALITY", mode="$MODE")  # gives back what it gets
@end
@audio/receive
from antiphon import Stream, Tone

stream = Stream(Tone(), modality="$MODALITY", mode="$MODE")
@end
@video/receive
from antiphon import ColorBars, Stream

stream = Stream(ColorBars(), modality="$MODALITY", mode="$MODE")
@end
@audio-video/receive
from antiphon import AudioVideo, ColorBars, Stream, Tone

stream = Stream(AudioVideo(Tone(), ColorBars()), modality="$MODALITY", mode="$MODE")
@end
@audio/send
from antiphon import Call, Stream


async def listen(call: Call) -> None:
    async for frame in call.audio:  # 20 ms; frame.samples is an int16 array
        await call.send({"loudest": int(frame.samples.max())})


stream = Stream(listen, modality="$MODALITY", mode="$MODE")
@end
@video/send
from antiphon import Call, Stream


async def watch(call: Call) -> None:
    async for frame in call.video:  # frame.bgr is a uint8 array of shape (height, width, 3)
        await call.send({"brightness": float(frame.bgr.mean())})


stream = Stream(watch, modality="$MODALITY", mode="$MODE")
@end
@audio-video/send
from antiphon import AudioVideo, Call, Stream


async def listen(call: Call) -> None:
    async for frame in call.audio:  # 20 ms; frame.samples is an int16 array
        await call.send({"loudest": int(frame.samples.max())})


async def watch(call: Call) -> None:
    async for frame in call.video:  # frame.bgr is a uint8 array of shape (height, width, 3)
        await call.send({"brightness": float(frame.bgr.mean())})


stream = Stream(AudioVideo(listen, watch), modality="$MODALITY", mode="$MODE")
@end
`;

/** The rest of the server's side, by name: modules of Python. */
export const PROGRAMS = {
  inputs: `import msgspec

from antiphon import Call, Stream


class Settings(msgspec.Struct):  # or a dataclass, a TypedDict, a pydantic model
    threshold: float = 0.5
    prompt: str = ""


async def handler(call: Call) -> None:
    await call.wait_for_inputs()  # says \`send_input\`
    async for frame in call.audio:
        threshold, prompt = call.inputs  # the newest
        if frame.samples.max() > threshold * 32767:
            await call.output({"loud": True, "prompt": prompt})  # says \`fetch_output\`


stream = Stream(handler, inputs=Settings)
`,
  outputs: `from antiphon import Stream


async def follow(stream: Stream, call_id: str) -> None:
    stream.set_input(call_id, 0.7, "be brief")  # from any thread
    newest = await stream.fetch_latest_output(call_id)  # waits for the first
    print(newest.value)
    async for output in stream.output_stream(call_id):  # all that are kept, then as they come
        print(output.value)
`,
};

const SPEECH = `
const server = $SERVER;
const socket = new WebSocket(new URL("speech_endpoint_detector", server).href.replace("http", "ws"));
await new Promise((resolve) => (socket.onopen = resolve));

const ask = (message) => new Promise((resolve) => { // every message gets one answer, in order
  socket.onmessage = ({ data }) => resolve(data);
  socket.send(message);
});
// The least speech and the silence behind it, in ms, and the rate in Hz: each is answered by "200".
for (const parameter of ["1000", "600", "16000"]) console.log(await ask(parameter));

const piece = new Int16Array(16000 / 10); // 100 ms of 16-bit samples; fill it with yours
console.log(await ask(piece)); // "true" from the end of an utterance until somebody speaks again
socket.close();
`;

/** Asks a speech endpoint whether an utterance has ended. */
export const speech = (server) => fill(SPEECH, [], { SERVER: JSON.stringify(server) });
