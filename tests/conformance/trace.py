"""What a peer sees of a call, in terms that are the same on every transport.

Nothing here is shared with the package: the tables say what docs/protocol.md says.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = (
    "REFUSALS",
    "Closed",
    "Item",
    "Refused",
    "Sound",
    "Told",
    "containing",
    "end_stream",
    "error",
    "heard",
    "log",
    "matching",
    "media",
    "pong",
    "refusal",
    "start",
    "started",
    "told",
    "warning",
)

REFUSALS: Mapping[str, tuple[int, int]] = {
    "concurrency_limit_reached": (429, 1013),
    "shutting_down": (503, 1012),
    "connection_already_exists": (409, 1008),
    "unknown_connection": (404, 1008),
    "connection_closed": (410, 1000),
    "invalid_body": (400, 1007),
    "invalid_field": (422, 1007),
    "invalid_order": (409, 1002),
    "policy_violation": (422, 1008),
    "body_too_large": (413, 1009),
    "unsupported_modality": (415, 1008),
    "unauthorized": (401, 1008),
    "forbidden_origin": (403, 1008),
}
"""A refusal's name: HTTP status, WebSocket close code."""


@dataclass(frozen=True)
class Told:
    """A message, decoded."""

    message: Mapping[str, Any]


@dataclass(frozen=True)
class Sound:
    """Encoded audio; `binary` when it came as a message of raw samples."""

    payload: bytes
    binary: bool = False


@dataclass(frozen=True)
class Refused:
    """The call is refused."""

    error: str
    limit: int | None = None


@dataclass(frozen=True)
class Closed:
    """The link is closed; nothing follows."""

    code: int | None
    """None where a link has no such thing."""


Item = Told | Sound | Refused | Closed


class Pattern:
    """Equal to the values that its test accepts."""

    __hash__ = None  # type: ignore[assignment]  # nothing that is equal to many has a hash

    def __init__(self, shown: str, accepts: Callable[[Any], bool]) -> None:
        self._shown = shown
        self._accepts = accepts

    def __eq__(self, other: object) -> bool:
        return self._accepts(other)

    def __repr__(self) -> str:
        return self._shown


def containing(part: str) -> Any:
    """Any text that has this part."""
    return Pattern(f"<...{part}...>", lambda text: isinstance(text, str) and part in text)


def matching(pattern: str) -> Any:
    """Any text that this regular expression matches whole."""
    whole = re.compile(pattern)
    return Pattern(
        f"<{pattern}>", lambda text: isinstance(text, str) and whole.fullmatch(text) is not None
    )


def start(call_id: Any = "one", **fields: Any) -> dict[str, Any]:
    """The message that opens a call."""
    return {"event": "start", "websocket_id": call_id, **fields}


def media(payload: bytes) -> dict[str, Any]:
    """Audio as a message."""
    return {"event": "media", "media": {"payload": base64.b64encode(payload).decode()}}


def started(encoding: str, sample_rate: int) -> Told:
    """The answer to a start that named a media format; its token has 128 bits."""
    wire = {"encoding": encoding, "sample_rate": sample_rate}
    token = matching(r"[A-Za-z0-9_-]{22,}")
    return Told({"event": "started", "media_format": wire, "token": token})


def told(data: Any) -> Told:
    """What a handler tells the client's application."""
    return Told({"type": "message", "data": data})


def log(text: Any) -> Told:
    """A line for the client's log."""
    return Told({"type": "log", "data": text})


def error(text: Any) -> Told:
    """Something failed: under both keys."""
    return Told({"type": "error", "data": text, "message": text})


def warning(text: Any) -> Told:
    """Something is not as it should be: under both keys."""
    return Told({"type": "warning", "data": text, "message": text})


def end_stream(text: Any) -> Told:
    """The server is about to close."""
    return Told({"type": "end_stream", "data": text})


pong = Told({"event": "pong"})


def heard(text: bytes | str) -> Item:
    """One message from the wire as an item."""
    message: Any = json.loads(text)
    if message.get("event") == "media":
        return Sound(base64.b64decode(message["media"]["payload"], validate=True))
    return refusal(message) if "status" in message else Told(message)


def refusal(body: Any) -> Refused:
    """The body of a refusal, the same in a message and in an HTTP response."""
    assert set(body) == {"status", "meta"}
    assert body["status"] == "failed"
    meta = body["meta"]
    if "limit" in meta:
        assert set(meta) == {"error", "limit"}
    else:
        assert set(meta) <= {"error", "detail"}
    assert meta["error"] in REFUSALS
    return Refused(meta["error"], meta.get("limit"))
