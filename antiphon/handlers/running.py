"""How the methods of the classic handlers are run in a call."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import msgspec

from ..core.audio.frames import AudioFrame
from ..core.errors import LocalProtocolError
from ..core.ports import Call
from ..core.video import VideoFrame
from .blocks import Blocks
from .emitted import sound_of
from .failures import Failures
from .idling import Idling
from .methods import Method
from .newest import Newest
from .outgoing import Outgoing
from .results import Parts, conclude
from .side_by_side import first_of
from .threads import CLEANUP, in_thread
from .video import next_due, own_pixels, shown

__all__ = ("Methods", "run", "shut_down")

log = logging.getLogger("antiphon")

T = TypeVar("T")


class Methods(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler does in a call, each a function or a coroutine function."""

    receive: Callable[..., Any]
    """Gets (sample rate, int16 array of shape (1, n)), 20 ms each time."""
    emit: Callable[[], Any]
    """Returns what `emitted.Emitted` allows."""
    start_up: Callable[[], Any] | None
    """Runs beside the others, and is cancelled with them; None for nothing."""
    video_receive: Callable[..., Any] | None
    """Gets pixels: uint8, (height, width, 3), BGR; None in a call without video."""
    video_emit: Callable[[], Any] | None
    """Returns what `video.Shown` allows; None in a call without video."""
    fps: float
    max_failures: int


async def run(call: Call, methods: Methods, outgoing: Outgoing) -> None:
    """Run them side by side until one of them ends the call, or raises what ends it."""
    idling = Idling()
    steps = [
        partial(_listen, call, methods, idling),
        partial(_speak, call, methods, idling, outgoing),
    ]
    if methods.start_up is not None:
        steps.append(partial(_start_up, methods.start_up))
    if methods.video_receive is not None:
        steps.append(partial(_watch, call, methods.video_receive, methods.max_failures))
    if methods.video_emit is not None:
        steps.append(partial(_show, call, methods))
    await first_of(*steps)


async def shut_down(call: Call, function: Callable[[], Any]) -> None:
    """Run a handler's own clean-up to its end, whatever ends the call; for 5 s at most."""
    with anyio.CancelScope(shield=True, deadline=anyio.current_time() + CLEANUP) as scope:
        try:
            with Method[object](function) as method:
                await method()
        except Exception:
            log.exception("shutdown() of call %r failed", call.id)
    if scope.cancelled_caught:
        log.warning("shutdown() of call %r did not end within %g s", call.id, CLEANUP)


async def _start_up(function: Callable[[], Any]) -> None:
    with Method[object](function) as method:
        await method()
    await anyio.sleep_forever()


async def _listen(call: Call, methods: Methods, idling: Idling) -> None:
    failures = _failures(call, methods.max_failures, "receive()")
    blocks = Blocks(call.sample_rate)
    late = False
    with Method[object](methods.receive) as receive:
        async for frame in call.audio:
            for samples in blocks.cut(frame):
                await _attempt(receive((call.sample_rate, samples)), failures)
                idling.stir()
            if call.dropped_frames and not late:
                late = True
                log.warning("receive() of call %r is late: older sound is dropped", call.id)
    await anyio.sleep_forever()


async def _speak(call: Call, methods: Methods, idling: Idling, outgoing: Outgoing) -> None:
    failures = _failures(call, methods.max_failures, "emit()")
    heard = True

    def finish(result: object) -> tuple[Parts, int]:
        # The stretch is asked before the conversion, which takes a while for long sound.
        stretch = outgoing.stretch
        return sound_of(result), stretch

    with Method(methods.emit, finish) as emit:
        while True:
            emitted = await _attempt(emit(), failures)
            parts, stretch = emitted if emitted is not None else _NOTHING
            if isinstance(parts.media, AudioFrame) and heard:
                heard = await _played(call, outgoing, parts.media, stretch)
            if await conclude(call, parts):
                return
            if parts.outputs or (parts.media is not None and heard):
                idling.busy()
                if not emit.blocks:  # whoever never waits must let others run
                    await anyio.lowlevel.checkpoint()
            else:
                await idling.rest()


_NOTHING = (Parts(None), 0)


async def _played(call: Call, outgoing: Outgoing, frame: AudioFrame, stretch: int) -> bool:
    """Whether this client hears."""
    try:
        await outgoing.play(frame, stretch)
    except LocalProtocolError as error:
        log.warning("call %r hears nothing: %s", call.id, error)
        return False
    return True


async def _watch(call: Call, function: Callable[..., Any], max_failures: int) -> None:
    newest = Newest[VideoFrame]()
    await first_of(
        partial(newest.fill, call.video), partial(_look, call, newest, function, max_failures)
    )
    await anyio.sleep_forever()


async def _look(
    call: Call, newest: Newest[VideoFrame], function: Callable[..., Any], max_failures: int
) -> None:
    failures = _failures(call, max_failures, "video_receive()")
    with Method[object](function) as receive:
        async for frame in newest:
            pixels = await in_thread(partial(own_pixels, frame))
            await _attempt(receive(pixels), failures)


async def _show(call: Call, methods: Methods) -> None:
    assert methods.video_emit is not None, "run with it, or not at all"
    failures = _failures(call, methods.max_failures, "video_emit()")
    period = 1 / methods.fps
    began = due = anyio.current_time()
    seen = True

    with Method[object](methods.video_emit) as emit:
        while True:
            parts = await _attempt(_picture(emit, due - began), failures)
            await anyio.sleep_until(due)
            if parts is not None:
                if isinstance(parts.media, VideoFrame) and seen:
                    seen = await _seen(call, parts.media)
                if await conclude(call, parts):
                    return
            due = next_due(due, anyio.current_time(), period)


async def _picture(emit: Method[object], time: float) -> Parts:
    return await in_thread(partial(shown, await emit(), time))


async def _seen(call: Call, frame: VideoFrame) -> bool:
    """Whether this client sees."""
    try:
        await call.send_video(frame)
    except LocalProtocolError as error:
        log.warning("call %r shows no pictures: %s", call.id, error)
        return False
    return True


def _failures(call: Call, most: int, method: str) -> Failures:
    return Failures(call, most, (method, f"calls of {method}"))


async def _attempt(step: Awaitable[T], failures: Failures) -> T | None:
    """What a step gives; None when it failed and that is told."""
    try:
        result = await step
    except Exception as error:
        await failures.failed(error)
        return None
    failures.succeeded()
    return result
