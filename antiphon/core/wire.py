"""What travels between a session and a link: a kind and whole messages as bytes."""

from enum import IntEnum

__all__ = ("Kind",)


class Kind(IntEnum):
    """The kinds of a message on the wire, numbered as WebSocket opcodes (RFC 6455 section 5.2)."""

    TEXT = 0x1
    """UTF-8 text, as bytes: msgspec decodes bytes, a str would cost a copy and a check."""
    BINARY = 0x2
    CLOSE = 0x8
    """Payload as in RFC 6455 section 5.5.1: two bytes of code, then the reason in UTF-8."""
    PING = 0x9
    PONG = 0xA
