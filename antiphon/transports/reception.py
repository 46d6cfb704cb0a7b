"""One connection and its call: admitted or refused, handled, told how it ended."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import anyio
from anyio.abc import TaskGroup

from ..core.context import within
from ..core.errors import SessionClosed
from ..core.events import CallRequested, Closed, Event, InputsReceived
from ..core.messages import ErrorNotice, WarningNotice, failure_text
from ..core.ports import CallInfo, Command, HangUp, Link, SetInputs, Tracks
from ..core.session import Session, SessionConfig
from ..core.signaling import Refusal
from ..core.wire import Role
from .call import LiveCall
from .driver import Driver
from .host import CLEANUP, Host
from .input_types import InputError
from .inputs import typed_inputs
from .tasks import way_here

__all__ = ("Reception",)

log = logging.getLogger("antiphon")


class Reception:
    """One connection, from its handshake to the end of its call: a session behind a link. Ask
    `Host.connecting_refusal` first.

    config: the application's own by default. answer: called once, with None when the call is
    admitted and with the refusal otherwise. An admitted call waits for `ready` before its handler
    runs, and after its end for `gone`. tracks: the link's own media. tasks: where the call's task
    runs, among the application's own by default.
    """

    def __init__(
        self,
        host: Host,
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
        config = config or host.settings.session
        session = Session(Role.SERVER, config, anyio.current_time())
        self.driver = Driver(
            session,
            link,
            config.input_sample_rate,
            self._told,
            tracks,
            host.settings.audio_backlog,
        )
        host.arrived(self)

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
