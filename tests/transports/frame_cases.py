"""Streams of WebSocket frames with what an engine must make of them (RFC 6455).

The list covers the frame and protocol cases that the `websockets` package tests itself with (masks,
continuations, text, binary, close, ping, pong, fragments, sizes, data after an error) and those of
Autobahn's sections 2 to 7 and 9. A case is written once and encoded for either role.
"""

import msgspec

from antiphon.core.wire import Kind, Role
from antiphon.transports.frame_engine import MAX_MESSAGE, Message

__all__ = ("CASES", "MASKS", "Case", "Frame", "encode")

MASKS = (b"\x00\x00\x00\x00", b"\x5b\xfb\xe1\xa8", b"\x00\xff\x00\xff", b"\x3c\x3c\x3c\x3c")

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A  # final frames
MORE_CONT, MORE_TEXT, MORE_BINARY = 0x00, 0x01, 0x02  # frames that more will follow

SMILE = "\N{GRINNING FACE}".encode()  # f0 9f 98 80
CAFE = "caf\N{LATIN SMALL LETTER E WITH ACUTE}".encode()


class Frame(msgspec.Struct, frozen=True):
    """A frame as it stands on the wire, right or wrong."""

    first: int
    payload: bytes = b""
    length_bytes: int | None = None
    """Bytes of length behind the 7-bit one: 0, 2 or 8; None is the shortest form."""
    length: int | None = None
    """The length that is claimed, if not that of the payload."""
    wrong_mask: bool = False
    """Masked by a server or plain from a client."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Frames, the messages they make, and the close code of the error they end in, if any."""

    name: str
    frames: tuple[Frame, ...]
    received: tuple[Message, ...] = ()
    code: int | None = None
    max_message: int = MAX_MESSAGE


def encode(frame: Frame, reader: Role, mask: bytes = MASKS[1]) -> bytes:
    """The bytes of `frame` as the peer of `reader` writes them."""
    length = len(frame.payload) if frame.length is None else frame.length
    wide = frame.length_bytes
    if wide is None:
        wide = 0 if length < 126 else 2 if length < 0x10000 else 8
    masked = (reader is Role.SERVER) != frame.wrong_mask
    short = length if wide == 0 else 126 if wide == 2 else 127
    head = bytes((frame.first, (0x80 if masked else 0) | short))
    head += length.to_bytes(wide, "big") if wide else b""
    if not masked:
        return head + frame.payload
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(frame.payload))


def ok(name: str, frames: tuple[Frame, ...], *received: Message, limit: int = MAX_MESSAGE) -> Case:
    return Case(name=name, frames=frames, received=received, max_message=limit)


def bad(
    name: str, code: int, frames: tuple[Frame, ...], *received: Message, limit: int = MAX_MESSAGE
) -> Case:
    return Case(name=name, frames=frames, received=received, code=code, max_message=limit)


def closing(code: int, reason: bytes = b"") -> bytes:
    return code.to_bytes(2, "big") + reason


SPAM = (Kind.TEXT, b"Spam")

WHOLE = (
    ok("text", (Frame(TEXT, b"Spam"),), SPAM),
    ok("empty text", (Frame(TEXT),), (Kind.TEXT, b"")),
    ok("binary", (Frame(BINARY, b"\x01\x02\xfe\xff"),), (Kind.BINARY, b"\x01\x02\xfe\xff")),
    ok("empty binary", (Frame(BINARY),), (Kind.BINARY, b"")),
    ok("binary need not be UTF-8", (Frame(BINARY, b"\xff\xfe"),), (Kind.BINARY, b"\xff\xfe")),
    ok("text of two bytes a letter", (Frame(TEXT, CAFE),), (Kind.TEXT, CAFE)),
    ok("text of four bytes a letter", (Frame(TEXT, SMILE),), (Kind.TEXT, SMILE)),
    ok("text with NUL and DEL", (Frame(TEXT, b"\x00\x7f"),), (Kind.TEXT, b"\x00\x7f")),
    *(
        ok(f"{size} bytes", (Frame(BINARY, b"a" * size),), (Kind.BINARY, b"a" * size))
        for size in (1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 65535, 65536, 65537)
    ),
    ok(
        "joined frames",
        (Frame(TEXT, b"Spam"), Frame(BINARY, b"Eggs"), Frame(TEXT), Frame(TEXT, b"a" * 200)),
        SPAM,
        (Kind.BINARY, b"Eggs"),
        (Kind.TEXT, b""),
        (Kind.TEXT, b"a" * 200),
    ),
)

CONTROLS = (
    ok("ping", (Frame(PING),), (Kind.PING, b"")),
    ok("ping with data", (Frame(PING, b'"f\xaa\xee'),), (Kind.PING, b'"f\xaa\xee')),
    ok("pong nobody asked for", (Frame(PONG),), (Kind.PONG, b"")),
    ok("pong with data", (Frame(PONG, b"pong"),), (Kind.PONG, b"pong")),
    ok("ping of 125 bytes", (Frame(PING, b"\xff" * 125),), (Kind.PING, b"\xff" * 125)),
    ok(
        "pings in a row",
        (Frame(PING, b"1"), Frame(PING, b"2")),
        (Kind.PING, b"1"),
        (Kind.PING, b"2"),
    ),
    ok(
        "a control frame does not count as part of a message",
        (Frame(MORE_BINARY, b"123"), Frame(PING, b"long ping"), Frame(CONT, b"4")),
        (Kind.PING, b"long ping"),
        (Kind.BINARY, b"1234"),
        limit=4,
    ),
    *(
        bad(f"{name} of 126 bytes", 1002, (Frame(first, b"a" * 126),))
        for name, first in (("close", CLOSE), ("ping", PING), ("pong", PONG))
    ),
    # the websockets package lets this pass: section 5.2 demands the shortest form of a length
    *(
        bad(f"{name} with a 16-bit length of 125", 1002, (Frame(first, b"a" * 125, 2),))
        for name, first in (("close", CLOSE), ("ping", PING), ("pong", PONG))
    ),
    *(
        bad(f"{name} claiming 64 bits of length", 1002, (Frame(first, b"", 8, 2**62),))
        for name, first in (("close", CLOSE), ("ping", PING), ("pong", PONG))
    ),
    *(
        bad(f"fragmented {name}", 1002, (Frame(TEXT, b"Spam"), Frame(first)), SPAM)
        for name, first in (("close", 0x08), ("ping", 0x09), ("pong", 0x0A))
    ),
)

FRAGMENTS = (
    ok(
        "text cut inside a letter",
        (
            Frame(MORE_TEXT, SMILE[:2]),
            Frame(MORE_CONT, SMILE[2:] + SMILE[:2]),
            Frame(CONT, SMILE[2:]),
        ),
        (Kind.TEXT, SMILE * 2),
    ),
    ok(
        "binary in three",
        (Frame(MORE_BINARY, b"\x01\x02"), Frame(MORE_CONT, b"\xee\xff"), Frame(CONT, b"\xfe")),
        (Kind.BINARY, b"\x01\x02\xee\xff\xfe"),
    ),
    ok("empty fragments", (Frame(MORE_TEXT), Frame(MORE_CONT), Frame(CONT)), (Kind.TEXT, b"")),
    ok(
        "only the last fragment has bytes",
        (Frame(MORE_BINARY), Frame(MORE_CONT), Frame(CONT, b"Eggs")),
        (Kind.BINARY, b"Eggs"),
    ),
    ok(
        "ping and pong between fragments",
        (
            Frame(MORE_TEXT, b"Sp"),
            Frame(PING, b"Ping"),
            Frame(MORE_CONT, b"a"),
            Frame(PONG, b"Pong"),
            Frame(CONT, b"m"),
        ),
        (Kind.PING, b"Ping"),
        (Kind.PONG, b"Pong"),
        SPAM,
    ),
    ok(
        "whole messages before and after fragments",
        (Frame(TEXT, b"Spam"), Frame(MORE_BINARY, b"Eg"), Frame(CONT, b"gs"), Frame(TEXT, b"Spam")),
        SPAM,
        (Kind.BINARY, b"Eggs"),
        SPAM,
    ),
    ok(
        "long fragments",
        (Frame(MORE_TEXT, b"a" * 300), Frame(CONT, b"b" * 70000)),
        (Kind.TEXT, b"a" * 300 + b"b" * 70000),
    ),
    # section 5.4: control frames, a close is one, may stand between fragments
    ok(
        "close between fragments",
        (Frame(MORE_TEXT, b"Spam"), Frame(CLOSE, closing(1001)), Frame(CONT, b"Ham")),
        (Kind.CLOSE, closing(1001)),
    ),
    bad("continuation of nothing", 1002, (Frame(CONT, b"Ham"),)),
    bad("continuation of nothing, more to come", 1002, (Frame(MORE_CONT),)),
    bad("continuation after a whole message", 1002, (Frame(TEXT, b"Spam"), Frame(CONT)), SPAM),
    *(
        bad(f"{name} inside a message", 1002, (Frame(first, b"Spam"), Frame(second, b"Ham")))
        for name, first, second in (
            ("text", MORE_TEXT, TEXT),
            ("unfinished text", MORE_TEXT, MORE_TEXT),
            ("binary", MORE_BINARY, BINARY),
            ("binary in a text", MORE_TEXT, BINARY),
            ("unfinished binary", MORE_BINARY, MORE_BINARY),
        )
    ),
    bad(
        "text inside a message, bad UTF-8 in it",
        1002,
        (Frame(MORE_TEXT, b"Spam"), Frame(TEXT, b"\xff")),
    ),
)

HEADERS = (
    *(
        bad(
            f"frame {first:#x} masked against the role",
            1002,
            (Frame(first, b"Spam", wrong_mask=True),),
        )
        for first in (TEXT, BINARY, CLOSE, PING, PONG, MORE_TEXT)
    ),
    bad("empty text masked against the role", 1002, (Frame(TEXT, wrong_mask=True),)),
    bad("long text masked against the role", 1002, (Frame(TEXT, b"a" * 126, wrong_mask=True),)),
    bad("what came before is kept", 1002, (Frame(TEXT, b"Spam"), Frame(0x83), Frame(TEXT)), SPAM),
    *(
        bad(f"reserved bit {bit:#x} in {first:#x}", 1002, (Frame(first | bit, b"Spam"),))
        for bit in (0x40, 0x20, 0x10, 0x70)
        for first in (TEXT, BINARY, PING, PONG, MORE_TEXT)
    ),
    bad("reserved bit in a close", 1002, (Frame(CLOSE | 0x40, closing(1000)),)),
    *(
        bad(f"reserved opcode {opcode:#x}", 1002, (Frame(0x80 | opcode),))
        for opcode in (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF)
    ),
    bad("all bits set", 1002, (Frame(0xFF, b"\xff"),)),
    *(
        bad(
            f"frame {first:#x} with length {size} in {wide} bytes",
            1002,
            (Frame(first, b"a" * size, wide),),
        )
        for first in (TEXT, BINARY, MORE_TEXT)
        for wide, size in ((2, 0), (2, 5), (2, 125), (8, 0), (8, 125), (8, 126))
    ),
    bad("length 65535 in 8 bytes", 1002, (Frame(BINARY, b"a" * 65535, 8),)),
    bad("64-bit length with its top bit", 1002, (Frame(BINARY, b"", 8, 2**63),)),
    bad("64-bit length of ones", 1002, (Frame(TEXT, b"", 8, 2**64 - 1),)),
)

NOT_UTF8 = (
    ("a lone continuation byte", b"\x80"),
    ("a byte that never occurs", b"ab\xff\xff"),
    ("an overlong slash", b"\xc0\xaf"),
    ("an overlong NUL", b"\xf0\x80\x80\x80"),
    ("a surrogate", b"\xed\xa0\x80"),
    ("a pair of surrogates", b"\xed\xa0\x80\xed\xb0\x80"),
    ("beyond the last code point", b"\xf4\x90\x80\x80"),
    ("a letter cut short", SMILE[:3]),
    ("a letter cut short by another", SMILE[:2] + b"a"),
    ("a bad byte after much that is good", b"a" * 300 + b"\xfe"),
)

UTF8 = (
    *(bad(f"text with {name}", 1007, (Frame(TEXT, text),)) for name, text in NOT_UTF8),
    *(
        bad(f"fragments with {name}", 1007, (Frame(MORE_TEXT, b"ok"), Frame(CONT, text)))
        for name, text in NOT_UTF8
    ),
    *(
        bad(f"byte by byte {name}", 1007, (Frame(MORE_TEXT), *single_bytes, Frame(CONT)))
        for name, text in NOT_UTF8
        for single_bytes in (tuple(Frame(MORE_CONT, bytes((byte,))) for byte in text),)
    ),
    bad("text after a good one", 1007, (Frame(TEXT, b"Spam"), Frame(TEXT, b"\xff")), SPAM),
    bad("an early fragment", 1007, (Frame(MORE_TEXT, b"\xff"), Frame(CONT, b"Spam"))),
    ok(
        "the last code point", (Frame(TEXT, b"\xf4\x8f\xbf\xbf"),), (Kind.TEXT, b"\xf4\x8f\xbf\xbf")
    ),
    ok("a noncharacter", (Frame(TEXT, b"\xef\xbf\xbf"),), (Kind.TEXT, b"\xef\xbf\xbf")),
    ok(
        "one text's rest is not carried into the next",
        (Frame(MORE_TEXT, SMILE[:1]), Frame(CONT, SMILE[1:]), Frame(MORE_TEXT, CAFE), Frame(CONT)),
        (Kind.TEXT, SMILE),
        (Kind.TEXT, CAFE),
    ),
    ok(
        "binary fragments after text ones need not be UTF-8",
        (Frame(MORE_TEXT, CAFE), Frame(CONT), Frame(MORE_BINARY, b"\xff"), Frame(CONT, b"\xff")),
        (Kind.TEXT, CAFE),
        (Kind.BINARY, b"\xff\xff"),
    ),
)

GOOD_CODES = (1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999)
BAD_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)

CLOSES = (
    ok("close without a code", (Frame(CLOSE),), (Kind.CLOSE, b"")),
    ok(
        "close with a reason",
        (Frame(CLOSE, closing(1000, b"OK")),),
        (Kind.CLOSE, closing(1000, b"OK")),
    ),
    ok(
        "close with a reason of 123 bytes",
        (Frame(CLOSE, closing(1001, b"a" * 123)),),
        (Kind.CLOSE, closing(1001, b"a" * 123)),
    ),
    ok(
        "close with a reason beyond ASCII",
        (Frame(CLOSE, closing(4000, CAFE)),),
        (Kind.CLOSE, closing(4000, CAFE)),
    ),
    # 1012 to 1014 are registered by section 11.7; wsproto refuses the last
    *(
        ok(f"close code {code}", (Frame(CLOSE, closing(code)),), (Kind.CLOSE, closing(code)))
        for code in GOOD_CODES
    ),
    *(bad(f"close code {code}", 1002, (Frame(CLOSE, closing(code)),)) for code in BAD_CODES),
    bad("half a close code", 1002, (Frame(CLOSE, b"\x03"),)),
    *(
        bad(f"close reason with {name}", 1007, (Frame(CLOSE, closing(1000, text[:123])),))
        for name, text in NOT_UTF8
        if len(text) <= 123
    ),
    # websockets says 1007: the code stands first and is judged first
    bad("bad close code and bad reason", 1002, (Frame(CLOSE, closing(999, b"\xff")),)),
    ok(
        "messages before a close",
        (Frame(TEXT, b"Spam"), Frame(PING), Frame(CLOSE)),
        SPAM,
        (Kind.PING, b""),
        (Kind.CLOSE, b""),
    ),
    *(
        ok(
            f"{name} after a close",
            (Frame(CLOSE, closing(1001)), frame),
            (Kind.CLOSE, closing(1001)),
        )
        for name, frame in (
            ("continuation", Frame(MORE_CONT)),
            ("text", Frame(TEXT)),
            ("binary", Frame(BINARY, b"Eggs")),
            ("ping", Frame(PING)),
            ("pong", Frame(PONG)),
            ("a second close", Frame(CLOSE)),
            ("nonsense", Frame(0xFF, b"\xff")),
            ("too much", Frame(BINARY, b"", 8, 2**62)),
        )
    ),
)

SIZES = (
    ok("text at the limit", (Frame(TEXT, SMILE),), (Kind.TEXT, SMILE), limit=4),
    bad("text over the limit", 1009, (Frame(TEXT, SMILE),), limit=3),
    bad("binary over the limit", 1009, (Frame(BINARY, b"\x01\x02\xfe\xff"),), limit=3),
    bad("one byte over 1024", 1009, (Frame(BINARY, b"a" * 1025),), limit=1024),
    bad("over the limit from the header alone", 1009, (Frame(BINARY, b"", 8, 2**62),)),
    bad("the shortest header that is too big", 1009, (Frame(TEXT, b"", 0, 125),), limit=124),
    bad("a first fragment over the limit", 1009, (Frame(MORE_TEXT, b"", 2, 1025),), limit=1024),
    ok(
        "fragments at the limit",
        (Frame(MORE_TEXT, b"12"), Frame(MORE_CONT, b"3"), Frame(CONT, b"4")),
        (Kind.TEXT, b"1234"),
        limit=4,
    ),
    bad("fragments over the limit", 1009, (Frame(MORE_TEXT, b"12"), Frame(CONT, b"34")), limit=3),
    bad(
        "fragments over the limit from the header alone",
        1009,
        (Frame(MORE_BINARY, b"12"), Frame(MORE_CONT, b"3"), Frame(CONT, b"", 2, 60000)),
        limit=60000,
    ),
    ok(
        "each message has the whole limit",
        (Frame(MORE_TEXT, b"12"), Frame(CONT, b"34"), Frame(TEXT, b"Spam"), Frame(BINARY, b"Eggs")),
        (Kind.TEXT, b"1234"),
        SPAM,
        (Kind.BINARY, b"Eggs"),
        limit=4,
    ),
    bad(
        "messages before too much",
        1009,
        (Frame(TEXT, b"Spam"), Frame(TEXT, b"12345")),
        SPAM,
        limit=4,
    ),
    # a broken header is broken whatever its length
    bad("reserved bit and too big", 1002, (Frame(0xC1, b"", 8, 2**62),), limit=4),
    bad(
        "masked against the role and too big",
        1002,
        (Frame(TEXT, b"12345", wrong_mask=True),),
        limit=4,
    ),
    bad("too big in a long form", 1002, (Frame(TEXT, b"12345", 2),), limit=4),
)

CASES = (*WHOLE, *CONTROLS, *FRAGMENTS, *HEADERS, *UTF8, *CLOSES, *SIZES)
