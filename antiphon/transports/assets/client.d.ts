// The browser client of antiphon. Built from web/client by `make web`: change it there.
/** How sound travels, in both directions. */
interface MediaFormat {
    encoding: "audio/x-mulaw" | "audio/x-alaw" | "audio/pcm";
    /** Hz. */
    sample_rate: number;
}
/** Why the server took no call; `error` is one of the names of its protocol. */
interface RefusalMeta {
    error?: string;
    detail?: string;
    limit?: number;
    /** Seconds after which to try again, where an HTTP response said so. */
    retryAfter?: number;
    [field: string]: unknown;
}
interface Control {
    type?: undefined;
    status?: undefined;
}
interface Told {
    event?: undefined;
    status?: undefined;
}
/** What a page is told of: every message of the server but sound and the answers to pings. */
type ServerMessage = ({
    event: "started";
    media_format: MediaFormat;
    token: string;
} & Control) | ({
    event: "mark";
    mark: {
        name: string;
    };
} & Control) | ({
    event: "clear";
} & Control) | ({
    type: "send_input" | "fetch_output";
    data: unknown;
} & Told) | ({
    type: "stopword";
    data: unknown;
} & Told) | ({
    type: "log";
    data: unknown;
} & Told) | ({
    type: "message";
    data: unknown;
} & Told) | ({
    type: "error" | "warning";
    data: unknown;
    message?: unknown;
} & Told) | ({
    type: "end_stream";
    data: unknown;
} & Told) | {
    status: "failed";
    meta: RefusalMeta;
    type?: undefined;
    event?: undefined;
};
/** What a page may send while a call is open. */
type ClientEvent = {
    event: "message";
    data: unknown;
} | {
    event: "input";
    data: unknown;
} | {
    event: "mark";
    mark: {
        name: string;
    };
} | {
    event: "ping";
} | {
    event: "stop";
};
/** What travels besides: sound, in base64 or, from a binary message, as bytes; and pongs. */
type WireMessage = ServerMessage | ({
    event: "media";
    media: {
        payload: string | Uint8Array;
    };
} & Control) | ({
    event: "pong";
} & Control);
interface MediaEvent {
    event: "media";
    media: {
        payload: string;
    };
}
/** Asks for a call. */
interface Start {
    event: "start";
    websocket_id: string;
    media_format: MediaFormat;
    metadata: Record<string, unknown>;
    inputs?: unknown;
}
/** A message as the wire has it; what cannot be read becomes a warning. */
declare function parse(text: string): WireMessage;
/** A warning of the client itself, in the server's form. */
declare function warning(data: string): ServerMessage;
/**
 * - `stopped`: by the page, with `call.stop()`.
 * - `ended`: by the server, in order.
 * - `refused`: the server takes no such call, or none now; `meta` is its refusal.
 * - `unreachable`: nothing answers.
 * - `lost`: the connection or the server went away.
 * - `protocol`: one side did not understand the other.
 * - `devices`: a microphone or camera was refused, is missing, or was disconnected.
 * - `unsupported`: the browser or the page's origin cannot make calls.
 */
type Cause = "stopped" | "ended" | "refused" | "unreachable" | "lost" | "protocol" | "devices" | "unsupported";
/** Why a call ended: a cause, a sentence for people, and what the server said. */
declare class Ending extends Error {
    readonly cause: Cause;
    /** The same sentence as `message`. */
    readonly text: string;
    /** The close code of the WebSocket, or of the event stream's end. */
    readonly code: number | null;
    /** The refusal of the server. */
    readonly meta: RefusalMeta | null;
    constructor(cause: Cause, text: string, { code, meta }?: {
        code?: number | null;
        meta?: RefusalMeta | null;
    });
    /** Whether it ended otherwise than one of both sides wished. */
    get isProblem(): boolean;
}
/**
 * The ending to tell if the connection closes after this message, given what was known before. A
 * refusal and the end of the stream stay; an error does only while nothing follows it.
 */
declare function lastWord(message: WireMessage, before: Ending | null): Ending | null;
/** The ending that a close code means (RFC 6455 section 7.4.1), the last word of the server known. */
declare function explain(code: number, reason: string, word: Ending | null): Ending;
/** The ending that a response with an error status means. */
declare function refusalOf(response: Response): Promise<Ending>;
/** What a response says. Throws an Ending when it is a refusal, or comes from something else. */
declare function answerOf<Body>(response: Response): Promise<Body>;
/** A response, whatever its status. Throws an Ending when there is none. */
declare function ask(url: URL, request: RequestInit): Promise<Response>;
declare function unreachable(url: URL): Ending;
declare function broken(): Ending;
declare function stopped(): Ending;
declare function asEnding(error: unknown): Ending;
type Transport = "webrtc" | "websocket" | "http";
type Modality = "audio" | "video" | "audio-video";
type Mode = "send-receive" | "send" | "receive";
/** The states of a call. `closed` is the last; `reconnecting` comes only where it is asked for. */
type State = "new" | "preparing" | "connecting" | "open" | "reconnecting" | "closing" | "closed";
/** A device's id, as `devices()` gives it, or a stream or track of the page's own making. */
type Source = string | MediaStream | MediaStreamTrack;
/** How to call again when a connection was lost. */
interface Reconnect {
    /** How many times in a row; 8 by default. */
    attempts?: number;
    /** Milliseconds before the first attempt, doubled for each that follows; 500 by default. */
    firstDelay?: number;
    /** The longest wait in milliseconds; 10,000 by default. */
    maxDelay?: number;
}
/** An attempt to call again that is waited for. */
interface Retry {
    /** 1 for the first. */
    attempt: number;
    attempts: number;
    /** Milliseconds until it is made. */
    delay: number;
    /** Why the connection, or the attempt before, failed. */
    because: Ending;
}
/** Loudness of 20 ms of sound, samples being -1 to 1. */
interface Level {
    /** `in` from the microphone, `out` to the speaker. */
    direction: "in" | "out";
    rms: number;
    /** The largest magnitude. */
    peak: number;
    low: number;
    high: number;
}
interface Pictures {
    /** `in` from the camera, `out` from the server. */
    direction: "in" | "out";
    /** For the `srcObject` of a `<video>`. */
    stream: MediaStream;
}
/** What an interruption did to the sound of a reply, in milliseconds; null where it is not known (WebRTC). */
interface Interruption {
    /** Played, since the last `response_starting` or interruption, or since the call began. */
    heard: number | null;
    /** Received, and not played. */
    dropped: number | null;
}
interface ConnectOptions {
    /** Of the call, for `input_hook` and `outputs`; random by default, and then another for each reconnection. */
    id?: string;
    /** Base of the server's routes, with a slash at its end, relative to the page; the page's own by default. */
    url?: string | URL;
    /** `websocket` by default. */
    transport?: Transport;
    /** `audio` by default; the others need WebRTC. */
    modality?: Modality;
    /** `send-receive` by default, as the page sees it. */
    mode?: Mode;
    /** The microphone; the browser's choice by default. */
    microphone?: Source;
    /** The camera; the browser's choice by default. */
    camera?: Source;
    /** Id of the device to play on, where the browser lets pages choose; its choice by default. */
    speaker?: string;
    /** Constraints of the camera, as `getUserMedia` takes them. */
    video?: MediaTrackConstraints;
    /** Hz of `onAudio`, and of the sound on a WebSocket and over HTTP; 24,000 by default. */
    sampleRate?: number;
    /** Told to the server with the start of the call; the mode is added. */
    metadata?: Record<string, unknown>;
    /** Inputs of the handler, sent with the start: a list by place, an object by name, or one value. */
    inputs?: unknown;
    /** Call again when a connection was lost; false by default. */
    reconnect?: boolean | Reconnect;
    /** `ending` comes with `closed`, `retry` with `reconnecting`. */
    onState?(state: State, ending?: Ending, retry?: Retry): void;
    /** Every message of the server but sound and pongs. */
    onMessage?(message: ServerMessage): void;
    /** Each output of the handler. */
    onOutput?(value: unknown): void;
    /** Each frame that came, -1 to 1. */
    onAudio?(samples: Float32Array, sampleRate: number): void;
    /** Each captured frame, -1 to 1, before it is sent; silence while the call is muted. */
    onCapture?(samples: Float32Array, sampleRate: number): void;
    /** Every 20 ms, of what is captured and of what is played. */
    onLevel?(level: Level): void;
    /** The camera, and what comes back. */
    onPictures?(pictures: Pictures): void;
    /** The server has dropped the rest of what it said. */
    onInterrupted?(interruption: Interruption): void;
}
/** Figures of a call over WebRTC, measured once a second; null while unknown. */
interface Network {
    /** Milliseconds. */
    roundTrip: number | null;
    /** Milliseconds. */
    jitter: number | null;
    /** Milliseconds of sound in the browser's jitter buffer. */
    buffered: number | null;
    /** How many times lost or late sound was concealed. */
    concealments: number;
    /** Share of lost packets, 0 to 1. */
    lossIn: number | null;
    lossOut: number | null;
    /** Bits a second. */
    bitRateIn: number | null;
    bitRateOut: number | null;
    /** Pictures a second. */
    frameRateIn: number | null;
    frameRateOut: number | null;
    packetsIn: number;
    packetsOut: number;
}
/** Figures of a call, kept up to date; over WebRTC they come from `network`. */
interface Stats {
    /** Frames of sound, or packets over WebRTC. */
    framesOut: number;
    framesIn: number;
    /** Frames that were not sent because the network did not keep up. */
    framesDropped: number;
    /** Milliseconds. */
    roundTrip: number | null;
    /** How unevenly sound arrives, in milliseconds (the formula of RFC 3550). */
    jitter: number | null;
    /** Milliseconds of sound that waits to be played. */
    buffered: number;
    /** Milliseconds of sound that playing waits for: it follows the jitter. Null over WebRTC. */
    target: number | null;
    /** How many times sound came too late to be played without a gap. */
    underruns: number;
    /** Milliseconds of sound left out to make up for a delay; 0 over WebRTC. */
    skipped: number;
    /** How many times the call was made again. */
    reconnects: number;
    /** Only over WebRTC. */
    network: Network | null;
}
declare const MODES: readonly Mode[];
/** What each transport can carry. */
declare const MODALITIES: Record<Transport, readonly Modality[]>;
/** What keeps calls from working on this page, or those of one transport, as a sentence, or null. */
declare function obstacle(transport?: Transport): string | null;
interface Device {
    /** For the options `microphone`, `camera` and `speaker`. */
    id: string;
    /** Its name, or "Microphone 1" while the browser keeps names to itself. */
    label: string;
    /** The same for the microphone and the speaker of one headset. */
    group: string;
}
interface Devices {
    microphones: Device[];
    cameras: Device[];
    speakers: Device[];
}
/**
 * What there is to choose from. Browsers tell names, and all that there is, only to pages that were
 * allowed to use a device: with `permission` the user is asked for that first, where it is needed.
 * Rejects with an Ending when that is refused.
 */
declare function devices(permission?: Modality): Promise<Devices>;
/** Which devices a call wants. */
interface Wanted {
    microphone?: Source | undefined;
    camera?: Source | undefined;
    video?: MediaTrackConstraints | undefined;
}
/**
 * The tracks that a call sends. What the page gave stays the page's: it is not stopped, and is not
 * left muted.
 */
declare class Sources {
    #private;
    readonly stream: MediaStream;
    /** `lost` is called with the kind of device when one that is in use goes away. */
    constructor(lost: (name: string) => void);
    get microphone(): MediaStreamTrack | null;
    get camera(): MediaStreamTrack | null;
    /** Use these devices, besides those of other kinds, if `isWanted` still holds when they are open. */
    open(modality: Modality, { microphone, camera, video }: Wanted, isWanted: () => boolean): Promise<boolean>;
    mute(on: boolean): void;
    release(): void;
}
/** Samples (-1 to 1, clipped) to mu-law codes. */
declare function encodeMulaw(samples: ArrayLike<number>): Uint8Array;
/** Mu-law codes to samples. */
declare function decodeMulaw(codes: ArrayLike<number>): Float32Array;
/**
 * Stateful polyphase resampler between two whole rates: a windowed sinc with one row of weights for
 * each phase, so any split of the input gives the same output. It also runs in the audio worklets.
 */
declare class Resampler {
    #private;
    constructor(from: number, to: number);
    reset(): void;
    /** Calls emit(samples) with what is ready; the array is only lent. */
    convert(input: Float32Array, emit: (samples: Float32Array) => void): void;
}
/**
 * Start a call. Returns it at once; its progress is told by the callbacks. Sound that comes back is
 * played by the call itself, on every transport. Throws TypeError for options that cannot be.
 */
declare function connect(options?: ConnectOptions): Call;
/** One call, from `connect` to `closed`; with `reconnect` over several connections. */
declare class Call {
    #private;
    /** For `input_hook` and `outputs`; another after a reconnection, unless it was given. */
    id: string;
    /** Proves to the server that a request is about this call; null until the call is open. */
    token: string | null;
    state: State;
    /** Whether the microphone sends silence. */
    muted: boolean;
    readonly stats: Stats;
    /** Resolves when the call is over; never rejects. */
    readonly ended: Promise<Ending>;
    constructor(options?: ConnectOptions);
    /** The connection of a call over WebRTC, for what this module has no words for. */
    get peerConnection(): RTCPeerConnection | null;
    /** Hang up. Safe at any time, also while the call is still being made. */
    stop(): Promise<Ending>;
    /** Send one event of the protocol, such as `{event: "message", data}`; false while the call is not open. */
    send(event: ClientEvent): boolean;
    /** Give the handler other inputs, in the form of the option `inputs`; kept for a call that is not open. */
    setInputs(inputs: unknown): void;
    /** Send silence, or sound again. */
    mute(on?: boolean): void;
    /** Go on with another microphone. Rejects with an Ending where that fails; the call goes on with the old one. */
    useMicrophone(microphone: Source): Promise<void>;
    /** Go on with another camera, as with `useMicrophone`. */
    useCamera(camera: Source): Promise<void>;
    /** Play on another device. Rejects with an Ending where the browser or the device does not let it. */
    useSpeaker(speaker: string): Promise<void>;
}
export { decodeMulaw, encodeMulaw, Resampler, Call, connect, devices, type Device, type Devices, type Cause, Ending, type ClientEvent, type MediaFormat, type RefusalMeta, type ServerMessage, type ConnectOptions, type Interruption, type Level, MODALITIES, type Modality, type Mode, type Network, type Pictures, type Reconnect, type Retry, type Source, type State, type Stats, type Transport, obstacle };
