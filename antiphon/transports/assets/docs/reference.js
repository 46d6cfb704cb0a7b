// What the guide says of messages and refusals; tests hold it to the server's own definitions.

const ALL = "webrtc websocket http";
const SOUND = "websocket http"; // over WebRTC sound has a track

/** What a client says: an example, what it does, and over which connections. */
export const TO_SERVER = [
  [{ event: "start", websocket_id: "any-id", media_format: { encoding: "audio/pcm", sample_rate: 24000 }, metadata: { any: "thing" }, inputs: [0.5] },
    "asks for a call; all but the id may be left out", SOUND],
  [{ event: "media", media: { payload: "AAAAAA==" } }, "sound, in base64", SOUND],
  [{ event: "mark", mark: { name: "antiphon-1" } }, "all sound before this mark has been played, or dropped", SOUND],
  [{ event: "input", data: [0.5, "text"] }, "inputs for the handler's next call: a list holds positional values, anything else is one value", ALL],
  [{ event: "message", data: { anything: "you like" } }, "something for the handler", ALL],
  [{ event: "ping" }, "asks for a <code>pong</code>", ALL],
  [{ event: "stop" }, "ends the call", ALL],
];

/** What a server says, likewise. */
export const TO_CLIENT = [
  [{ event: "started", media_format: { encoding: "audio/pcm", sample_rate: 24000 }, token: "qB1yJ0a2" },
    "the call is admitted; said to a client that named a media format", SOUND],
  [{ event: "media", media: { payload: "AAAAAA==" } }, "sound", SOUND],
  [{ event: "mark", mark: { name: "antiphon-1" } }, "to be returned when all sound before it has been played", SOUND],
  [{ event: "clear" }, "an interruption: drop what is not played yet", ALL],
  [{ type: "send_input", data: [] }, "the handler wants <a href=\"#inputs\">inputs</a>", ALL],
  [{ type: "fetch_output", data: [] }, "an <a href=\"#outputs\">output</a> can be fetched", ALL],
  [{ type: "log", data: "pause_detected" },
    "where turns are taken: <code>started_talking</code>, <code>pause_detected</code>, <code>response_starting</code>, once a turn each; else any text", ALL],
  [{ type: "stopword", data: "" }, "a stop word was heard", ALL],
  [{ type: "message", data: { any: "thing" } }, "something from the handler", ALL],
  [{ type: "warning", data: "text", message: "text" }, "something is not as it should be", ALL],
  [{ type: "error", data: "text", message: "text" }, "something failed; the same text twice, for clients that read either", ALL],
  [{ type: "end_stream", data: "text" }, "the server is about to close, and why", ALL],
  [{ event: "pong" }, "answers a <code>ping</code>", ALL],
  [{ status: "failed", meta: { error: "concurrency_limit_reached", limit: 10 } }, "the call is <a href=\"#errors\">refused</a>", "websocket"],
];

/** Every refusal: name, HTTP status, close code of a WebSocket, when, and over which connections. */
export const REFUSALS = [
  ["concurrency_limit_reached", 429, 1013, "every slot is taken; <code>limit</code> says how many there are", ALL],
  ["connection_already_exists", 409, 1008, "a live call has this id", ALL],
  ["unsupported_modality", 415, 1008, "the stream serves another kind of media", ALL],
  ["unauthorized", 401, 1008, "the application said no, or the token is missing or wrong", ALL],
  ["forbidden_origin", 403, 1008, "pages of this origin are not let in", ALL],
  ["unknown_connection", 404, 1008, "no live call has this id", ALL],
  ["connection_closed", 410, 1000, "the call is over", ALL],
  ["invalid_body", 400, 1007, "no JSON, or half a sample", ALL],
  ["invalid_field", 422, 1007, "a field is missing or mistyped; <code>detail</code> says which", ALL],
  ["invalid_sdp", 400, 1007, "an offer that cannot be read or answered", "webrtc"],
  ["invalid_candidate_format", 400, 1007, "a candidate that cannot be read", "webrtc"],
  ["invalid_order", 409, 1002, "not now: a message before <code>start</code>, or a second start", SOUND],
  ["policy_violation", 422, 1008, "an id or a media format that is not served; no <code>start</code> within 5 s", ALL],
  ["body_too_large", 413, 1009, "more than a message may hold: 1 MiB unless the server says otherwise", ALL],
  ["unsupported_media_type", 415, 1003, "a body of a type that is not taken", SOUND],
  ["shutting_down", 503, 1012, "the server takes no more calls", ALL],
  ["not_enabled", 503, 1013, "this part of the server is switched off", ALL],
  ["internal_error", 500, 1011, "the server failed", ALL],
  ["request_timeout", 408, 1008, "a request did not arrive in time", ALL],
  ["upgrade_required", 426, 1002, "a plain request where a WebSocket is served", "websocket"],
  ["not_found", 404, 1008, "nothing is served at this path", ALL],
  ["method_not_allowed", 405, 1008, "the path takes other methods", ALL],
];
