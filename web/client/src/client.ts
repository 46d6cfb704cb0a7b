export { decodeMulaw, encodeMulaw } from "./audio/mulaw";
export { Resampler } from "./audio/resampler";
export { Call, connect } from "./call";
export { devices, type Device, type Devices } from "./devices";
export { type Cause, Ending } from "./endings";
export type { ClientEvent, MediaFormat, RefusalMeta, ServerMessage } from "./messages";
export {
  type ConnectOptions,
  type Interruption,
  type Level,
  MODALITIES,
  type Modality,
  type Mode,
  type Network,
  type Pictures,
  type Reconnect,
  type Retry,
  type Source,
  type State,
  type Stats,
  type Transport,
} from "./options";
export { obstacle } from "./support";
