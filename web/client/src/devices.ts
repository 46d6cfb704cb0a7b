// Microphones, cameras and speakers: which there are, and those that a call uses.

import { Ending } from "./endings";
import type { Modality, Source } from "./options";

export interface Device {
  /** For the options `microphone`, `camera` and `speaker`. */
  id: string;
  /** Its name, or "Microphone 1" while the browser keeps names to itself. */
  label: string;
  /** The same for the microphone and the speaker of one headset. */
  group: string;
}

export interface Devices {
  microphones: Device[];
  cameras: Device[];
  speakers: Device[];
}

const MICROPHONE = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
const NAMES = { audio: "microphone", video: "camera", "audio-video": "microphone or camera" };

/**
 * What there is to choose from. Browsers tell names, and all that there is, only to pages that were
 * allowed to use a device: with `permission` the user is asked for that first, where it is needed.
 * Rejects with an Ending when that is refused.
 */
export async function devices(permission?: Modality): Promise<Devices> {
  if (!navigator.mediaDevices) throw new Ending("unsupported", "This page is not on a secure origin, so it gets no devices.");
  let found = await navigator.mediaDevices.enumerateDevices();
  if (permission && isSecret(found, permission)) {
    const stream = await ask(permission, { audio: permission !== "video", video: permission !== "audio" });
    found = await navigator.mediaDevices.enumerateDevices();
    stream.getTracks().forEach((track) => track.stop());
  }
  return {
    microphones: named(found, "audioinput", "Microphone"),
    cameras: named(found, "videoinput", "Camera"),
    speakers: named(found, "audiooutput", "Speaker"),
  };
}

function isSecret(found: MediaDeviceInfo[], permission: Modality): boolean {
  const isWanted = ({ kind }: MediaDeviceInfo): boolean =>
    (kind === "audioinput" && permission !== "video") || (kind === "videoinput" && permission !== "audio");
  return found.filter(isWanted).some(({ label }) => !label);
}

function named(found: MediaDeviceInfo[], kind: MediaDeviceKind, word: string): Device[] {
  return found
    .filter((device) => device.kind === kind && device.deviceId)
    .map(({ deviceId: id, label, groupId: group }, index) => ({ id, label: label || `${word} ${index + 1}`, group }));
}

/** Which devices a call wants. */
export interface Wanted {
  microphone?: Source | undefined;
  camera?: Source | undefined;
  video?: MediaTrackConstraints | undefined;
}

/**
 * The tracks that a call sends. What the page gave stays the page's: it is not stopped, and is not
 * left muted.
 */
export class Sources {
  readonly stream = new MediaStream();
  readonly #own = new Set<MediaStreamTrack>();
  readonly #onEnded = ({ target }: Event): void => this.#lost((target as MediaStreamTrack).kind === "audio" ? "microphone" : "camera");
  readonly #lost: (name: string) => void;
  #isMuted = false;

  /** `lost` is called with the kind of device when one that is in use goes away. */
  constructor(lost: (name: string) => void) {
    this.#lost = lost;
  }

  get microphone(): MediaStreamTrack | null {
    return this.stream.getAudioTracks()[0] ?? null;
  }

  get camera(): MediaStreamTrack | null {
    return this.stream.getVideoTracks()[0] ?? null;
  }

  /** Use these devices, besides those of other kinds, if `isWanted` still holds when they are open. */
  async open(modality: Modality, { microphone, camera, video }: Wanted, isWanted: () => boolean): Promise<boolean> {
    const given = [modality !== "video" && givenTrack(microphone, "audio"), modality !== "audio" && givenTrack(camera, "video")];
    const audio = modality !== "video" && !given[0] && { ...MICROPHONE, ...exactly(microphone) };
    const pictures = modality !== "audio" && !given[1] && { ...(video ?? CAMERA), ...exactly(camera) };
    const opened = audio || pictures ? (await ask(modality, { audio, video: pictures })).getTracks() : [];
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

  mute(on: boolean): void {
    this.#isMuted = on;
    if (this.microphone) this.microphone.enabled = !on;
  }

  release(): void {
    for (const track of this.stream.getTracks()) this.#drop(track);
  }

  #use(track: MediaStreamTrack): void {
    const [old] = this.stream.getTracks().filter(({ kind }) => kind === track.kind);
    if (old === track) return;
    if (old) this.#drop(old);
    this.stream.addTrack(track);
    if (track.kind === "audio" && this.#isMuted) track.enabled = false;
    track.addEventListener("ended", this.#onEnded);
  }

  #drop(track: MediaStreamTrack): void {
    this.stream.removeTrack(track);
    track.removeEventListener("ended", this.#onEnded);
    if (this.#own.delete(track)) track.stop();
    else if (track.kind === "audio" && this.#isMuted) track.enabled = true;
  }
}

function exactly(source: Source | undefined): MediaTrackConstraints {
  return typeof source === "string" ? { deviceId: { exact: source } } : {};
}

function givenTrack(source: Source | undefined, kind: "audio" | "video"): MediaStreamTrack | null {
  if (source === undefined || typeof source === "string") return null;
  const tracks = source instanceof MediaStream ? source.getTracks() : [source];
  const track = tracks.find((each) => each.kind === kind);
  if (!track) throw new TypeError(`there is no ${kind} track in what was given as the ${NAMES[kind]}`);
  return track;
}

async function ask(modality: Modality, constraints: MediaStreamConstraints): Promise<MediaStream> {
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    throw deviceProblem(NAMES[modality], error as DOMException);
  }
}

function deviceProblem(name: string, { name: kind, message }: DOMException): Ending {
  const texts: Record<string, string> = {
    NotAllowedError: `The ${name} was refused. Allow it for this page in the browser's site settings and start again, or choose “Receive only”, which needs none.`,
    NotFoundError: `No ${name} was found. Connect one and start again, or choose “Receive only”, which needs none.`,
    NotReadableError: `The ${name} cannot be opened. Another program may be using it.`,
    OverconstrainedError: `The chosen ${name} was not found. Connect it, or choose another.`,
  };
  return new Ending("devices", texts[kind] ?? `The ${name} cannot be opened: ${message}`);
}
