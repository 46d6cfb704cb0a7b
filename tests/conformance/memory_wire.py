"""A peer in this process, at the level of whole messages."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from antiphon import AudioFrame, CallRefused
from antiphon.core.events import Closed as SessionEnd
from antiphon.core.video import VideoFrame
from antiphon.core.wire import Kind
from antiphon.transports.memory import MemoryLink, dial
from antiphon.transports.slot import Slot
from tests.conformance.peer import Inbox
from tests.conformance.places import Place
from tests.conformance.trace import REFUSALS, Closed, Refused, Sound, heard

__all__ = ("End", "dial_memory")


class End:
    """The script's end of the pair; implements `antiphon.transports.memory.End`."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.audio: Slot[AudioFrame] = Slot(1)  # never filled: always room
        self.video: Slot[VideoFrame] = Slot(1)
        self.closed: SessionEnd | None = None
        self.paced = True

    def feed(self, kind: Kind, payload: bytes, now: float) -> None:
        if self.closed is not None:
            return
        match kind:
            case Kind.TEXT:
                self._inbox.put(heard(payload))
            case Kind.BINARY:
                self._inbox.put(Sound(payload, binary=True))
            case Kind.CLOSE:
                self._end(int.from_bytes(payload[:2], "big"))
            case _:
                raise AssertionError(kind)

    def feed_video(self, frame: VideoFrame, now: float) -> None:
        raise AssertionError("the scripts show nothing")

    def resumed(self) -> None:
        """A script never waits for room."""

    def lost(self, reason: str) -> None:
        self._end(1006)

    def _end(self, code: int) -> None:
        self.closed = SessionEnd(code, "", True)
        self._inbox.put(Closed(code))
        self._inbox.end()


class _MemoryWire:
    def __init__(self, link: MemoryLink) -> None:
        self._link = link

    async def text(self, payload: bytes) -> None:
        self._link.send_text(payload)

    async def samples(self, payload: bytes) -> None:
        self._link.send_binary(payload)

    async def vanish(self) -> None:
        self._link.other.driver.lost("the peer vanished")


@asynccontextmanager
async def dial_memory(
    place: Place, headers: Mapping[str, str], inbox: Inbox
) -> AsyncGenerator[_MemoryWire]:
    """Join a link of this process."""
    assert not headers, "nothing in memory has headers"
    try:
        link = dial(place.stream.host)
    except CallRefused as error:
        inbox.put(Refused(error.reason, error.limit))
        inbox.put(Closed(REFUSALS[error.reason][1]))
        inbox.end()
        link = MemoryLink()
        yield _MemoryWire(link)
        return
    end = End(inbox)
    link.attach(end, link.other)
    yield _MemoryWire(link)
    await asyncio.sleep(0)  # what was said last is delivered by the loop's next turn
    if end.closed is None:
        link.other.driver.lost("the script is over")
