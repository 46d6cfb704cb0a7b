// Added to a page before the code that is tested: what it says, plays, shows and opens.
const logged = [];
console.log = (...words) => void logged.push(structuredClone(words));

const said = []; // by servers, on whatever carries their messages
const opened = [];
const ears = new Map();

const connectNode = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode) listen(this);
  return connectNode.call(this, target, ...rest);
};

function listen(node) {
  const { context } = node;
  if (!ears.has(context)) ears.set(context, new AnalyserNode(context, { fftSize: 4096 }));
  connectNode.call(node, ears.get(context));
}

function follow(wire) {
  wire.addEventListener("message", ({ data }) => typeof data === "string" && said.push(JSON.parse(data)));
  return wire;
}

const PlainSocket = WebSocket;
globalThis.WebSocket = class extends PlainSocket {
  constructor(...target) {
    super(...target);
    follow(this);
  }
};

// Chromium gives Web Audio nothing of a remote track that no element plays.
const PlainPeer = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends PlainPeer {
  constructor(...configuration) {
    super(...configuration);
    this.addEventListener("track", ({ track }) => {
      if (track.kind !== "audio") return;
      listen(new AudioContext().createMediaStreamSource(new MediaStream([track])));
    });
  }

  createDataChannel(...label) {
    return follow(super.createDataChannel(...label));
  }
};

const openDevices = navigator.mediaDevices.getUserMedia;
navigator.mediaDevices.getUserMedia = async function (wanted) {
  const devices = await openDevices.call(this, wanted);
  opened.push(...devices.getTracks());
  return devices;
};

/** Whether the loudest of what is played has this frequency. */
function hears(hertz) {
  return [...ears.values()].some((ear) => {
    const levels = new Float32Array(ear.frequencyBinCount);
    ear.getFloatFrequencyData(levels);
    const loudest = Math.max(...levels);
    const width = ear.context.sampleRate / ear.fftSize;
    return loudest > -40 && Math.abs(levels.indexOf(loudest) * width - hertz) <= width;
  });
}

/** Whether a video of the page shows a mostly blue picture. */
function seesBlue() {
  return [...document.querySelectorAll("video")].some((video) => {
    const { videoWidth: width, videoHeight: height } = video;
    if (!width) return false;
    const pen = new OffscreenCanvas(width, height).getContext("2d");
    pen.drawImage(video, 0, 0);
    const row = [...pen.getImageData(0, height / 2, width, 1).data];
    const mean = (channel) => row.filter((_, place) => place % 4 === channel).reduce((a, b) => a + b) / width;
    return mean(2) > 150 && mean(0) < 80;
  });
}

/** Whether a message of the handler was logged whose data passes. */
const told = (passes) => logged.some(([message]) => message?.type === "message" && passes(message.data));

/** Whether a message of the handler came whose data passes. */
const came = (passes) => said.some(({ type, data }) => type === "message" && passes(data));

const isClosed = () => logged.some(([word]) => word === "closed") && opened.every(({ readyState }) => readyState === "ended");
