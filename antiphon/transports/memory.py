"""Calls without a network: a pair of joined links, in one event loop.

Nothing is paced and nothing is lost: a side that does not take its sound makes the other wait. So a
handler's test takes no longer than its computation, and hears the same every time.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import inf

import anyio
import msgspec

from ..core.messages import Start
from ..core.signaling import Refusal
from ..core.wire import Kind
from .call import LiveCall
from .caller import Caller, refused
from .driver import Driver
from .host import Host
from .tasks import background

__all__ = ("call_host",)

PIPE = 16  # messages on their way before the sender is asked to wait


class MemoryLink:
    """One end of the pair; implements `antiphon.core.ports.Link`. What it sends is fed to the other
    end's driver from the event loop, never from inside the send.
    """

    def __init__(self) -> None:
        self.driver: Driver
        self.other: MemoryLink
        self.gone = anyio.Event()
        self._pipe: deque[tuple[Kind, bytes]] = deque()
        self._pumping = False
        self._closing = False

    def attach(self, driver: Driver, other: "MemoryLink") -> None:
        """Join: this link is the driver's, and sends to the other."""
        self.driver = driver
        self.other = other
        driver.audio.taken = other.pump
        driver.audio.keep_all()
        driver.paced = False

    @property
    def peer(self) -> str:
        return "memory"

    @property
    def writable(self) -> bool:
        return len(self._pipe) < PIPE

    def send_text(self, payload: bytes) -> None:
        self._put(Kind.TEXT, payload)

    def send_binary(self, payload: bytes) -> None:
        self._put(Kind.BINARY, payload)

    def ping(self) -> None:
        """Both ends live and die together."""

    def close(self, code: int, reason: str) -> None:
        if not self._closing:
            self._closing = True
            payload = (1000 if code in (1005, 1006) else code).to_bytes(2, "big") + reason.encode()
            self._put(Kind.CLOSE, payload)

    def _put(self, kind: Kind, payload: bytes) -> None:
        self._pipe.append((kind, payload))
        self.pump()

    def pump(self) -> None:
        """Deliver soon, if there is something and the other end has room."""
        if self._pipe and not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        self._pumping = False
        driver = self.other.driver
        now = asyncio.get_running_loop().time()
        # A call that ends takes everything at once: nobody waits for room any more.
        while self._pipe and (self._closing or not driver.audio.full):
            kind, payload = self._pipe.popleft()
            driver.feed(kind, payload, now)
            if kind is Kind.CLOSE:
                self.other.gone.set()
        if self.writable and driver.closed is None:
            self.driver.resumed()


@asynccontextmanager
async def call_host(host: Host, start: Start, timeout: float) -> AsyncGenerator[LiveCall]:
    """Call an application of this process, which need not run: the call's task lives in this
    context, so that of several calls each may end when it will. Raises as `Caller.calling`.
    """
    refusal: Refusal | None = host.visiting_refusal()
    if refusal is not None:
        raise refused(refusal)
    here, there = MemoryLink(), MemoryLink()
    config = msgspec.structs.replace(host.settings.session, lead=inf)
    timing = msgspec.structs.replace(config.timing, ping_interval=inf)
    config = msgspec.structs.replace(config, timing=timing)
    async with background() as tasks:
        reception = host.receive(
            there, transport="memory", principal=None, config=config, tasks=tasks
        )
        caller = Caller(here, start, "memory", inf)
        caller.gone = here.gone
        here.attach(caller.driver, there)
        there.attach(reception.driver, here)
        caller.begin()
        async with caller.calling(timeout) as call:
            yield call
