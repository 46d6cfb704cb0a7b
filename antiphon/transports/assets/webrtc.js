// WebRTC for the browser client of antiphon: one peer connection, whose tracks carry sound and
// pictures and whose data channel carries the messages.

import { Ending, ask, explain, lastWord, parse, pause, refusalOf } from "./endings.js";

const CLOSE_TIMEOUT_MS = 1000;
const JSON_TYPE = { "Content-Type": "application/json" };
const KINDS = { audio: ["audio"], video: ["video"], "audio-video": ["audio", "video"] };
const DIRECTIONS = { "send-receive": "sendrecv", send: "sendonly", receive: "recvonly" };
const WORDS = { audio: "sound", video: "pictures" };

export class PeerLink {
  #base;
  #owner;
  #modality;
  #mode;
  #channel = null;
  #offer = null;
  #candidates = [];
  #isClosed = false;
  #lastWord = null;
  #join;
  #fail;
  #before = null;

  /** The RTCPeerConnection, once there is one. */
  connection = null;

  /** What the server sends; complete when `open` resolves. */
  remote = new MediaStream();

  constructor(base, owner, { modality, mode }) {
    this.#base = base;
    this.#owner = owner;
    this.#modality = modality;
    this.#mode = mode;
  }

  /** The ending to tell when `open` takes too long; null while the server has not answered. */
  get late() {
    return this.connection?.remoteDescription ? noWay() : null;
  }

  /** Offer the devices' tracks; resolves when media and messages can flow. */
  async open(start, devices) {
    const joined = new Promise((resolve, reject) => ([this.#join, this.#fail] = [resolve, reject]));
    joined.catch(() => {}); // it may fail while the answer is still waited for
    const configuration = await this.#ask("webrtc/configuration", { method: "GET" });
    if (this.#isClosed) return;
    this.connection = new RTCPeerConnection(configuration);
    this.#listen();
    this.#addMedia(devices);
    await this.connection.setLocalDescription();
    if (this.#isClosed) return;
    const { sdp } = this.connection.localDescription;
    const { websocket_id: id, metadata } = start;
    const answer = await this.#post({ type: "offer", sdp, webrtc_id: id, metadata });
    if (this.#isClosed) return;
    await this.connection.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    this.#offer = { id, headers: { ...JSON_TYPE, Authorization: `Bearer ${answer.token}` } };
    this.#candidates.splice(0).forEach((candidate) => this.#trickle(candidate));
    await joined;
    this.#compare();
  }

  send(event) {
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify(event));
  }

  /** Say `stop` where the call is open and let the server close; close by ourselves if it does not. */
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

  /** What getStats says, in milliseconds, shares, bits and pictures a second since the last time. */
  async measure() {
    const report = await this.connection.getStats();
    const now = totals(report);
    const figures = compare(now, this.#before ?? now);
    this.#before = now;
    return figures;
  }

  #listen() {
    const { connection } = this;
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return;
      if (this.#offer) this.#trickle(candidate);
      else this.#candidates.push(candidate);
    };
    connection.ontrack = ({ track }) => this.remote.addTrack(track);
    connection.onconnectionstatechange = () => {
      const wasJoined = this.#channel.readyState !== "connecting";
      if (connection.connectionState === "failed") this.#end(wasJoined ? broken() : noWay());
      if (connection.connectionState === "disconnected") this.#askIfGone();
    };
    this.#channel = connection.createDataChannel("antiphon");
    this.#channel.onopen = () => this.#join();
    this.#channel.onmessage = ({ data }) => this.#receive(data);
    this.#channel.onclose = () => this.#end(explain(1000, "", this.#lastWord));
  }

  /** A break of the network may mend; a server that does not answer over HTTP either is gone. */
  #askIfGone() {
    this.#ask("health", { method: "GET" }).catch(({ cause }) => {
      if (cause === "unreachable") this.#end(broken());
    });
  }

  #addMedia(devices) {
    for (const kind of KINDS[this.#modality]) {
      const [track] = devices?.getTracks().filter((each) => each.kind === kind) ?? [];
      const direction = DIRECTIONS[this.#mode];
      this.connection.addTransceiver(track ?? kind, { direction, streams: devices ? [devices] : [] });
    }
  }

  #receive(data) {
    if (typeof data !== "string") return;
    const message = parse(data);
    this.#lastWord = lastWord(message, this.#lastWord);
    this.#owner.message(message);
  }

  #trickle(candidate) {
    const body = { type: "ice-candidate", webrtc_id: this.#offer.id, candidate: candidate.toJSON() };
    // One that is refused is one way less; whether any way is left shows in the connection's state.
    this.#post(body, this.#offer.headers).catch(() => {});
  }

  #post(body, headers = JSON_TYPE) {
    return this.#ask("webrtc/offer", { method: "POST", body: JSON.stringify(body), headers });
  }

  async #ask(path, request) {
    const response = await ask(new URL(path, this.#base), request);
    if (!response.ok) throw await refusalOf(response);
    return response.json();
  }

  /** Tell where the server has agreed to less than was offered. */
  #compare() {
    const wanted = DIRECTIONS[this.#mode];
    for (const { currentDirection, receiver } of this.connection.getTransceivers()) {
      const agreed = currentDirection ?? "inactive";
      const word = WORDS[receiver.track.kind];
      const lacks = (way) => (wanted === "sendrecv" || wanted === way) && agreed !== "sendrecv" && agreed !== way;
      if (lacks("sendonly")) this.#owner.message({ type: "warning", data: `The server takes no ${word} in this call.` });
      if (lacks("recvonly")) this.#owner.message({ type: "warning", data: `The server sends no ${word} in this call.` });
    }
  }

  #end(ending) {
    this.#fail(ending);
    if (!this.#isClosed) this.#owner.ended(ending);
  }
}

function broken() {
  return new Ending("lost", "The server is gone: the connection broke.");
}

function noWay() {
  return new Ending(
    "unreachable",
    "The server answered, but no way to its media was found. A firewall may stand between: use WebSocket, or a TURN server.",
  );
}

/** Counters since the start of the call, and gauges, from an RTCStatsReport. */
function totals(report) {
  const all = [...report.values()];
  const of = (type) => all.filter((stats) => stats.type === type);
  const sum = (list, ...fields) => list.reduce((total, stats) => fields.reduce((part, field) => part + (stats[field] ?? 0), total), 0);
  const [inbound, outbound, told] = ["inbound-rtp", "outbound-rtp", "remote-inbound-rtp"].map(of);
  const pictured = (list) => list.some(({ kind }) => kind === "video");
  const jitters = (inbound.length ? inbound : told).map(({ jitter = 0 }) => jitter);
  return {
    at: performance.now(),
    roundTrip: usedPair(report, all)?.currentRoundTripTime,
    jitter: jitters.length ? Math.max(...jitters) : undefined,
    bitsIn: 8 * sum(inbound, "bytesReceived", "headerBytesReceived"),
    bitsOut: 8 * sum(outbound, "bytesSent", "headerBytesSent"),
    packetsIn: sum(inbound, "packetsReceived"),
    packetsOut: sum(outbound, "packetsSent"),
    lostIn: sum(inbound, "packetsLost"),
    lostOut: sum(told, "packetsLost"),
    framesIn: pictured(inbound) ? sum(inbound, "framesDecoded") : null,
    framesOut: pictured(outbound) ? sum(outbound, "framesSent") : null,
  };
}

function usedPair(report, all) {
  const transport = all.find(({ type, selectedCandidatePairId }) => type === "transport" && selectedCandidatePairId);
  if (transport) return report.get(transport.selectedCandidatePairId);
  return all.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
}

function compare(now, before) {
  const seconds = (now.at - before.at) / 1000;
  const rate = (name) => (seconds > 0 && now[name] !== null ? (now[name] - before[name]) / seconds : null);
  const share = (part, whole) => (whole > 0 ? Math.max(0, part) / whole : null);
  const milliseconds = (value) => (value === undefined ? null : 1000 * value);
  return {
    roundTrip: milliseconds(now.roundTrip),
    jitter: milliseconds(now.jitter),
    lossIn: share(now.lostIn, now.lostIn + now.packetsIn),
    lossOut: share(now.lostOut, now.packetsOut),
    bitRateIn: rate("bitsIn"),
    bitRateOut: rate("bitsOut"),
    frameRateIn: rate("framesIn"),
    frameRateOut: rate("framesOut"),
    packetsIn: now.packetsIn,
    packetsOut: now.packetsOut,
  };
}
