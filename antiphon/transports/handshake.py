"""The opening handshake of a WebSocket (RFC 6455 section 4), for both ends; pure functions.

No extension is ever negotiated: permessage-deflate turns 65 kB on the wire into a 64 MiB message.
"""

import base64
import hashlib
from collections.abc import Mapping

__all__ = (
    "HandshakeError",
    "accept_key",
    "check_request",
    "check_response",
    "request_headers",
    "wants_websocket",
)

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


class HandshakeError(ValueError):
    """The other end's half of the handshake is wrong."""


def accept_key(key: str) -> str:
    """What the server answers to the client's key (section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


def _tokens(value: str) -> set[str]:
    return {token.strip().lower() for token in value.split(",")}


def wants_websocket(headers: Mapping[str, str]) -> bool:
    """Whether a request asks to switch to WebSocket."""
    return "upgrade" in _tokens(headers.get("connection", "")) and "websocket" in _tokens(
        headers.get("upgrade", "")
    )


def check_request(method: str, headers: Mapping[str, str]) -> str:
    """The value of Sec-WebSocket-Accept for a request that `wants_websocket`.

    Raises HandshakeError when the request is not one of section 4.2.1.
    """
    if method != "GET":
        raise HandshakeError(f"a WebSocket is asked for with GET, not {method}")
    version = headers.get("sec-websocket-version", "")
    if version != "13":
        raise HandshakeError(f"Sec-WebSocket-Version is 13, not {version!r}")
    key = headers.get("sec-websocket-key", "")
    try:
        size = len(base64.b64decode(key, validate=True))
    except ValueError:  # bytes beyond ASCII are no binascii.Error
        size = -1
    if size != 16:
        raise HandshakeError("Sec-WebSocket-Key is 16 bytes in base64")
    return accept_key(key)


def request_headers(key: bytes) -> tuple[tuple[str, str], ...]:
    """A client's headers for 16 random bytes of `key` (section 4.1)."""
    return (
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-key", base64.b64encode(key).decode()),
        ("sec-websocket-version", "13"),
    )


def check_response(key: bytes, headers: Mapping[str, str]) -> None:
    """Check a 101 response to `request_headers`. Raises HandshakeError."""
    if not wants_websocket(headers):
        raise HandshakeError("the server switched to something else than WebSocket")
    if headers.get("sec-websocket-accept") != accept_key(base64.b64encode(key).decode()):
        raise HandshakeError("the server's Sec-WebSocket-Accept does not match")
    for name in ("sec-websocket-extensions", "sec-websocket-protocol"):
        if name in headers:
            raise HandshakeError(f"the server chose {name}, which was not offered")
