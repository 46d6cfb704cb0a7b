"""What all transports of one application share: its settings, its calls and their tasks."""

import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Literal, Protocol

import anyio
import msgspec
from anyio.abc import TaskGroup

from ..core.address_policy import AddressPolicy
from ..core.ports import CallInfo, Command, Directory, Handler
from ..core.session import SessionConfig
from ..core.signaling import Refusal
from .driver import AUDIO_BACKLOG
from .input_types import InputType
from .speech_settings import SpeechSettings
from .tasks import background

__all__ = ("Guest", "Host", "Settings")

log = logging.getLogger("antiphon")

CLEANUP = 5.0  # seconds for claiming a slot, and for giving it back, whatever the directory does


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an application decides; `antiphon.Stream` describes each."""

    modality: Literal["audio", "video", "audio-video"]
    session: SessionConfig
    concurrency_limit: int | None
    connecting_limit: int
    max_message: int
    input_type: InputType | None
    authorize: Callable[[Any], Any] | None
    origins: frozenset[str]
    require_token: bool
    rtc_configuration: Any = None
    server_rtc_configuration: Any = None
    address_policy: AddressPolicy = AddressPolicy()
    audio_backlog: float = AUDIO_BACKLOG
    """Seconds of received sound that wait for the handler; older is dropped."""
    speech: SpeechSettings | None = None


class Guest(Protocol):
    """What is told of a shutdown."""

    def warn(self, text: str) -> None:
        """The end is near."""
        ...

    def end(self, reason: str, code: int) -> None:
        """This is the end; the client is told why."""
        ...


class Host:
    """The running side of an application, for one event loop at a time."""

    def __init__(self, handler: Handler, settings: Settings, directory: Directory) -> None:
        self.handler = handler
        self.settings = settings
        self.directory = directory
        self._connecting: set[Guest] = set()
        self._live: set[Guest] = set()
        self._tasks: TaskGroup | None = None
        self._idle: anyio.Event | None = None
        self._closing = False

    @property
    def running(self) -> bool:
        """Whether calls can be taken now."""
        return self._tasks is not None and not self._closing

    @asynccontextmanager
    async def run(self, grace: float = 5.0) -> AsyncGenerator[None]:
        """Take calls inside this context. On the way out: admit no more, tell the clients, wait up
        to `grace` seconds for calls to end by themselves, then end the rest.
        """
        if self._tasks is not None:
            raise RuntimeError("this stream already runs")
        async with background() as self._tasks:
            try:
                yield
            finally:
                with anyio.CancelScope(shield=True):
                    await self._shut_down(grace)
                self._tasks = None
                self._closing = False

    async def _shut_down(self, grace: float) -> None:
        self._closing = True
        for reception in list(self._connecting):
            reception.end("the server is shutting down", 1001)
        for guest in list(self._live):
            guest.warn(f"the server is shutting down: this call ends within {grace:g} s")
        with anyio.move_on_after(grace):
            await self._all_gone()
        for guest in list(self._live):
            guest.end("the server is shutting down", 1001)
        with anyio.move_on_after(CLEANUP):
            await self._all_gone()

    async def _all_gone(self) -> None:
        while self._live:
            self._idle = anyio.Event()
            await self._idle.wait()

    def connecting_refusal(self) -> Refusal | None:
        """Whether one more connection may try to open a call; None lets it."""
        return self._closing_refusal() if not self.running else self._limit_refusal()

    def visiting_refusal(self) -> Refusal | None:
        """The same for a caller of this process, who brings the tasks: nothing need be running."""
        return self._closing_refusal() if self._closing else self._limit_refusal()

    @staticmethod
    def _closing_refusal() -> Refusal:
        return Refusal(error="shutting_down", detail="the server takes no calls now", retry_after=5)

    def _limit_refusal(self) -> Refusal | None:
        limit = self.settings.connecting_limit
        if len(self._connecting) >= limit:
            return Refusal(error="concurrency_limit_reached", limit=limit, retry_after=1)
        return None

    def arrived(self, guest: Guest) -> None:
        """A connection is there that may become a call."""
        self._connecting.add(guest)

    async def claim(self, info: CallInfo, run: Callable[[Command], None]) -> Refusal | None:
        """Take a slot. A directory that fails refuses this call, it does not end the others; a
        client that leaves meanwhile does not interrupt it, or its slot would be lost.
        """
        try:
            with anyio.CancelScope(shield=True, deadline=anyio.current_time() + CLEANUP):
                return await self.directory.claim(info, self.settings.concurrency_limit, run)
            log.error("call %r could not be registered within %g s", info.id, CLEANUP)
        except Exception:
            log.exception("call %r could not be registered", info.id)
        return Refusal(error="internal_error")

    async def release(self, call_id: str) -> None:
        """Give a slot back."""
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + CLEANUP):
            try:
                await self.directory.release(call_id)
            except Exception:
                log.exception("the slot of call %r could not be given back", call_id)

    def opened(self, guest: Guest) -> None:
        """The connection has become a call."""
        self._connecting.discard(guest)
        self._live.add(guest)

    def forget(self, guest: Guest) -> None:
        """The connection, or its call, is over."""
        self._connecting.discard(guest)
        self.leave(guest)

    def join(self, guest: Guest) -> None:
        """Tell this one of a shutdown, and wait for it."""
        self._live.add(guest)

    def leave(self, guest: Guest) -> None:
        """It is over."""
        self._live.discard(guest)
        if self._idle is not None and not self._live:
            self._idle.set()

    def spawn(
        self, tasks: TaskGroup | None, step: Callable[..., Coroutine[Any, Any, None]], *args: Any
    ) -> None:
        """Run a call's task, among the application's unless others are given."""
        tasks = tasks or self._tasks
        if tasks is not None:
            tasks.start_soon(step, *args)
