"""A WebSocket client for load: mu-law frames made in advance, answers checked byte by byte.

It does as little as a correct client may (RFC 6455), so that the server is what gets measured:
plain non-blocking sockets, prebuilt masked frames, no JSON parser on the way back.
"""

import base64
import random
import socket
from array import array
from itertools import product

import msgspec

__all__ = (
    "CLOSE",
    "FRAME_BYTES",
    "FRAME_SECONDS",
    "MAX_FRAMES",
    "PING",
    "PONG",
    "TEXT",
    "Answers",
    "Connection",
    "Refused",
    "Tally",
    "client_frame",
    "media_frame",
)

FRAME_BYTES = 160  # 20 ms at 8 kHz, one mu-law code a sample
FRAME_SECONDS = 0.02
_BODIES = 64  # different sounds: one frame repeated teaches the branch predictor the codec
_SYMBOLS = range(127)  # 0x7F is negative zero, which comes back as 0xFF
_NUMBERS = 127 * 127  # two leading symbols that vary are enough; the third is zero
MAX_FRAMES = _NUMBERS

_BEFORE = b'{"event":"media","media":{"payload":"'
_AFTER = b'"}}'
_PAYLOAD_CHARS = len(base64.b64encode(bytes(FRAME_BYTES)))
_TAG_CHARS = 4  # three bytes are four base64 characters: the frame's number, then the session's

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A  # FIN and opcode, RFC 6455 section 5.2


class Refused(RuntimeError):
    """The server did not accept the upgrade."""


def _tag(upper: int, lower: int) -> bytes:
    return base64.b64encode(bytes((upper, lower, 0)))


_TAGS = [_tag(*symbols) for symbols in product(_SYMBOLS, _SYMBOLS)]
_TAG_INTS = [int.from_bytes(tag, "little") for tag in _TAGS]
_NUMBER_OF = {tag: number for number, tag in enumerate(_TAGS)}


def _masked(data: bytes, key: bytes) -> bytes:
    """RFC 6455 section 5.3."""
    stream = (key * (len(data) // 4 + 1))[: len(data)]
    mixed = int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")
    return mixed.to_bytes(len(data), "little")


def client_frame(first: int, payload: bytes, key: bytes) -> bytes:
    """One masked frame with its first byte (FIN and opcode) given; payload below 64 KiB."""
    size = len(payload)
    head = bytes((first, 0x80 | size)) if size < 126 else bytes((first, 0xFE)) + size.to_bytes(2)
    return head + key + _masked(payload, key)


class _Template(msgspec.Struct, frozen=True):
    """A frame with room for the two tags; `body` is what must come back behind them."""

    before: bytes
    key: int
    after: bytes
    body: bytes


def _template(rng: random.Random) -> _Template:
    codes = bytes(rng.choice(_SYMBOLS) | rng.choice((0, 0x80)) for _ in range(FRAME_BYTES - 6))
    body = base64.b64encode(codes)
    key = rng.randbytes(4)
    tags = 2 * _TAG_CHARS
    frame = client_frame(TEXT, _BEFORE + bytes(tags) + body + _AFTER, key)
    start = len(frame) - len(_AFTER) - len(body) - tags
    return _Template(
        frame[:start],
        int.from_bytes(frame[start : start + tags], "little"),  # zeros masked are the key itself
        frame[start + tags :],
        body,
    )


_TEMPLATES = [_template(random.Random(seed)) for seed in range(_BODIES)]


def media_frame(session: int, number: int) -> bytes:
    """The masked frame with this number in this session; both are written into its sound."""
    template = _TEMPLATES[number % _BODIES]
    tags = (_TAG_INTS[number] | _TAG_INTS[session] << 32) ^ template.key
    return b"".join((template.before, tags.to_bytes(8, "little"), template.after))


class Tally:
    """What happened to every frame: times in s by `session * frames + number`, 0.0 for never."""

    def __init__(self, sessions: int, frames: int) -> None:
        if frames > MAX_FRAMES or sessions > _NUMBERS:
            raise ValueError(f"at most {MAX_FRAMES} frames in each of {_NUMBERS} sessions")
        self.frames = frames
        self.sent = array("d", bytes(8 * sessions * frames))
        self.back = array("d", bytes(8 * sessions * frames))
        self.answered = 0
        self.altered = 0
        self.disordered = 0
        self.other_texts = 0


class Answers:
    """What a server says in one session: every frame that comes back is checked and counted."""

    def __init__(self, session: int, tally: Tally) -> None:
        self._tally = tally
        self._base = session * tally.frames
        self._tag = _TAGS[session]
        self._rest = b""
        self._last = -1
        self._payload_at = 0
        self.ready = False
        """The ping after `start` was answered."""

    def receive(self, data: bytes, now: float) -> list[tuple[int, bytes]]:
        """Take bytes that arrived at `now`; returns the control frames in them, each as its first
        byte and payload.
        """
        controls: list[tuple[int, bytes]] = []
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        while end - at >= 2:
            size, start = data[at + 1], at + 2
            if size >= 126:
                start = at + 4 if size == 126 else at + 10
                if end < start:
                    break
                size = int.from_bytes(data[at + 2 : start])
            if end - start < size:
                break
            if data[at] == TEXT:
                self._text(data, start, start + size, now)
            else:
                controls.append((data[at], data[start : start + size]))
            at = start + size
        self._rest = data[at:]
        return controls

    def _text(self, data: bytes, start: int, end: int, now: float) -> None:
        """Count the frame if it is one of ours, unaltered, and later than the last."""
        tag = start + self._payload_at
        session = tag + _TAG_CHARS
        body = session + _TAG_CHARS
        number = _NUMBER_OF.get(data[tag:session])
        if (
            number is None
            or number >= self._tally.frames
            or data[session:body] != self._tag
            or data[body : tag + _PAYLOAD_CHARS] != _TEMPLATES[number % _BODIES].body
        ):
            self._unexpected(data, start, end, now)
        elif number <= self._last:
            self._tally.disordered += 1
        else:
            self._last = number
            self._tally.back[self._base + number] = now
            self._tally.answered += 1

    def _unexpected(self, data: bytes, start: int, end: int, now: float) -> None:
        """The first answer shows where this server puts the payload; later ones are altered."""
        text = data[start:end]
        key = text.find(b'"payload"')
        if key >= 0 and not self._payload_at:
            self._payload_at = text.index(b'"', key + len(b'"payload"')) + 1
            self._text(data, start, end, now)
        elif key >= 0:
            self._tally.altered += 1
        elif b'"pong"' in text or b'"ping"' in text:  # an echo says ping
            self.ready = True
        else:
            self._tally.other_texts += 1


class Connection:
    """One session: upgrade, `start`, frames out, answers in, farewell."""

    def __init__(self, port: int, path: str, number: int, tally: Tally) -> None:
        self._tally = tally
        self._number = number
        self._base = number * tally.frames
        self._key = random.Random(number).randbytes(4)
        self._unsent = b""
        self._answers = Answers(number, tally)
        self.close_code: int | None = None
        """None while open, 1005 for a close frame without a code, 1006 for none at all."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        early = self._upgrade(port, path)
        self.socket.setblocking(False)
        self._take(early, 0.0)
        self._say({"event": "start", "websocket_id": f"load-{number}"})
        self._say({"event": "ping"})

    @property
    def ready(self) -> bool:
        """The ping after `start` was answered."""
        return self._answers.ready

    def _upgrade(self, port: int, path: str) -> bytes:
        """Returns what came behind the handshake. Raises Refused."""
        nonce = base64.b64encode(self._key * 4).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        reply = b""
        while b"\r\n\r\n" not in reply and (data := self.socket.recv(65536)):
            reply += data
        head, _, early = reply.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise Refused(head.decode(errors="replace"))
        return early

    def _say(self, message: object) -> None:
        self._write(client_frame(TEXT, msgspec.json.encode(message), self._key))

    def _write(self, data: bytes) -> None:
        """What the kernel has no room for goes out with the next frame."""
        if self._unsent:
            data = self._unsent + data
        try:
            written = self.socket.send(data)
        except BlockingIOError:
            written = 0
        except OSError:  # reset: told by the reading side
            written = len(data)
        self._unsent = data[written:]

    def send_frame(self, number: int, now: float) -> None:
        """Send the frame with this number (< tally.frames), stamped `now`."""
        self._tally.sent[self._base + number] = now
        self._write(media_frame(self._number, number))

    def send(self, frame: bytes) -> None:
        """Send a masked frame that is not counted."""
        self._write(frame)

    def stop(self) -> None:
        """End the call in the protocol's own words."""
        self._say({"event": "stop"})

    def close(self) -> None:
        """End the call with a close frame, code 1000."""
        self._write(client_frame(CLOSE, (1000).to_bytes(2), self._key))

    def read(self, now: float) -> None:
        """Take what has arrived, stamped `now`."""
        try:
            data = self.socket.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._take(data, now)
        elif self.close_code is None:
            self.close_code = 1006

    def _take(self, data: bytes, now: float) -> None:
        for first, payload in self._answers.receive(data, now):
            if first == PING:
                self._write(client_frame(PONG, payload, self._key))
            elif first == CLOSE and self.close_code is None:
                self._write(client_frame(CLOSE, payload, self._key))
                self.close_code = int.from_bytes(payload[:2]) if len(payload) >= 2 else 1005
