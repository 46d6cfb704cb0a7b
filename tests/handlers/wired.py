"""A call whose wire is in the test's hands: what is said is there at once, and the test decides
whether the client reads. Nothing is paced.
"""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import inf
from typing import Any

import anyio
import msgspec

from antiphon import Stream
from antiphon.core.audio.frames import Samples
from antiphon.core.wire import Kind
from antiphon.handlers.reply_on_pause import ReplyOnPause
from antiphon.transports.reception import Reception
from tests.handlers.conversing import RATE

__all__ = ("Wire", "wired")

FRAME = RATE // 50


class Wire:
    """The link and the client of one call; implements `antiphon.core.ports.Link`."""

    def __init__(self, stream: Stream, call_id: str) -> None:
        self.stream = stream
        self._id = call_id
        self.peer = "test"
        self.writable = True
        self.told: list[Any] = []
        """Messages: the text of a log, else the type, with its data if it has any."""
        self.sound = 0
        """Bytes that were heard."""
        self._changed = anyio.Event()
        host = stream.host
        config = msgspec.structs.replace(host.settings.session, lead=inf)
        reception = Reception(host, self, transport="test", principal=None, config=config)
        self.driver = reception.driver
        self.driver.paced = False
        wire = {"encoding": "audio/pcm", "sample_rate": RATE}
        self.tell(event="start", websocket_id=call_id, media_format=wire)

    def tell(self, **message: Any) -> None:
        now = asyncio.get_running_loop().time()
        self.driver.feed(Kind.TEXT, json.dumps(message).encode(), now)

    def say(self, sound: Samples) -> None:
        """Frames of 20 ms, all at once."""
        for at in range(0, len(sound), FRAME):
            payload = base64.b64encode(sound[at : at + FRAME].tobytes()).decode()
            self.tell(event="media", media={"payload": payload})

    def trigger(self) -> None:
        """The application wants an answer at once."""
        handler = self.stream.handlers[self._id]
        assert isinstance(handler, ReplyOnPause)
        handler.trigger_response()

    def read(self, reads: bool) -> None:
        """Whether the client reads from now on."""
        self.writable = reads
        if reads:
            self.driver.resumed()

    async def until(self, last: Any) -> list[Any]:
        """What is told up to this; it is forgotten then."""
        with anyio.fail_after(10):
            while last not in self.told:
                self._changed = anyio.Event()
                await self._changed.wait()
        end = self.told.index(last) + 1
        told, self.told = self.told[:end], self.told[end:]
        return told

    def send_text(self, payload: bytes) -> None:
        match json.loads(payload):
            case {"event": "media", "media": {"payload": sound}}:
                self.sound += len(base64.b64decode(sound))
            case {"event": "started" | "mark"}:
                pass
            case {"type": "log", "data": text}:
                self._note(text)
            case {"type": kind, "data": data} if data:
                self._note((kind, data))
            case {"type": kind} | {"event": kind}:
                self._note(kind)
            case other:
                raise AssertionError(other)

    def _note(self, told: Any) -> None:
        self.told.append(told)
        self._changed.set()

    def send_binary(self, payload: bytes) -> None:
        raise AssertionError("the client says nothing in binary")

    def ping(self) -> None:
        """A client of these tests is always there."""

    def close(self, code: int, reason: str) -> None:
        self._note(("closed", code))


@asynccontextmanager
async def wired(handler: Any, call_id: str = "one") -> AsyncGenerator[Wire]:
    """A call that has begun; its client is gone at the end."""
    stream = Stream(handler)
    async with stream.running():
        wire = Wire(stream, call_id)
        await anyio.wait_all_tasks_blocked()
        yield wire
        wire.driver.lost("the test is over")
        await anyio.wait_all_tasks_blocked()
