"""What the classic handlers have in common: their rates, their inputs, and their life in a call."""

import asyncio
import warnings
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from functools import partial
from math import inf
from typing import Any, Literal

import anyio

from ..core.ports import Call
from .blocks import FRAMES_PER_SECOND
from .by_hand import ask_for_inputs, say_by_hand
from .from_thread import CallLoop
from .outgoing import Outgoing
from .running import Methods, run, shut_down
from .side_by_side import first_of

__all__ = ("PLACEHOLDER", "InputsGiven", "StreamHandlerBase")

Layout = Literal["mono", "stereo"]

PLACEHOLDER = "__webrtc_value__"  # FastRTC's, in the place of the sound


class _Bound:
    """A handler's place in one call."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.loop = CallLoop()
        self.outgoing = Outgoing(call, self.loop)
        self.args_given = anyio.Event()

    def tell_waiting(self) -> None:
        """The handler was given inputs by its own program. On the event loop."""
        given, self.args_given = self.args_given, anyio.Event()
        given.set()


class StreamHandlerBase(ABC):
    """The base of `StreamHandler` and its like, as FastRTC's users know them: subclass one of
    those. A handler is a pattern: each call is served by what its `copy()` returns.

    expected_layout: "mono" or "stereo". Calls are mono: `receive` gets one channel either way, and
        stereo sound that `emit` returns is mixed.
    output_sample_rate, input_sample_rate: Hz, 8,000 to 48,000: what clients without a wish hear,
        and what `receive` gets. `emit` may return any rate.
    output_frame_size: not used; sound is cut as the transport asks.
    fps: pictures a second from `video_emit`.

    Raises ValueError for what does not fit.
    """

    listens = True
    """Whether it is of no use without sound."""
    phone_mode = False
    """Whether the call is a phone call, whose client has no inputs to give."""
    inputs_timeout = 60.0
    """Seconds that `wait_for_args` waits."""
    max_failures = 25
    """That many calls in a row of `receive`, or of `emit` and so on, that raise end the call."""

    def __init__(
        self,
        expected_layout: Layout = "mono",
        output_sample_rate: int = 24000,
        output_frame_size: int | None = None,
        input_sample_rate: int = 24000,
        fps: int = 30,
    ) -> None:
        if expected_layout not in ("mono", "stereo"):
            raise ValueError(f"expected_layout is 'mono' or 'stereo', not {expected_layout!r}")
        if not 0 < fps < inf:
            raise ValueError(f"fps is more than 0, not {fps!r}")
        self.expected_layout = expected_layout
        self.output_sample_rate = _rate("output_sample_rate", output_sample_rate)
        self.output_frame_size = self.output_sample_rate // FRAMES_PER_SECOND
        self.input_sample_rate = _rate("input_sample_rate", input_sample_rate)
        self.fps = fps
        # A copy is often made from the attributes of its pattern, this one among them.
        if output_frame_size not in (None, self.output_frame_size):
            warnings.warn("output_frame_size is ignored", DeprecationWarning, stacklevel=2)
        self.live: dict[str, StreamHandlerBase] = {}
        """The copies that serve calls now, by the call's id."""
        self._bound: _Bound | None = None
        self._args: list[Any] = []
        self._outdated: tuple[Any, ...] = ()

    @abstractmethod
    def copy(self) -> "StreamHandlerBase":
        """A handler for one more call; made once for each."""

    def start_up(self) -> Awaitable[None] | None:  # noqa: B027 - there may be nothing to start
        """Runs once beside `receive` and `emit`, and may last as long as the call: the place of
        connections and loops of one's own. An async one is cancelled when the call ends. What it
        raises ends the call.
        """

    def shutdown(self) -> Awaitable[None] | None:  # noqa: B027 - nor anything to end
        """Runs exactly once at the end of every call that began, however it ends, when nothing else
        is run any more; a sync method that blocks may still do so. 5 seconds at most.
        """

    @property
    def call(self) -> Call:
        """The call that this copy serves. Raises RuntimeError before it."""
        return self._here.call

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the call. Raises RuntimeError before it."""
        return self._here.loop.loop

    @property
    def latest_args(self) -> list[Any]:
        """A placeholder and the newest inputs; empty until there are any."""
        given = self._bound.call.inputs if self._bound is not None else ()
        return self._args if given is self._outdated else [PLACEHOLDER, *given]

    @property
    def args_set(self) -> "InputsGiven":
        """Whether there are inputs: `args_set.is_set()`, `await args_set.wait()`."""
        return InputsGiven(self)

    def set_args(self, args: list[Any]) -> None:
        """Set the inputs, until the client gives others. TypeError for what is no list, ValueError
        for an empty one.
        """
        if not isinstance(args, list):  # pyright: ignore[reportUnnecessaryIsInstance]  # users may not check
            raise TypeError(f"inputs are a list, not {type(args).__name__}")
        if not args:
            raise ValueError("a list of inputs is not empty; reset() forgets them")
        self._set([PLACEHOLDER, *args])
        if self._bound is not None:
            self._bound.loop.soon(self._bound.tell_waiting)

    def reset(self) -> None:
        """Forget the inputs: those that come next count."""
        self._set([])

    def _set(self, args: list[Any]) -> None:
        self._args = args
        self._outdated = self._bound.call.inputs if self._bound is not None else ()

    async def fetch_args(self) -> None:
        """Ask the client for inputs, and do not wait for them."""
        await ask_for_inputs(self.call)

    async def wait_for_args(self) -> None:
        """Ask the client for inputs, and wait until there are any: not at all in phone mode, or
        when there are some already. Raises TimeoutError after `inputs_timeout` seconds.
        """
        if self.phone_mode:
            return
        if self.latest_args:
            await self.fetch_args()
            return
        await first_of(self._until_given, self._here.args_given.wait)

    def wait_for_args_sync(self) -> None:
        """The same for worker threads. Raises SessionClosed when the call ends meanwhile."""
        self._here.loop.ask(self.wait_for_args)

    async def send_message(self, message: str) -> None:
        """Send a JSON text such as `{"type": "log", "data": "..."}` as the message that it is:
        `log`, `error`, `warning`, `stopword`, `send_input`. Any other becomes the data of a
        `message`. ValueError for `fetch_output` and `end_stream`.
        """
        await say_by_hand(self.call, message)

    def send_message_sync(self, message: str) -> None:
        """The same for worker threads. Raises SessionClosed when the call ends meanwhile."""
        self._here.loop.ask(partial(self.send_message, message))

    def clear_queue(self) -> None:
        """Drop the sound that `emit` has returned and nobody has heard yet; what it returns from
        now on is played. From any thread, without a wait. Does nothing outside of a call.
        """
        if self._bound is not None:
            self._bound.outgoing.clear()

    async def _until_given(self) -> None:
        try:
            await self.call.wait_for_inputs(self.inputs_timeout)
        except TimeoutError:
            missing = f"no inputs came within {self.inputs_timeout:g} s"
            raise TimeoutError(missing) from None

    @property
    def _here(self) -> _Bound:
        if self._bound is None:
            raise RuntimeError("this handler serves no call: its copy does")
        return self._bound

    async def __call__(self, call: Call) -> None:
        handler = self.copy()
        if not isinstance(handler, StreamHandlerBase):  # pyright: ignore[reportUnnecessaryIsInstance]  # users may not check
            raise TypeError(f"copy() returns a handler, not {handler!r}")
        bound = handler._bind(call)
        self.live[call.id] = handler
        try:
            await run(call, handler._methods(call), bound.outgoing)
        finally:
            bound.loop.close()
            try:
                if type(handler).shutdown is not StreamHandlerBase.shutdown:
                    await shut_down(call, handler.shutdown)
            finally:
                del self.live[call.id]

    def _bind(self, call: Call) -> _Bound:
        if self._bound is not None and not self._bound.loop.closed:
            raise RuntimeError(
                f"copy() returned a handler that serves call {self._bound.call.id!r}: "
                "it must make a new one"
            )
        self._bound = _Bound(call)
        # The stream has the last word on rates.
        self.input_sample_rate = call.sample_rate
        return self._bound

    def _methods(self, call: Call) -> Methods:
        this: Any = self
        starts = type(self).start_up is not StreamHandlerBase.start_up
        return Methods(
            receive=this.receive,
            emit=this.emit,
            start_up=this.start_up if starts else None,
            video_receive=getattr(this, "video_receive", None) if call.carries_video else None,
            video_emit=getattr(this, "video_emit", None) if call.carries_video else None,
            fps=self.fps,
            max_failures=self.max_failures,
        )


class InputsGiven:
    """Whether a handler has inputs."""

    def __init__(self, handler: StreamHandlerBase) -> None:
        self._handler = handler

    def is_set(self) -> bool:
        """Whether there are any."""
        return bool(self._handler.latest_args)

    async def wait(self) -> None:
        """As the handler's `wait_for_args`."""
        await self._handler.wait_for_args()


def _rate(name: str, value: int) -> int:
    if not 8000 <= value <= 48000:
        raise ValueError(f"{name} is 8000 to 48000 Hz, not {value!r}")
    return value
