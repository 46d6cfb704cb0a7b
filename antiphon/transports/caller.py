"""The client's end of a call, whatever carries it."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import inf

import anyio

from ..core.agreement import TrackRates
from ..core.errors import CallRefused
from ..core.events import (
    CallRefusedByServer,
    CallStarted,
    Closed,
    Event,
    Message,
    PlayoutCleared,
    PongReceived,
)
from ..core.liveness import Timing
from ..core.messages import Start
from ..core.ports import CallInfo, Link, Output, Tracks
from ..core.session import Session, SessionConfig
from ..core.signaling import Refusal
from ..core.wire import Role
from .call import LiveCall
from .driver import Driver

__all__ = ("Caller", "client_timing", "refused")

HANG_UP = 5.0  # seconds for the server's half of the goodbye

client_timing = Timing(start_timeout=inf, absence_timeout=inf, ping_interval=inf)
"""A client keeps no watch of its own: the server ends what is over."""


def refused(refusal: Refusal) -> CallRefused:
    """The error that a refusal is to a program that calls."""
    return CallRefused(refusal.error, refusal.limit, refusal.detail)


class Caller:
    """Opens a call on a link, and ends it. The link sets `gone` when nothing more comes."""

    def __init__(
        self, link: Link, start: Start, transport: str, lead: float, tracks: Tracks | None = None
    ) -> None:
        if start.media_format is None:
            raise ValueError("a call is opened with a media format")
        self._start = start
        rate = start.media_format.sample_rate
        config = SessionConfig(
            input_sample_rate=rate, output_sample_rate=rate, lead=lead, timing=client_timing
        )
        session = Session(Role.CLIENT, config, anyio.current_time())
        self.driver = Driver(session, link, rate, self._told, tracks)
        self._decided = anyio.Event()
        self._started = False
        self._refusal: Refusal | None = None
        self.gone = anyio.Event()
        info = CallInfo(
            id=str(start.websocket_id),
            transport=transport,
            peer=link.peer,
            token="",
            started=time.time(),
            metadata=start.metadata,
        )
        self.call = LiveCall(self.driver, Role.CLIENT, info, _no_outputs)

    def _told(self, event: Event) -> None:
        match event:
            case CallStarted():
                self._started = True
                self.call.opened(event.token)
                self._decided.set()
            case CallRefusedByServer():
                self._refusal = event.refusal
            case PongReceived():
                self.call.ponged()
            case PlayoutCleared():
                self.driver.audio.clear()
                self.driver.messages.push(Message("clear", None))
            case Closed():
                self.call.ended()
                self._decided.set()
            case _:
                pass

    def begin(self) -> None:
        """Say the start, unless the server has said goodbye already."""
        if self.driver.closed is not None:
            return
        self.driver.act(lambda now: self.driver.session.start(self._start, now))

    def begin_tracks(self, rates: TrackRates, token: str) -> None:
        """The server has answered an offer: the call is open, its sound travels on tracks."""
        self.driver.act(lambda now: self.driver.session.open_tracks(None, rates, now))
        self._started = True
        self.call.opened(token)
        self._decided.set()

    @asynccontextmanager
    async def calling(self, timeout: float) -> AsyncGenerator[LiveCall]:
        """The call, from the server's yes to the goodbye; after `begin`.

        Raises CallRefused, SessionClosed when the server goes away before it, TimeoutError.
        """
        driver = self.driver
        try:
            with anyio.fail_after(timeout):
                await self._decided.wait()
            if self._refusal is not None:
                raise refused(self._refusal)
            # A call that was opened and has ended since still has its sound and messages to read.
            if not self._started:
                raise driver.over()
            yield self.call
        finally:
            if driver.closed is None:
                driver.act(driver.session.hang_up)
            with anyio.move_on_after(HANG_UP, shield=True):
                await self.gone.wait()


def _no_outputs(output: Output) -> None:
    raise AssertionError("LiveCall.output is refused at the client's end")
