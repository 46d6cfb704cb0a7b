"""What travels between a session and a link: a kind and whole messages as bytes."""

from enum import Enum, IntEnum

__all__ = ("Kind", "Role", "close_payload", "parse_close")


class Kind(IntEnum):
    """The kinds of a message on the wire, numbered as WebSocket opcodes (RFC 6455 section 5.2).

    AUDIO and CLEAR are for links with tracks, where sound does not travel in messages.
    """

    TEXT = 0x1
    """UTF-8 text, as bytes: msgspec decodes bytes, a str would cost a copy and a check."""
    BINARY = 0x2
    CLOSE = 0x8
    """Payload as in RFC 6455 section 5.5.1: two bytes of code, then the reason in UTF-8."""
    PING = 0x9
    PONG = 0xA
    AUDIO = 0x10
    """int16 little-endian mono PCM, at the rate agreed for the track."""
    CLEAR = 0x11
    """Without payload: sound that was given to the track and has not left it is dropped."""


class Role(Enum):
    """Which end of a call this is."""

    SERVER = "server"
    CLIENT = "client"


def close_payload(code: int, reason: str = "") -> bytes:
    """The payload of a close: the code, then as much of the reason as fits in 123 bytes."""
    text = reason.encode("utf-8", "replace")[:123].decode("utf-8", "ignore").encode()
    return code.to_bytes(2, "big") + text


def parse_close(payload: bytes) -> tuple[int, str]:
    """Code and reason of a close; 1005 when it had none (RFC 6455 section 7.1.5)."""
    if len(payload) < 2:
        return 1005, ""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8", "replace")
