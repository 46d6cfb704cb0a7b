"""Functions of pictures as handlers."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any, cast

import anyio
import numpy as np

from ..core.errors import LocalProtocolError
from ..core.ports import Call, Handler
from ..core.video import Pixels, VideoFrame, check_pixels
from .failures import Failures
from .inputs import Inputs
from .kinds import Kind, arity_of, is_native, kind_of
from .newest import Newest
from .results import AdditionalOutputs, CloseStream, Parts, conclude, parts_of
from .side_by_side import first_of
from .threads import Steps, closing, in_thread

__all__ = (
    "FrameFunction",
    "PictureSource",
    "Shown",
    "VideoStreamHandler",
    "as_video_handler",
    "next_due",
    "own_pixels",
    "shown",
)

log = logging.getLogger("antiphon")

Picture = Pixels | VideoFrame
Control = AdditionalOutputs | CloseStream

Shown = Picture | Control | tuple[Picture | Control | None, ...] | None
"""What a function makes of a picture, or a generator yields."""

FrameFunction = Callable[..., Shown] | Callable[..., Awaitable[Shown]]
PictureSource = Callable[..., Iterator[Shown]] | Callable[..., AsyncIterator[Shown]]

_GENERATORS = (Kind.GENERATOR, Kind.ASYNC_GENERATOR)


class VideoStreamHandler:
    """A function of pictures as a handler, for any transport that carries video.

    fn: `fn(pixels, *inputs)`, a function or a coroutine function, called with each picture of the
        client: pixels are uint8, shape (height, width, 3), BGR, and the function's own to write on.
        Or `fn(*inputs)`, a generator function or an async one, for streams with mode "receive".
        What blocks (functions and generators) runs in worker threads, one step at a time.
        Returned or yielded: a picture (such an array with even sides, or a `VideoFrame`), None to
        show nothing, `AdditionalOutputs`, `CloseStream`, or a tuple of a picture and these. Arrays
        are copied, so that one may be drawn on again and again; a `VideoFrame` is handed over.
        In a stream with mode "send" nobody sees the pictures that are returned.
    fps: pictures a second of a generator. One that is slower is shown as it comes; what it
        missed is not caught up. `math.inf` for as many as are taken.
    skip_frames: give the function only the newest picture. Otherwise it gets them in order; of
        those that wait for it the newest four are kept (`call.video`).
    inputs_timeout: seconds. A function with parameters that have no default waits for inputs; the
        client is asked once. Then it is told of the error, and pictures are skipped until inputs
        come; a generator ends the call.
    max_failures: that many failed pictures in a row end the call. Fewer are logged, told to the
        client and skipped.

    The inputs are the newest each time; a generator gets those there are at its beginning. A wrong
    number of them is told to the client, and the next inputs are waited for. An exception of a
    generator ends it, and the call. When a call ends during a step its thread is left alone and
    what the step returns is ignored. Holds nothing of a call: one serves all calls.

    Raises TypeError and ValueError for what does not fit.
    """

    def __init__(
        self,
        fn: FrameFunction | PictureSource,
        fps: float = 30.0,
        skip_frames: bool = False,
        *,
        inputs_timeout: float = 60.0,
        max_failures: int = 10,
    ) -> None:
        if not fps > 0:
            raise ValueError(f"fps is more than 0, not {fps!r}")
        if not inputs_timeout > 0:
            raise ValueError(f"inputs_timeout is more than 0 seconds, not {inputs_timeout!r}")
        if max_failures < 1:
            raise ValueError(f"max_failures is at least 1, not {max_failures!r}")
        self._kind = kind_of(fn)
        self._arity = arity_of(fn, media=0 if self.generates else 1)
        self._fn: Callable[..., Any] = fn
        self._period = 1 / fps
        self._skip_frames = skip_frames
        self._inputs_timeout = inputs_timeout
        self._max_failures = max_failures

    @property
    def generates(self) -> bool:
        """Whether it makes pictures by itself, and looks at none."""
        return self._kind in _GENERATORS

    async def __call__(self, call: Call) -> None:
        inputs = Inputs(call, self._arity, self._inputs_timeout)
        failures = Failures(call, self._max_failures)
        if self.generates:
            await self._generate(call, await inputs.first(), failures)
        elif self._skip_frames:
            newest = Newest[VideoFrame]()
            await first_of(
                partial(newest.fill, call.video),
                partial(self._answer, call, newest, inputs, failures),
            )
        else:
            await self._answer(call, call.video, inputs, failures)

    async def _answer(
        self, call: Call, frames: AsyncIterator[VideoFrame], inputs: Inputs, failures: Failures
    ) -> None:
        seen = True
        async for frame in frames:
            values = await inputs.newest()
            if values is None:
                continue
            parts = await _guarded(self._apply(frame, values), failures)
            if parts is None:
                continue
            try:
                await _show(call, parts.media if seen else None)
            except LocalProtocolError as error:
                seen = False
                log.warning("call %r shows no pictures: %s", call.id, error)
            if await conclude(call, parts):
                return

    async def _apply(self, frame: VideoFrame, values: tuple[Any, ...]) -> Parts:
        if self._kind is Kind.FUNCTION:
            return await in_thread(partial(self._apply_here, frame, values))
        pixels = await in_thread(partial(own_pixels, frame))
        result = await self._fn(pixels, *values)
        return await in_thread(partial(shown, result, frame.time, pixels))

    def _apply_here(self, frame: VideoFrame, values: tuple[Any, ...]) -> Parts:
        pixels = own_pixels(frame)
        return shown(self._fn(pixels, *values), frame.time, pixels)

    async def _generate(self, call: Call, values: tuple[Any, ...], failures: Failures) -> None:
        generator = self._fn(*values)
        source = Steps[Any](generator) if self._kind is Kind.GENERATOR else generator
        began = due = anyio.current_time()
        async with closing(source):
            async for item in source:
                finish = partial(shown, item, due - began)
                parts = await _guarded(in_thread(finish), failures)
                await anyio.sleep_until(due)
                if parts is not None:
                    await _show(call, parts.media)
                    if await conclude(call, parts):
                        return
                due = next_due(due, anyio.current_time(), self._period)


def next_due(due: float, now: float, period: float) -> float:
    """When the picture after the one that was due is: a period later, or now if that is over."""
    return max(due + period, now)


async def _guarded(step: Awaitable[Parts], failures: Failures) -> Parts | None:
    """What a picture became; None when it failed and that is told."""
    try:
        parts = await step
    except Exception as error:
        await failures.failed(error)
        return None
    failures.succeeded()
    return parts


def own_pixels(frame: VideoFrame) -> Pixels:
    """The pixels of a frame for a function to write on."""
    # Those of a frame that a transport decoded are nobody else's; others still belong to whoever
    # made the frame, which in memory is the client.
    return frame.bgr.copy() if frame.picture is None else frame.bgr


def shown(result: object, time: float, given: Pixels | None = None) -> Parts:
    """A result whose media is a frame, or None. Raises TypeError, ValueError."""
    parts = parts_of(result)
    media: Any = parts.media
    if isinstance(media, np.ndarray):
        pixels = check_pixels(cast(Pixels, media))  # of whatever it is, that is what it checks
        media = VideoFrame(pixels if pixels is given else pixels.copy(), time=time)
    elif media is not None and not isinstance(media, VideoFrame):
        raise TypeError(
            "a picture is an array or a VideoFrame, alone or in a tuple before AdditionalOutputs"
            f" and CloseStream, not {_described(media)}"
        )
    return Parts(media, parts.outputs, parts.close)


def _described(media: Any) -> str:
    if isinstance(media, tuple):
        return f"({', '.join(type(item).__name__ for item in cast(tuple[object, ...], media))})"
    return type(media).__name__


async def _show(call: Call, frame: VideoFrame | None) -> None:
    if frame is not None:
        await call.send_video(frame)


def as_video_handler(
    handler: Handler | FrameFunction | PictureSource, mode: str | None = None
) -> Handler:
    """What serves pictures, from what an application gives: a coroutine function, or an object that
    calls as one, is a native handler; any other function and every generator function becomes a
    `VideoStreamHandler`. A coroutine function of pictures has to be made one explicitly.

    Raises TypeError for what is neither, or does not fit the mode: a generator is for "receive",
    a function of pictures for the others.
    """
    if is_native(handler) and not isinstance(handler, VideoStreamHandler):
        return handler
    made = handler if isinstance(handler, VideoStreamHandler) else VideoStreamHandler(handler)
    if made.generates and mode not in ("receive", None):
        raise TypeError(f"a generator of pictures is for mode='receive', not {mode!r}")
    if not made.generates and mode == "receive":
        raise TypeError("mode='receive' has no pictures for a function: give a generator")
    return made
