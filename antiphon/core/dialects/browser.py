"""The browser dialect: JSON messages, audio as base64 in JSON or as raw binary messages.

Source: the documents "Connecting via API" and the WebSocket client guide; docs/protocol.md
section 2.
"""

from typing import Any, Literal

import msgspec

from ..errors import RemoteProtocolError
from ..messages import ClientMessage, Media, MediaBody, ServerMessage, WireMessage
from ..wire import Kind

__all__ = (
    "MAX_DEPTH",
    "Unknown",
    "decode_client",
    "decode_server",
    "encode",
    "encode_audio",
    "is_too_deep",
)

MAX_DEPTH = 64  # docs/protocol.md, Limits

_TEXT = Kind.TEXT


class Unknown(msgspec.Struct, frozen=True):
    """A message whose name this version does not know: ignored and counted."""

    name: str


class _ClientHead(msgspec.Struct):
    event: str


class _ServerHead(msgspec.Struct):
    event: str | msgspec.UnsetType = msgspec.UNSET
    type: str | msgspec.UnsetType = msgspec.UNSET
    status: str | msgspec.UnsetType = msgspec.UNSET


def _members(union: Any, tag_field: str) -> tuple[type[Any], ...]:
    return tuple(t for t in union.__args__ if t.__struct_config__.tag_field == tag_field)


def _decoder(types: tuple[type[Any], ...]) -> msgspec.json.Decoder[Any]:
    union: Any = types[0]
    for member in types[1:]:
        union = union | member
    return msgspec.json.Decoder(union)


_SERVER_MEMBERS = {name: _members(ServerMessage, name) for name in ("event", "type", "status")}
_CLIENT_TAGS = frozenset(t.__struct_config__.tag for t in _members(ClientMessage, "event"))
_SERVER_TAGS = {
    name: frozenset(t.__struct_config__.tag for t in types)
    for name, types in _SERVER_MEMBERS.items()
}
_client: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_decode_client = _client.decode
_server: dict[str, msgspec.json.Decoder[Any]] = {
    name: _decoder(types) for name, types in _SERVER_MEMBERS.items()
}
_server_event = _server["event"].decode
_client_head = msgspec.json.Decoder(_ClientHead)
_server_head = msgspec.json.Decoder(_ServerHead)
_encode = msgspec.json.Encoder().encode

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _refuse(error: Exception) -> RemoteProtocolError:
    if isinstance(error, RecursionError):
        return RemoteProtocolError(f"the JSON is nested deeper than {MAX_DEPTH}", 1007)
    if isinstance(error, UnicodeDecodeError):
        return RemoteProtocolError("the text is not UTF-8", 1007)
    if isinstance(error, msgspec.ValidationError):
        return RemoteProtocolError(f"the message is not valid: {error}", 1007, "invalid_field")
    return RemoteProtocolError(f"the message cannot be read: {error}", 1007)


def json_depth(text: bytes) -> int:
    """The greatest nesting of arrays and objects in a well-formed JSON text."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in text:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:  # backslash
                escaped = True
            elif byte == 0x22:  # quote
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def is_too_deep(text: bytes) -> bool:
    """Whether a well-formed JSON text nests deeper than it may."""
    # The count is exact enough to pass almost every message; only a busy one is walked.
    return text.count(b"[") + text.count(b"{") > MAX_DEPTH and json_depth(text) > MAX_DEPTH


def _check_depth(text: bytes) -> None:
    if is_too_deep(text):
        raise RemoteProtocolError(f"the JSON is nested deeper than {MAX_DEPTH}", 1007)


def decode_client(text: bytes) -> ClientMessage | Unknown:
    """What a client said. Raises RemoteProtocolError (1007) when it is not a message."""
    try:
        message = _decode_client(text)
    except _UNREADABLE as error:
        if isinstance(error, msgspec.ValidationError):
            return _unknown_event(text, error)
        raise _refuse(error) from error
    # Media holds nothing that nests, and is the one message that comes fifty times a second.
    if type(message) is not Media:
        _check_depth(text)
    return message


def _unknown_event(text: bytes, error: msgspec.ValidationError) -> Unknown:
    try:
        name = _client_head.decode(text).event
    except _UNREADABLE as unreadable:
        deep = isinstance(unreadable, RecursionError)
        raise _refuse(unreadable if deep else error) from unreadable
    if name in _CLIENT_TAGS:
        raise _refuse(error) from error
    _check_depth(text)
    return Unknown(name)


def decode_server(text: bytes) -> ServerMessage | Unknown:
    """What a server said. Raises RemoteProtocolError (1007) when it is not a message."""
    try:
        message: ServerMessage = _server_event(text)
    except _UNREADABLE as error:
        if isinstance(error, msgspec.ValidationError):
            return _named_otherwise(text, error)
        raise _refuse(error) from error
    return message


def _named_otherwise(text: bytes, error: msgspec.ValidationError) -> ServerMessage | Unknown:
    try:
        head = _server_head.decode(text)
        _check_depth(text)
        named: tuple[tuple[Literal["event", "type", "status"], str | msgspec.UnsetType], ...] = (
            ("event", head.event),
            ("type", head.type),
            ("status", head.status),
        )
        for field, name in named:
            if name is not msgspec.UNSET:
                if name not in _SERVER_TAGS[field]:
                    return Unknown(str(name))
                message: ServerMessage = _server[field].decode(text)
                return message
    except _UNREADABLE as unreadable:
        raise _refuse(unreadable) from unreadable
    raise RemoteProtocolError("the message has neither event, type nor status", 1007) from error


def encode(message: WireMessage) -> bytes:
    """One message as JSON text. Raises TypeError when its data is no JSON."""
    try:
        return _encode(message)
    except (UnicodeEncodeError, RecursionError) as error:
        raise TypeError(f"{type(message).__name__} holds what JSON cannot: {error}") from error


def encode_audio(payload: bytes, kind: Kind) -> tuple[Kind, bytes]:
    """Encoded audio as one wire message: base64 in JSON for text, raw for any other kind."""
    if kind is not _TEXT:
        return kind, payload
    return _TEXT, _encode(Media(MediaBody(payload)))
