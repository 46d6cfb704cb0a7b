// What a test does in a page: call by the page's own client, and look at what comes.
const told = {};
const warnings = [];
let samples = [];
let call = null;
let screen_ = null;

async function dial(options, to = "") {
  const { connect } = await import(new URL("client.js", document.baseURI));
  warnings.length = 0;
  call = connect({
    url: to ? new URL(to, location.origin) : document.baseURI,
    transport: "webrtc",
    video: { width: 320, height: 240, frameRate: 15 },
    onMessage: ({ type, data }) => {
      if (type === "message") Object.assign(told, data);
      if (type === "warning") warnings.push(data);
    },
    onAudio: (heard) => (samples = [...samples, ...heard].slice(-6000)),
    onPictures: ({ direction, stream }) => {
      if (direction !== "out") return;
      screen_ = Object.assign(document.createElement("video"), { srcObject: stream, muted: true });
      document.body.append(screen_);
      screen_.play();
    },
    ...options,
  });
}

/** What the page is shown: mean red, green and blue of a row, and where the bar stands in it. */
function look() {
  const { videoWidth: width, videoHeight: height } = screen_ ?? {};
  if (!width) return null;
  const pen = new OffscreenCanvas(width, height).getContext("2d");
  pen.drawImage(screen_, 0, 0);
  const row = [...pen.getImageData(0, height / 2, width, 1).data];
  const channel = (number) => row.filter((_, place) => place % 4 === number);
  const rgb = [0, 1, 2].map((number) => channel(number).reduce((a, b) => a + b) / width);
  return { width, height, rgb, bar: channel(0).findIndex((red) => red > 128) };
}

/** What getStats counts, by kind and direction, pictures or packets of sound: at least so many. */
async function flows(least) {
  const counts = {};
  while (!Object.keys(counts).length || Math.min(...Object.values(counts)) < least) {
    for (const each of (await call.peerConnection.getStats()).values()) {
      const { type, kind } = each;
      if (type === "inbound-rtp") counts[`${kind} in`] = each.framesDecoded ?? each.packetsReceived;
      if (type === "outbound-rtp") counts[`${kind} out`] = each.framesSent ?? each.packetsSent;
    }
  }
  return counts;
}

/** End the call from the "page" or the "server"; tells how, and the seconds until its slot is free. */
async function hangUp(end) {
  const started = performance.now();
  if (end === "page") await call.stop();
  else call.send({ event: "message", data: "hang up" });
  while ((await (await fetch("health")).json()).calls);
  const seconds = (performance.now() - started) / 1000;
  return { ...(await ending()), seconds };
}

async function ending() {
  const { cause, text } = await call.ended;
  return { cause, text };
}
