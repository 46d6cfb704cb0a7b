"""How the routes of calls read in the OpenAPI document."""

from ..core.messages import ClientMessage, Start
from .about import About
from .answers import CandidateTaken, Health, HttpOpened, InputsTaken, RtcAnswer
from .operations import (
    CALL_ID,
    EVENT_STREAM_ANSWER,
    INPUTS,
    Answer,
    Link,
    OneOf,
    Operation,
    Operations,
    Parameter,
)
from .rtc_body import CandidateBody, OfferBody

__all__ = ("ROUTE_OPERATIONS", "asset_operation", "websocket_operation")

_NEW_CALL = ("unauthorized", "unsupported_modality", "concurrency_limit_reached", "shutting_down")
_BODY = ("invalid_body", "invalid_field", "body_too_large", "request_timeout")
_EVENT = ("invalid_body", "invalid_field", "body_too_large", "request_timeout", "policy_violation")
_OF_A_CALL = ("unauthorized", "unknown_connection")

_ID = Parameter(
    name="id",
    place="path",
    description="the call's id: `session_id`, percent-encoded",
    schema=CALL_ID,
    required=True,
)
_POSITION = {"type": "string", "pattern": "^([0-9]{1,18}-[0-9]{1,18})?$"}
_LAST_EVENT = (
    Parameter(
        name="Last-Event-ID",
        place="header",
        description="`<epoch>-<offset>`: go on behind this event",
        schema=_POSITION,
    ),
    Parameter(
        name="last_event_id",
        place="query",
        description="the same where no header can be set; the header counts",
        schema=_POSITION,
    ),
)
_WEBRTC_ID = Parameter(
    name="webrtc_id",
    place="query",
    description="the call's id, on any transport",
    schema=CALL_ID,
    required=True,
)
_UNKNOWN_EVENT = {
    "title": "UnknownEvent",
    "description": "An event of another name is passed over and counted.",
    "type": "object",
    "properties": {
        "event": {
            "type": "string",
            "not": {"enum": [t.__struct_config__.tag for t in ClientMessage.__args__]},
        }
    },
    "required": ["event"],
}
_LINES = {"type": "string", "description": "One message a line, each acted on as it arrives."}
_SAMPLES = {"description": "Raw samples in the agreed encoding."}


def _followed(place: str, *operations: str) -> tuple[tuple[str, Link], ...]:
    """What may follow an opened call, whose id has its place there."""
    found = {place: "$response.body#/session_id", "query.token": "$response.body#/token"}
    return tuple((name, Link(operation=name, parameters=found)) for name in operations)


def _outputs(name: str, description: str) -> Operation:
    return Operation(
        name=name,
        tag="inputs and outputs",
        summary="The outputs of a call, as they come",
        description=description,
        parameters=(_WEBRTC_ID, *_LAST_EVENT),
        answers=(EVENT_STREAM_ANSWER,),
        refusals=("invalid_field", *_OF_A_CALL),
        token="if required",
    )


ROUTE_OPERATIONS: Operations = {
    ("GET", "/health"): Operation(
        name="health",
        tag="server",
        summary="Whether calls are taken",
        answers=(
            Answer(description="Calls are taken.", body=Health),
            Answer(status=503, description="The server is shutting down.", body=Health),
        ),
    ),
    ("GET", "/about.json"): Operation(
        name="about",
        tag="server",
        summary="What the stream serves",
        answers=(Answer(description="For pages, so that they offer no more.", body=About),),
    ),
    ("GET", "/openapi.json"): Operation(
        name="openapi",
        tag="server",
        summary="This document",
        answers=(Answer(description="OpenAPI 3.1.", body={"type": "object"}),),
    ),
    ("POST", "/webrtc/offer"): Operation(
        name="webrtc_offer",
        tag="WebRTC",
        summary="Open a call over WebRTC, or trickle one of its candidates",
        description="An offer with sound or pictures is the start of a call; one with nothing but a"
        " data channel opens a wire, on which a `start` asks for the call. Fields that are not"
        " listed are metadata. A candidate that overtakes its offer waits for it for 2 s.",
        bodies=(("application/json", OfferBody | CandidateBody),),
        answers=(
            Answer(
                description="The answer to an offer, or that the candidate is known.",
                body=OneOf((RtcAnswer, CandidateTaken)),
            ),
        ),
        refusals=(
            *_NEW_CALL,
            *_BODY,
            "invalid_sdp",
            "invalid_candidate_format",
            "connection_already_exists",
            "unknown_connection",
            "connection_closed",
            "policy_violation",
        ),
        token="if required",
    ),
    ("GET", "/webrtc/configuration"): Operation(
        name="webrtc_configuration",
        tag="WebRTC",
        summary="The `RTCConfiguration` for a page",
        answers=(
            Answer(
                description="What `new RTCPeerConnection()` takes. There may be TURN credentials"
                " in it, good for a while.",
                body={"type": "object"},
            ),
        ),
        refusals=("unauthorized",),
    ),
    ("POST", "/http/offer"): Operation(
        name="http_offer",
        tag="HTTP",
        summary="Open a call over HTTP",
        bodies=(("application/json", Start),),
        answers=(
            Answer(
                status=201,
                description="The call is open.",
                body=HttpOpened,
                headers=(("Location", "the path of the call"),),
                links=(
                    *_followed("path.id", "http_send", "http_events", "http_end"),
                    *_followed("query.webrtc_id", "outputs", "updates"),
                ),
            ),
        ),
        refusals=(
            *_NEW_CALL,
            *_EVENT,
            "invalid_order",
            "connection_already_exists",
            "connection_closed",
        ),
    ),
    ("POST", "/http/{id}/send"): Operation(
        name="http_send",
        tag="HTTP",
        summary="Say something in a call",
        description="One message, a message a line, or sound. The body may stay open as long as"
        " the call does.",
        parameters=(_ID,),
        bodies=(
            ("application/json", OneOf((ClientMessage, _UNKNOWN_EVENT))),
            ("application/x-ndjson", _LINES),
            ("application/octet-stream", _SAMPLES),
        ),
        answers=(Answer(status=204, description="All of it has been taken."),),
        refusals=(*_OF_A_CALL, *_EVENT, "invalid_order", "connection_closed"),
        token="always",
    ),
    ("GET", "/http/{id}/events"): Operation(
        name="http_events",
        tag="HTTP",
        summary="Hear what the server says in a call",
        description="A new listener takes the place of the one before.",
        parameters=(_ID, *_LAST_EVENT),
        answers=(EVENT_STREAM_ANSWER,),
        refusals=(*_OF_A_CALL, "invalid_field"),
        token="always",
    ),
    ("DELETE", "/http/{id}"): Operation(
        name="http_end",
        tag="HTTP",
        summary="Hang up",
        parameters=(_ID,),
        answers=(Answer(status=204, description="The call has ended."),),
        refusals=(*_OF_A_CALL, "connection_closed"),
        token="always",
    ),
    ("POST", "/input_hook"): Operation(
        name="input_hook",
        tag="inputs and outputs",
        summary="Give a call's handler inputs",
        description="They are seen by its next call.",
        bodies=(("application/json", INPUTS),),
        answers=(Answer(description="The call has them.", body=InputsTaken),),
        refusals=(*_OF_A_CALL, *_BODY),
        token="if required",
    ),
    ("GET", "/outputs"): _outputs(
        "outputs",
        "Each is an event named `output`: its value, or a list when it has several.",
    ),
    ("GET", "/updates"): _outputs("updates", "As `/outputs`, with events that have no name."),
}
"""Those of the pages and of WebSockets are made by the functions below."""


def asset_operation(path: str, media_type: str) -> Operation:
    """A page, or a part of one."""
    name = path.strip("/").replace(".", "_").replace("/", "_") or "console"
    return Operation(
        name=f"asset_{name}",
        tag="pages",
        summary="The console page" if path == "/" else f"`{path}`, for pages",
        answers=(Answer(description="The file.", body={"type": "string"}, media_type=media_type),),
    )


def websocket_operation(path: str, *, speech: bool) -> Operation:
    """The request for a WebSocket; what travels there is not OpenAPI's to tell."""
    return Operation(
        name="websocket_" + path.strip("/").replace("/", "_"),
        tag="WebSocket",
        summary="Open a WebSocket",
        description="A request that asks for no upgrade is answered with 426.",
        answers=(Answer(status=101, description="The WebSocket is open."),),
        refusals=(
            "upgrade_required",
            *_NEW_CALL,
            *(("not_enabled", "invalid_field") if speech else ()),
        ),
    )
