// How a page uses the module. It is only compiled, against the declarations that are shipped.

import {
  type Call,
  type Cause,
  connect,
  type ConnectOptions,
  devices,
  type Devices,
  type Ending,
  MODALITIES,
  obstacle,
  type ServerMessage,
  type Stats,
} from "antiphon-client";

/** What one can say of a message is known from its kind. */
function say(message: ServerMessage): string {
  switch (message.type) {
    case "log":
    case "message":
      return JSON.stringify(message.data);
    case "error":
    case "warning":
      return String(message.message ?? message.data);
    case undefined:
      break;
    default:
      return message.type;
  }
  if (message.status === "failed") return `${message.meta.error}: ${message.meta.detail ?? ""} ${message.meta.limit?.toFixed()}`;
  switch (message.event) {
    case "started":
      return `${message.media_format.encoding} ${message.media_format.sample_rate} ${message.token.length}`;
    case "mark":
      return message.mark.name;
    case "clear":
      return "clear";
  }
}

/** Every cause has its sentence: a new one must be met here. */
function advice({ cause, code, meta }: Ending): string {
  const advices: Record<Cause, string> = {
    stopped: "",
    ended: `${code}`,
    refused: `${meta?.error}`,
    unreachable: "",
    lost: "",
    protocol: "",
    devices: "",
    unsupported: "",
  };
  return advices[cause];
}

async function use(track: MediaStreamTrack, video: HTMLVideoElement): Promise<void> {
  const problem: string | null = obstacle("webrtc");
  const { microphones, cameras, speakers }: Devices = await devices("audio-video");
  const options: ConnectOptions = {
    id: "one",
    url: new URL("https://voice.example.org/"),
    transport: "webrtc",
    modality: MODALITIES.webrtc[2]!,
    mode: "send-receive",
    microphone: microphones[0]!.id,
    camera: track,
    speaker: speakers[0]!.id,
    video: { width: 320 },
    sampleRate: 16_000,
    metadata: { who: ["I"] },
    inputs: { temperature: 0.5 },
    reconnect: { attempts: 3, firstDelay: 100 },
    onState(state, ending, retry) {
      if (state === "reconnecting") console.log(retry?.attempt, retry?.because.text);
      if (state === "closed") console.log(ending?.isProblem);
    },
    onMessage: (message) => console.log(say(message)),
    onOutput: (value: unknown) => console.log(value),
    onAudio: (samples: Float32Array, sampleRate: number) => console.log(samples.length / sampleRate),
    onLevel: ({ direction, rms, peak, low, high }) => console.log(direction, rms, peak, high - low),
    onPictures: ({ direction, stream }) => direction === "out" && (video.srcObject = stream),
    onInterrupted: ({ heard, dropped }) => console.log(heard?.toFixed(), dropped?.toFixed()),
  };
  const call: Call = connect(options);
  call.mute();
  call.mute(!call.muted);
  call.setInputs([1, "two"]);
  await call.useMicrophone(new MediaStream([track]));
  await call.useCamera(cameras[0]!.id);
  await call.useSpeaker("default");
  const sent: boolean = call.send({ event: "message", data: { any: problem } });
  const { jitter, buffered, underruns, network }: Stats = call.stats;
  console.log(call.id, call.token, call.peerConnection?.connectionState, jitter, buffered, underruns, network?.lossIn, sent);
  const ending: Ending = await call.ended;
  console.log(advice(ending), (await call.stop()).text);
}

connect();
// @ts-expect-error: no such transport
connect({ transport: "carrier pigeon" });
// @ts-expect-error: an event is named
connect().send({ data: 1 });
// @ts-expect-error: a call is not opened twice
connect().connect();

export { use };
