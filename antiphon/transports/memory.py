"""Calls without a network: a pair of joined links, in one event loop.

Nothing is paced, nothing is lost and all comes in order: a side that does not take its sound, or
its pictures, makes the other wait. So a handler's test takes no longer than its computation, and
hears the same every time. Only what nobody has begun to take does not hold up the rest.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import inf
from typing import Protocol, TypeAlias

import anyio
import msgspec
from anyio.abc import TaskGroup

from ..core.audio.frames import AudioFrame
from ..core.events import Closed
from ..core.messages import Start
from ..core.ports import SoundQuality
from ..core.video import VideoFrame
from ..core.wire import Kind
from .call import LiveCall
from .caller import Caller, refused
from .host import Host
from .reception import Reception
from .slot import Slot
from .tasks import background

__all__ = ("End", "MemoryLink", "call_host", "dial")

PIPE = 16  # messages, and pictures, on their way before the sender is asked to wait


_Item: TypeAlias = tuple[Kind, bytes] | VideoFrame
_Numbered: TypeAlias = tuple[int, _Item]


class End(Protocol):
    """What stands behind one end of the pair; `Driver` describes it."""

    paced: bool

    @property
    def audio(self) -> Slot[AudioFrame]: ...

    @property
    def video(self) -> Slot[VideoFrame]: ...

    @property
    def closed(self) -> Closed | None: ...

    def feed(self, kind: Kind, payload: bytes, now: float) -> None: ...

    def feed_video(self, frame: VideoFrame, now: float) -> None: ...

    def resumed(self) -> None: ...

    def lost(self, reason: str) -> None: ...


class MemoryLink:
    """One end of the pair; implements `antiphon.core.ports.Link`, and of its `Tracks` the video:
    sound travels in messages. What it sends is fed to the other end's driver from the event loop,
    never from inside the send.
    """

    def __init__(self) -> None:
        self.driver: End
        self.other: MemoryLink
        self.gone = anyio.Event()
        self._pipe: deque[_Numbered] = deque()
        self._pictures: deque[_Numbered] = deque()
        self._sent = 0
        self._pumping = False
        self._closing = False

    def attach(self, driver: End, other: "MemoryLink") -> None:
        """Join: this link is the driver's, and sends to the other."""
        self.driver = driver
        self.other = other
        driver.audio.taken = driver.video.taken = other.pump
        driver.audio.keep_all()
        driver.video.keep_all()
        driver.paced = False

    @property
    def peer(self) -> str:
        return "memory"

    @property
    def writable(self) -> bool:
        return len(self._pipe) < PIPE

    def send_text(self, payload: bytes) -> None:
        self._put((Kind.TEXT, payload), self._pipe)

    def send_binary(self, payload: bytes) -> None:
        self._put((Kind.BINARY, payload), self._pipe)

    def ping(self) -> None:
        """Both ends live and die together."""

    def send_audio(self, pcm: bytes) -> None:
        raise AssertionError("sound in memory travels in messages")

    def clear_audio(self) -> None:
        raise AssertionError("sound in memory travels in messages")

    @property
    def pending_audio(self) -> float:
        return 0.0

    @property
    def sound_quality(self) -> SoundQuality | None:
        return None

    @property
    def carries_video(self) -> bool:
        return True

    @property
    def video_ready(self) -> bool:
        return len(self._pictures) < PIPE

    def send_video(self, frame: VideoFrame) -> None:
        self._put(frame, self._pictures)

    def close(self, code: int, reason: str) -> None:
        if not self._closing:
            self._closing = True
            payload = (1000 if code in (1005, 1006) else code).to_bytes(2, "big") + reason.encode()
            self._put((Kind.CLOSE, payload), self._pipe)

    def _put(self, item: _Item, queue: "deque[_Numbered]") -> None:
        self._sent += 1
        queue.append((self._sent, item))
        self.pump()

    def pump(self) -> None:
        """Deliver soon, if there is something and the other end has room."""
        if (self._pipe or self._pictures) and not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        self._pumping = False
        driver = self.other.driver
        now = asyncio.get_running_loop().time()
        while (queue := self._next_queue()) is not None:
            _, item = queue.popleft()
            if isinstance(item, VideoFrame):
                driver.feed_video(item, now)
                continue
            driver.feed(*item, now)
            if item[0] is Kind.CLOSE:
                self.other.gone.set()
        if (self.writable or self.video_ready) and driver.closed is None:
            self.driver.resumed()

    def _next_queue(self) -> "deque[_Numbered] | None":
        """Which has what was sent first, unless that waits for its reader; None to wait."""
        driver = self.other.driver
        ways = [(queue[0][0], queue) for queue in (self._pipe, self._pictures) if queue]
        for _, queue in sorted(ways):
            slot = driver.video if queue is self._pictures else driver.audio
            # A call that ends takes everything at once: nobody waits for room any more.
            if self._closing or not slot.full:
                return queue
            if slot.wanted:
                return None
        return None


def dial(host: Host, tasks: TaskGroup | None = None) -> MemoryLink:
    """A link whose other end an application of this process has; attach what calls. The call's task
    runs among `tasks`, or among the application's own. Raises CallRefused.
    """
    refusal = host.connecting_refusal() if tasks is None else host.visiting_refusal()
    if refusal is not None:
        raise refused(refusal)
    here, there = MemoryLink(), MemoryLink()
    timing = msgspec.structs.replace(host.settings.session.timing, ping_interval=inf)
    config = msgspec.structs.replace(host.settings.session, lead=inf, timing=timing)
    tracks = None if host.settings.modality == "audio" else there
    reception = Reception(
        host, there, transport="memory", principal=None, config=config, tracks=tracks, tasks=tasks
    )
    there.attach(reception.driver, here)
    here.other = there
    return here


@asynccontextmanager
async def call_host(host: Host, start: Start, timeout: float) -> AsyncGenerator[LiveCall]:
    """Call an application of this process, which need not run: the call's task lives in this
    context, so that of several calls each may end when it will. Raises as `Caller.calling`.
    """
    async with background() as tasks:
        link = dial(host, tasks)
        tracks = None if host.settings.modality == "audio" else link
        caller = Caller(link, start, "memory", inf, tracks)
        caller.gone = link.gone
        link.attach(caller.driver, link.other)
        caller.begin()
        async with caller.calling(timeout) as call:
            yield call
