// Added to a page before the code that is tested: what it says, plays, shows and opens.
const logged = [];
console.log = (...words) => void logged.push(structuredClone(words));

const ears = [];
const opened = [];

const connectNode = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode) listen(this);
  return connectNode.call(this, target, ...rest);
};

function listen(node) {
  const ear = new AnalyserNode(node.context, { fftSize: 4096 });
  connectNode.call(node, ear);
  ears.push(ear);
}

// Chromium gives Web Audio nothing of a remote track that no element plays.
const SilentPeer = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends SilentPeer {
  constructor(...configuration) {
    super(...configuration);
    this.addEventListener("track", ({ track }) => {
      if (track.kind !== "audio") return;
      listen(new AudioContext().createMediaStreamSource(new MediaStream([track])));
    });
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
  return ears.some((ear) => {
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

/** Whether a message was logged whose data passes. */
const told = (passes) => logged.some(([message]) => message?.type === "message" && passes(message.data));

const isClosed = () => logged.some(([word]) => word === "closed") && opened.every(({ readyState }) => readyState === "ended");
