"""One connection to a speech endpoint, on any server: messages in, one answer to each."""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

import anyio

from ..core.dialects.parameters import Answer, SpeechSession
from ..core.ports import CallInfo, Command, HangUp
from ..core.speech.work import Work
from ..core.wire import Kind
from .host import Host
from .speech_share import Share
from .speech_threads import in_speech_thread

__all__ = ("MAX_UNREAD", "PARAMETERS_TIMEOUT", "SpeechCall", "SpeechWire")

log = logging.getLogger("antiphon")

MAX_UNREAD = 8 * 1024 * 1024  # bytes of answers that may wait for a client that reads last
PARAMETERS_TIMEOUT = 60.0  # seconds for all parameters: a connection holds a slot


Step = Callable[[], Answer | Work | None]


class SpeechWire(Protocol):
    """What a server gives: a WebSocket that is pulled from."""

    async def receive(self) -> tuple[Kind, bytes] | None:
        """The next TEXT or BINARY message; None when there is no more to be answered."""
        ...

    def send_text(self, payload: bytes) -> None:
        """Answer; never waits."""
        ...

    @property
    def unread(self) -> int:
        """Bytes of answers that the client has not taken."""
        ...

    @property
    def over(self) -> bool:
        """Whether no answer is waited for any more, as far as is known."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Send what is left, then close; `receive` has no more from here on."""
        ...


class SpeechCall:
    """Holds the slot of a call; `run` carries it on, `release` gives it back, once.

    blocking: whether all sound has to be heard in worker threads; Work always is.
    """

    def __init__(
        self, host: Host, info: CallInfo, session: SpeechSession, *, blocking: bool
    ) -> None:
        self._host = host
        self._info = info
        self._session = session
        self._blocking = blocking
        self._loop = asyncio.get_running_loop()
        self._share = Share()
        self._wire: SpeechWire | None = None
        self._scope = anyio.CancelScope()
        self._timer: asyncio.TimerHandle | None = None
        self._began = self._last = self._loop.time()
        self._answering = False
        self._notes = 0
        self._released = False

    async def run(self, wire: SpeechWire) -> None:
        """Answer until the connection is over, or closed from this side."""
        info, self._wire = self._info, wire
        log.info("speech call %r from %s begins: %s", info.id, info.peer, info.metadata["path"])
        self._host.join(self)
        try:
            if self._scope.cancel_called:  # hung up before there was anything to hang up
                wire.close(1000, "the server hung up")
            self._watch()
            if not self._host.running:
                self.end("the server is shutting down", 1001)
            with self._scope:
                await self._converse(wire)
        finally:
            self._host.leave(self)
            if self._timer is not None:
                self._timer.cancel()
            log.info("speech call %r ended after %.1f s", info.id, time.time() - info.started)

    async def release(self) -> None:
        """Give the slot back; does nothing the second time."""
        if not self._released:
            self._released = True
            await self._host.release(self._info.id)

    def command(self, command: Command) -> None:
        """From any thread. There are no inputs."""
        if isinstance(command, HangUp):
            self._loop.call_soon_threadsafe(self.end, command.reason, 1000)

    def warn(self, text: str) -> None:
        """Nothing is said that is no answer: clients count them."""

    def end(self, reason: str, code: int) -> None:
        """End the call now; the client is told why."""
        if self._wire is not None:
            self._wire.close(code, reason)
        self._scope.cancel()

    async def _converse(self, wire: SpeechWire) -> None:
        while (message := await wire.receive()) is not None:
            self._answering = True
            answer = await self._answer(wire, *message)
            self._answering, self._last = False, self._loop.time()
            if answer is None:
                return
            self._log(answer.note)
            wire.send_text(answer.text)
            if answer.last:
                wire.close(1008, "too many messages in a row could not be taken")
                return
            if wire.unread > MAX_UNREAD:
                wire.close(1008, f"{MAX_UNREAD} bytes of answers wait to be read")
                return

    async def _answer(self, wire: SpeechWire, kind: Kind, payload: bytes) -> Answer | None:
        """None where the client has left meanwhile: what it sent may be minutes of work."""
        session = self._session
        step: Step = partial(session.receive, kind, payload)
        hear = self._in_thread if self._blocking and kind is Kind.BINARY else self._here
        try:
            while not wire.over:
                found = await hear(step)
                if isinstance(found, Answer):
                    return found
                if found is not None:
                    await in_speech_thread(found.run)
                step = session.go_on
        except Exception:  # of the engine's: this call begins anew, no other call is hit
            log.exception("a message of speech call %r could not be analysed", self._info.id)
            return session.failed()
        return None

    async def _here(self, step: Step) -> Answer | Work | None:
        async with self._share.piece():
            return step()

    async def _in_thread(self, step: Step) -> Answer | Work | None:
        return await in_speech_thread(step)

    def _log(self, note: str) -> None:
        """The first of a connection; the rest would be a way to fill the log."""
        if note:
            level = logging.DEBUG if self._notes else logging.INFO
            self._notes += 1
            log.log(level, "speech call %r, a message: %s", self._info.id, note)

    def _watch(self) -> None:
        """End what has taken too long, and look again when something might."""
        now, timing = self._loop.time(), self._host.settings.session.timing
        parameters = float("inf") if self._session.running else self._began + PARAMETERS_TIMEOUT
        over = self._began + timing.time_limit
        # Who waits for an answer is not idle.
        idle = (now if self._answering else self._last) + timing.idle_timeout
        if now >= parameters:
            self.end(f"the parameters did not come within {PARAMETERS_TIMEOUT:g} s", 1008)
        elif now >= over:
            self.end("the time limit is reached", 1000)
        elif now >= idle:
            self.end("nothing was said for too long", 1000)
        elif (soonest := min(parameters, over, idle)) < float("inf"):
            self._timer = self._loop.call_at(soonest, self._watch)
