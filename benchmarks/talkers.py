"""Clients that talk: prepared sound out in real time, and all that comes back with its time."""

import asyncio
import base64
import time
from typing import Any

import msgspec
import numpy as np

from antiphon.core.audio.frames import Samples
from antiphon.core.audio.g711 import mulaw_decode, mulaw_encode

from .client import CLOSE, PING, PONG, TEXT, Refused, client_frame
from .marked_speech import PROFILES, decode, encode
from .marked_speech import RATE as OPUS_RATE
from .utterances import RATE
from .webrtc_client import Caller

__all__ = ("FRAME", "FRAME_SECONDS", "Heard", "RtcTalker", "WebSocketTalker", "heard_in")

FRAME = RATE // 50
FRAME_SECONDS = 0.02
_KEY = b"\x5a\xc3\x17\x88"
_OPENING = 10.0  # seconds
_SILENT = 300  # int16 steps: beneath it a packet is silence
_clock = time.perf_counter


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What one client was told. Times in seconds since its first sample was captured."""

    pauses: list[float]
    clears: list[float]
    sound: list[tuple[float, float]]
    """What is no silence: when it came, and how many seconds it lasts."""
    head: bytes
    """How the first turn began, int16 at 24 kHz, as the function got it; empty if it was not
    told."""


class _Message(msgspec.Struct):
    event: str = ""
    type: str = ""
    data: Any = None
    media: dict[str, Any] = {}


_read = msgspec.json.Decoder(_Message)


class _Ears:
    """Collects messages."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.clears: list[float] = []
        self.sound: list[tuple[float, bytes]] = []
        self.head = b""
        self.ready = asyncio.Event()

    def hear(self, text: bytes | str, now: float) -> None:
        """Take one message that came at `now`."""
        match _read.decode(text):
            case _Message(event="media", media=media):
                self.sound.append((now, base64.b64decode(media["payload"])))
            case _Message(event="clear"):
                self.clears.append(now)
            case _Message(event="pong"):
                self.ready.set()
            case _Message(type="log", data="pause_detected"):
                self.pauses.append(now)
            case _Message(type="message", data=str(data)):
                self.head = self.head or base64.b64decode(data)
            case _:
                pass


class WebSocketTalker(asyncio.Protocol):
    """Mu-law at 24 kHz as base64 JSON: what a client without a `media_format` sends."""

    def __init__(self, name: str, sound: Samples) -> None:
        codes = mulaw_encode(sound.tobytes())
        frames = range(0, len(codes) - FRAME + 1, FRAME)
        self.frames = [_media(codes[at : at + FRAME]) for at in frames]
        self._name = name
        self._next = 0
        self._ears = _Ears()
        self._data = b""
        self._upgraded = False
        self._transport: asyncio.Transport

    async def open(self, port: int) -> None:
        """Raises Refused."""
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", port)
        nonce = base64.b64encode(_KEY * 4).decode()
        self._transport.write(
            f"GET /websocket/offer HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        try:
            await asyncio.wait_for(self._ears.ready.wait(), _OPENING)
        except TimeoutError:
            raise Refused(self._data[:200].decode(errors="replace")) from None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def _say(self, message: object) -> None:
        self._transport.write(client_frame(TEXT, msgspec.json.encode(message), _KEY))

    def send(self) -> None:
        """Send the next frame."""
        self._transport.write(self.frames[self._next])
        self._next += 1

    def data_received(self, data: bytes) -> None:
        now = _clock()
        self._data += data
        if not self._upgraded:
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if not found or not head.startswith(b"HTTP/1.1 101"):
                return
            self._upgraded, self._data = True, rest
            self._say({"event": "start", "websocket_id": self._name})
            self._say({"event": "ping"})
        while (frame := _frame(self._data)) is not None:
            first, payload, size = frame
            self._data = self._data[size:]
            if first == TEXT:
                self._ears.hear(payload, now)
            elif first in (PING, CLOSE):
                self._transport.write(client_frame(PONG if first == PING else CLOSE, payload, _KEY))

    def heard(self, start: float) -> Heard:
        """All that came, in seconds since `start`."""
        ears = self._ears
        sound = [(at - start, mulaw_decode(codes)) for at, codes in ears.sound]
        return heard_in(ears.pauses, ears.clears, sound, ears.head, start, RATE)

    async def aclose(self) -> None:
        """End the call."""
        if not self._transport.is_closing():
            self._say({"event": "stop"})
            self._transport.close()


class RtcTalker:
    """Opus of 20 ms packets, no jitter buffer: what comes is taken at the socket."""

    def __init__(self, name: str, sound: Samples) -> None:
        self.frames = encode(sound, RATE, PROFILES["mono32"])
        self._caller = Caller(name, self.frames, 0)

    async def open(self, port: int) -> None:
        """Raises Refused."""
        await self._caller.open(port)

    def send(self) -> None:
        """Send the next packet."""
        self._caller.send()

    def heard(self, start: float) -> Heard:
        """All that came, in seconds since `start`."""
        caller, ears = self._caller, _Ears()
        for at, text in caller.messages:
            ears.hear(text, at)
        decoded, starts = decode(caller.payloads)
        pcm = (decoded * 32767).astype("<i2")
        parts = np.split(pcm, starts[1:])
        sound = [
            (at - start, part.tobytes()) for at, part in zip(caller.arrived, parts, strict=False)
        ]
        return heard_in(ears.pauses, ears.clears, sound, ears.head, start, OPUS_RATE)

    async def aclose(self) -> None:
        """End the call."""
        await self._caller.aclose()


def heard_in(
    pauses: list[float],
    clears: list[float],
    sound: list[tuple[float, bytes]],
    head: bytes,
    start: float,
    rate: int,
) -> Heard:
    """Of sounds as PCM only their lengths are kept, and silent ones are left out. The first half
    second behind the first pause stands for a head that was not told.
    """
    audible = [(at, pcm) for at, pcm in sound if _loudest(pcm) > _SILENT]
    if not head and pauses and rate == RATE:
        said = b"".join(pcm for at, pcm in sound if at + start >= pauses[0])
        head = said[:RATE]
    return Heard(
        pauses=[at - start for at in pauses],
        clears=[at - start for at in clears],
        sound=[(at, len(pcm) / 2 / rate) for at, pcm in audible],
        head=head,
    )


def _loudest(pcm: bytes) -> int:
    return int(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)).max()) if pcm else 0


def _media(codes: bytes) -> bytes:
    text = {"event": "media", "media": {"payload": base64.b64encode(codes).decode()}}
    return client_frame(TEXT, msgspec.json.encode(text), _KEY)


def _frame(data: bytes) -> tuple[int, bytes, int] | None:
    """First byte, payload and whole length of the first frame, if it is there."""
    if len(data) < 2:
        return None
    size, start = data[1], 2
    if size >= 126:
        start = 4 if size == 126 else 10
        if len(data) < start:
            return None
        size = int.from_bytes(data[2:start])
    if len(data) < start + size:
        return None
    return data[0], data[start : start + size], start + size
