"""What all transports of one application share: its settings, its calls and their tasks."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Literal, Protocol, cast

import anyio
import msgspec
from anyio.abc import TaskGroup

from ..core.address_policy import AddressPolicy
from ..core.context import within
from ..core.errors import SessionClosed
from ..core.events import CallRequested, Closed, Event, InputsReceived
from ..core.messages import ErrorNotice, WarningNotice, failure_text
from ..core.ports import CallInfo, Command, Directory, Handler, HangUp, Link, SetInputs, Tracks
from ..core.session import Session, SessionConfig
from ..core.signaling import Refusal
from ..core.wire import Role
from .call import LiveCall
from .driver import AUDIO_BACKLOG, Driver
from .input_types import InputError, InputType
from .inputs import typed_inputs
from .speech_settings import SpeechSettings
from .tasks import background, way_here

__all__ = ("Guest", "Host", "Reception", "Settings")

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


class Reception:
    """One connection, from its handshake to the end of its call.

    `answer` is called once, with None when the call is admitted and with the refusal otherwise.
    """

    def __init__(
        self,
        host: "Host",
        link: Link,
        *,
        transport: str,
        principal: Any,
        config: SessionConfig,
        answer: Callable[[Refusal | None], None] | None = None,
        ready: Callable[[], Awaitable[Any]] | None = None,
        gone: Callable[[], Awaitable[Any]] | None = None,
        tracks: Tracks | None = None,
        tasks: TaskGroup | None = None,
    ) -> None:
        self._host = host
        self._tasks = tasks
        self._ready = ready
        self._gone = gone
        self._transport = transport
        self._principal = principal
        self._answer = answer
        self._scope: anyio.CancelScope | None = None
        self._early_inputs: tuple[Any, ...] | None = None
        self._complaint = ""
        self._call_id = ""
        self._loop = asyncio.get_running_loop()
        self.requested = False
        """Whether the client has asked for a call."""
        self.call: LiveCall | None = None
        self.info: CallInfo | None = None
        session = Session(Role.SERVER, config, anyio.current_time())
        self.driver = Driver(
            session,
            link,
            config.input_sample_rate,
            self._told,
            tracks,
            host.settings.audio_backlog,
        )

    def _told(self, event: Event) -> None:
        match event:
            case CallRequested():
                self.requested = True
                self._call_id = event.call_id
                self._host.spawn(self._tasks, self._run, event)
            case InputsReceived():
                self._take_inputs(event.values)
            case Closed():
                if self.call is None:
                    self._host.forget(self)
                self._tell_answer(Refusal(error="connection_closed"))
                if self.call is not None:
                    self.call.ended()
                if self._scope is not None:
                    self._scope.cancel()
            case _:
                pass

    def _take_inputs(self, values: tuple[Any, ...]) -> None:
        """Inputs that the client sent in band; those that do not fit are told and not taken."""
        declared = self._host.settings.input_type
        try:
            self._set_inputs(typed_inputs(values, declared, self._call_id))
        except InputError as error:
            self._complain(f"the inputs do not fit: {error}")
        except Exception:  # of the application's own validators; the wire must not be hit by it
            log.exception("the inputs of call %r could not be read", self._call_id)
            self._complain("the inputs could not be read")

    def _set_inputs(self, values: tuple[Any, ...]) -> None:
        if self.call is not None:
            self.call.set_inputs(values)
        else:
            self._early_inputs = values

    def _complain(self, text: str) -> None:
        """Tell the client what was wrong with its inputs, as soon as there is a call."""
        if self.call is None:
            self._complaint = text
        elif text and self.driver.closed is None:
            self.driver.send_nowait(ErrorNotice(text, text))

    async def _run(self, request: CallRequested) -> None:
        """The call's task: claim, handle, release."""
        with anyio.CancelScope() as self._scope:
            if self.driver.closed is not None:
                return
            host = self._host
            self.info = info = CallInfo(
                id=request.call_id,
                transport=self._transport,
                peer=self.driver.link.peer,
                token=secrets.token_urlsafe(16),
                started=time.time(),
                metadata=request.metadata,
                principal=self._principal,
            )
            refusal = await host.claim(info, self._command)
            if refusal is not None:
                self._refuse(info, refusal)
                return
            try:
                self._tell_answer(None)
                if self._ready is not None:
                    await self._ready()
                host.opened(self)
                await self._handle(request, info)
            finally:
                await host.release(info.id)
                await self._wait_gone()
                host.forget(self)
                self._log_end(info)

    def _refuse(self, info: CallInfo, refusal: Refusal) -> None:
        log.info("refused %s call %r: %s", info.transport, info.id, refusal.error)
        self._tell_answer(refusal)
        if self.driver.closed is None:
            self.driver.act(lambda now: self.driver.session.refuse(refusal, now))

    async def _wait_gone(self) -> None:
        """Until the link has said its goodbye: it must not be cut off when the server goes."""
        if self._gone is not None:
            with anyio.move_on_after(CLEANUP, shield=True):
                await self._gone()

    async def _handle(self, request: CallRequested, info: CallInfo) -> None:
        host, driver = self._host, self.driver
        if driver.closed is not None:
            return
        if self._early_inputs is None and request.inputs is not None:
            self._take_inputs(request.inputs)
        self.call = LiveCall(
            driver, Role.SERVER, info, lambda output: self._publish(info.id, output)
        )
        if self._early_inputs is not None:
            self.call.set_inputs(self._early_inputs)
        session = driver.session
        driver.act(lambda now: session.accept(info.token, now))
        self._complain(self._complaint)
        log.info("%s call %r from %s begins", info.transport, info.id, info.peer)
        try:
            with within(self.call, way_here()):
                await host.handler(self.call)
        except asyncio.CancelledError as error:
            # Awaiting something that others cancelled is a failure of the handler; let through, it
            # would cancel every call of the application.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self._failed(error)
        except Exception as error:
            self._raised(error)
        else:
            driver.act(lambda now: session.drain("the call has ended", 1000, now))
            await driver.wait_closed()

    def _raised(self, error: Exception) -> None:
        """That a call is over is no news to a call that is over."""
        if self.driver.closed is None or not _only_says_over(error):
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        """The only place where a handler's exception ends: logged, told, and this call's end."""
        log.error("the handler of call %r failed", self.info and self.info.id, exc_info=error)
        driver = self.driver
        if driver.closed is None:
            text = failure_text(error)
            driver.send_nowait(ErrorNotice(text, text))
            driver.act(lambda now: driver.session.end("the handler failed", 1011, now))

    def _tell_answer(self, refusal: Refusal | None) -> None:
        if self._answer is not None:
            answer, self._answer = self._answer, None
            answer(refusal)

    def _publish(self, call_id: str, output: Any) -> None:
        self._host.directory.publish(call_id, output)

    def _command(self, command: Command) -> None:
        """Carry out a command, on the event loop of the call wherever it comes from."""
        if _running_loop() is self._loop:
            self._obey(command)
        else:
            self._loop.call_soon_threadsafe(self._obey, command)

    def _obey(self, command: Command) -> None:
        match command:
            case SetInputs():
                self._set_inputs(command.values)
            case HangUp():
                self.end(command.reason, 1000)

    def end(self, reason: str, code: int) -> None:
        """End the call now; the client is told why."""
        self.driver.act(lambda now: self.driver.session.end(reason, code, now))

    def warn(self, text: str) -> None:
        """Tell the client something; the call goes on."""
        if self.driver.closed is None and self.call is not None:
            self.driver.send_nowait(WarningNotice(text, text))

    def _log_end(self, info: CallInfo) -> None:
        closed = self.driver.closed
        log.info(
            "%s call %r ended after %.1f s: %s, %d frames dropped",
            info.transport,
            info.id,
            time.time() - info.started,
            f"{closed.code} {closed.reason}".strip() if closed else "cancelled",
            self.driver.audio.dropped,
        )


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _only_says_over(error: BaseException) -> bool:
    """Whether this is SessionClosed, alone or from a handler's task group."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return all(_only_says_over(each) for each in group.exceptions)
    return isinstance(error, SessionClosed)


class Host:
    """The running side of an application, for one event loop at a time."""

    def __init__(self, handler: Handler, settings: Settings, directory: Directory) -> None:
        self.handler = handler
        self.settings = settings
        self.directory = directory
        self._connecting: set[Reception] = set()
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

    def receive(
        self,
        link: Link,
        *,
        transport: str,
        principal: Any,
        config: SessionConfig | None = None,
        answer: Callable[[Refusal | None], None] | None = None,
        ready: Callable[[], Awaitable[Any]] | None = None,
        gone: Callable[[], Awaitable[Any]] | None = None,
        tracks: Tracks | None = None,
        tasks: TaskGroup | None = None,
    ) -> Reception:
        """Put a session behind a link. Ask `connecting_refusal` first. An admitted call waits for
        `ready` before its handler runs, and after its end for `gone`; `tracks` are the link's own
        media. The call's task runs among `tasks`, the application's own by default.
        """
        reception = Reception(
            self,
            link,
            transport=transport,
            principal=principal,
            config=config or self.settings.session,
            answer=answer,
            ready=ready,
            gone=gone,
            tracks=tracks,
            tasks=tasks,
        )
        self._connecting.add(reception)
        return reception

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

    def opened(self, reception: Reception) -> None:
        """The connection has become a call."""
        self._connecting.discard(reception)
        self._live.add(reception)

    def forget(self, reception: Reception) -> None:
        """The connection, or its call, is over."""
        self._connecting.discard(reception)
        self.leave(reception)

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
