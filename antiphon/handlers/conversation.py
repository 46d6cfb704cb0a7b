"""A conversation on a call: turns in, a function's replies out, one at a time."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from math import inf
from typing import Any, Protocol, assert_never

import anyio
import msgspec
from anyio.abc import TaskGroup

from ..core.audio.frames import AudioFrame, Samples
from ..core.context import within
from ..core.errors import SessionClosed, WebRTCError
from ..core.messages import failure_text
from ..core.ports import Call
from ..core.turns import BargeIn, Paused, SpeechStarted
from .backlog import Backlog, sound_of_call
from .emitted import sound_of
from .failures import Failures
from .inputs import Inputs
from .kinds import Arity, Kind, arity_of, kind_of
from .outcomes import outcomes
from .reply import Interrupted, Reply
from .results import Parts
from .stop_word_events import Recognised, StopWordExpired, StopWordHeard
from .threads import in_thread

__all__ = ("Conversation", "Function", "TurnTaker", "function_of")

log = logging.getLogger("antiphon")

PIECE = 0.5  # seconds of sound that are given at a time
MAX_FAILURES = 10  # questions to a recogniser in a row: at least four seconds of speech

TurnEvent = SpeechStarted | BargeIn | Paused | Recognised | StopWordHeard | StopWordExpired


class TurnTaker(Protocol):
    """Finds the turns in a stream of sound; `antiphon.core.turns.Turns` says what each does."""

    @property
    def blocking(self) -> bool: ...

    def receive(self, samples: Samples) -> list[Any]: ...

    def take(self) -> Samples: ...

    def reply_began(self, protected: bool = False) -> None: ...

    def reply_ended(self) -> None: ...


class Function(msgspec.Struct, frozen=True, eq=False):
    """A user's function, and how it is called."""

    run: Callable[..., Any]
    kind: Kind
    arity: Arity


def function_of(fn: Callable[..., Any], media: int, needs_inputs: bool = False) -> Function:
    """A function that takes so many arguments of sound before its inputs. Raises TypeError."""
    kind, arity = kind_of(fn), arity_of(fn, media)
    if needs_inputs:
        if not arity.most:
            raise TypeError("needs_args is for a function that takes inputs behind the sound")
        arity = Arity(max(arity.least, 1), arity.most)
    return Function(fn, kind, arity)


class Conversation:
    """Listens to a call and answers each turn by `fn`. One event loop; `trigger` from any task.

    One reply is played at a time: a turn that ends during one, and with `can_interrupt` speech that
    is confirmed, ends it at once. Otherwise nothing is listened to while a reply is played.
    With `phone_mode` nothing waits for inputs: what a reply published are those of the next one.
    """

    def __init__(
        self,
        call: Call,
        turns: TurnTaker,
        fn: Function,
        *,
        can_interrupt: bool = True,
        inputs_timeout: float = 60.0,
        on_interrupt: Callable[[Interrupted], Any] | None = None,
        phone_mode: bool = False,
    ) -> None:
        self._call = call
        self._turns = turns
        self._fn = fn
        self._can_interrupt = can_interrupt
        self._inputs_timeout = inputs_timeout
        self._on_interrupt = on_interrupt
        self._phone_mode = phone_mode
        self._published: tuple[Any, ...] = ()
        self._failures = Failures(call, MAX_FAILURES, ("a recognition", "recognitions"))
        self._reply: Reply | None = None
        self._tasks: TaskGroup
        self._over = True
        self._closing = False
        self._hearing = anyio.Lock()
        self._answering = anyio.Lock()

    async def run(self, greeting: Function | None = None) -> None:
        """Listen until there is no more sound. `greeting` speaks first. Raises what a detector
        raises.
        """
        failure: Exception | None = None
        async with anyio.create_task_group() as self._tasks:
            self._over = False
            if greeting is not None:
                self._begin(greeting, None)
            try:
                await (self._listen_in_threads() if self._turns.blocking else self._listen())
            except Exception as error:
                failure = error
            finally:
                self._over = True
            self._tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    def trigger(self) -> None:
        """End the turn here, and answer what was said so far. Does nothing after the end."""
        if not self._over:
            # Whoever triggers may run outside of the call, or in another one.
            with within(self._call):
                self._tasks.start_soon(self._take_turn)

    async def _take_turn(self) -> None:
        if self._protected:
            log.info("call %r: a reply is played that nothing may interrupt", self._call.id)
            return
        async with self._hearing:
            audio = self._turns.take()
        await self._answer(audio)

    async def _listen(self) -> None:
        async with aclosing(sound_of_call(self._call)) as sound:
            async for samples in sound:
                for event in self._turns.receive(samples):
                    await self._act(event)

    async def _listen_in_threads(self) -> None:
        """Sound goes on to be collected while a detector or predictor takes its time."""
        waiting = Backlog(self._call)
        self._tasks.start_soon(waiting.fill)
        async for samples in waiting:
            async with self._hearing:
                events = await in_thread(partial(self._turns.receive, samples))
            for event in events:
                await self._act(event)

    async def _act(self, event: TurnEvent) -> None:
        match event:
            case SpeechStarted():
                await self._call.log("started_talking")
            case BargeIn():
                if not self._protected:
                    self._interrupt()
            case Paused():
                await self._answer(event.audio)
            case StopWordHeard():
                await self._call.stopword()
            case StopWordExpired():
                await self._call.log("stopword_expired")
            case Recognised():
                await self._note(event.failure)
            case _:
                assert_never(event)

    async def _note(self, failure: Exception | None) -> None:
        if failure is None:
            self._failures.succeeded()
        else:
            await self._failures.failed(failure)

    @property
    def _protected(self) -> bool:
        """Whether a reply is played that nothing may interrupt."""
        return self._closing or (self._reply is not None and not self._can_interrupt)

    async def _answer(self, audio: Samples) -> None:
        # One at a time: telling may take long, and two that begin together would both be played.
        async with self._answering:
            if self._protected:
                return
            self._interrupt()
            await self._call.log("pause_detected")
            self._begin(self._fn, audio)

    def _begin(self, function: Function, audio: Samples | None) -> None:
        reply = self._reply = Reply(self._call)
        self._turns.reply_began(protected=not self._can_interrupt)
        self._tasks.start_soon(self._speak, reply, function, audio)

    def _interrupt(self) -> None:
        reply, self._reply = self._reply, None
        if reply is None:
            return
        reply.scope.cancel()
        self._turns.reply_ended()
        if reply.spoken:
            interrupted = reply.cut_off(self._call.interrupt())
            if self._on_interrupt is not None:
                self._tasks.start_soon(self._report, self._on_interrupt, interrupted)

    async def _report(self, told: Callable[[Interrupted], Any], what: Interrupted) -> None:
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + 5):
            await self._guarded(self._drained(told, what))

    async def _drained(self, told: Callable[[Interrupted], Any], what: Interrupted) -> None:
        async with outcomes(told, kind_of(told), what, finish=_ignored) as results:
            async for _ in results:
                pass

    async def _speak(self, reply: Reply, function: Function, audio: Samples | None) -> None:
        with reply.scope:
            if self._reply is reply:
                await self._guarded(self._reply_to(reply, function, audio))
        if self._reply is reply:
            self._reply = None
            self._closing = False
            self._turns.reply_ended()

    async def _guarded(self, step: Awaitable[None]) -> None:
        """What fails in one turn is told, and the next turn comes."""
        try:
            await step
        except SessionClosed:
            pass
        except WebRTCError as said:
            await self._call.error(failure_text(said))
        except Exception as error:
            log.exception("a turn of call %r failed", self._call.id)
            await self._call.error(failure_text(error))

    async def _reply_to(self, reply: Reply, function: Function, audio: Samples | None) -> None:
        call = self._call
        turn: tuple[Any, ...] = ()
        if audio is not None:
            turn = ((call.sample_rate, audio.reshape(1, -1)),)
        values = await self._inputs(function.arity, greets=audio is None)
        if values is None:
            return
        run, kind = function.run, function.kind
        async with outcomes(run, kind, *turn, *values, finish=sound_of) as results:
            await self._deliver(reply, results, audio is not None)
        await reply.played()

    async def _inputs(self, arity: Arity, greets: bool) -> tuple[Any, ...] | None:
        if not greets:
            return await self._inputs_of_turn(arity)
        # What a greeting has no parameters for is meant for the turns.
        values = await self._inputs_of_turn(Arity(arity.least, inf))
        return None if values is None else values[: int(min(arity.most, len(values)))]

    async def _inputs_of_turn(self, arity: Arity) -> tuple[Any, ...] | None:
        if not self._phone_mode:
            return await Inputs(self._call, arity, self._inputs_timeout).for_turn()
        complaint = arity.complaint(len(self._published))
        if complaint is not None:
            await self._call.error(complaint)
            return None
        return self._published

    async def _deliver(self, reply: Reply, results: AsyncIterator[Parts], answers: bool) -> None:
        async for parts in results:
            # What a step that could not be stopped gives after an interruption is nobody's.
            if self._reply is not reply:
                return
            if parts.close is not None:
                # What precedes it is played to its end, whatever is said meanwhile.
                self._closing = True
                self._turns.reply_began(protected=True)
            await self._publish(parts)
            if isinstance(parts.media, AudioFrame):
                await self._play(reply, parts.media, answers)
            if parts.close is not None:
                await self._call.hang_up(parts.close.msg)
                return

    async def _publish(self, parts: Parts) -> None:
        for outputs in parts.outputs:
            self._published = outputs.args
            await self._call.output(*outputs.args)

    async def _play(self, reply: Reply, sound: AudioFrame, answers: bool) -> None:
        # Converting and resampling all of a long one at once would hold up other calls.
        for frame in sound.pieces(PIECE):
            if self._reply is not reply:
                return
            if answers and not reply.spoken:
                await self._call.log("response_starting")
            await reply.play(frame)


def _ignored(result: object) -> None:
    """What a callback returns."""
