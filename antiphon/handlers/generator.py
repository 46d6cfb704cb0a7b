"""Generators of sound as handlers, for streams whose client only listens."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import anyio.lowlevel

from ..core.audio.frames import AudioFrame
from ..core.ports import Call, Handler
from .emitted import Emitted, sound_of
from .failures import Failures
from .idling import Idling
from .inputs import Inputs
from .kinds import Kind, arity_of, check_handler, is_native, kind_of
from .results import Parts, conclude
from .threads import Steps, closing

__all__ = ("AudioGenerator", "SoundSource", "as_audio_handler")

SoundSource = Callable[..., Iterator[Emitted]] | Callable[..., AsyncIterator[Emitted]]

_GENERATORS = (Kind.GENERATOR, Kind.ASYNC_GENERATOR)


class AudioGenerator:
    """A generator function of sound as a handler; its end ends the call when all is played.

    fn: `fn(*inputs)`, sync (run step by step in worker threads) or async. It yields sound, as
        (sample rate in Hz, array) or an `AudioFrame`, `AdditionalOutputs`, `CloseStream`, a tuple
        of sound and these, or None for nothing. It is asked for more when there is room.
    inputs_timeout: seconds. Parameters that have no default wait for inputs, which the client is
        asked for; it gets those there are at its beginning.
    max_failures: that many yields in a row that are no sound end the call. Fewer are logged, told
        to the client and left out.

    An exception of the generator ends the call. Holds nothing of a call: one serves all calls.
    Raises TypeError and ValueError for what does not fit.
    """

    def __init__(
        self, fn: SoundSource, *, inputs_timeout: float = 60.0, max_failures: int = 10
    ) -> None:
        if not inputs_timeout > 0:
            raise ValueError(f"inputs_timeout is more than 0 seconds, not {inputs_timeout!r}")
        if max_failures < 1:
            raise ValueError(f"max_failures is at least 1, not {max_failures!r}")
        self._kind = kind_of(fn)
        if self._kind not in _GENERATORS:
            raise TypeError(f"a generator function of sound is wanted, not {self._kind.value}")
        self._arity = arity_of(fn, media=0)
        self._fn: Callable[..., Any] = fn
        self._inputs_timeout = inputs_timeout
        self._max_failures = max_failures

    async def __call__(self, call: Call) -> None:
        values = await Inputs(call, self._arity, self._inputs_timeout).first()
        failures = Failures(call, self._max_failures, ("a yield", "yields"))
        idling = Idling()
        generator = self._fn(*values)
        source = Steps[Any](generator) if self._kind is Kind.GENERATOR else generator
        async with closing(source):
            async for item in source:
                parts = await _read(item, failures)
                if isinstance(parts.media, AudioFrame):
                    await call.send_audio(parts.media)
                if await conclude(call, parts):
                    return
                if parts.media is None and not parts.outputs:
                    await idling.rest()
                else:
                    idling.busy()
                    await anyio.lowlevel.checkpoint()


async def _read(item: object, failures: Failures) -> Parts:
    try:
        parts = sound_of(item)
    except (TypeError, ValueError) as error:
        await failures.failed(error)
        return Parts(None)
    failures.succeeded()
    return parts


def as_audio_handler(handler: Handler | SoundSource, mode: str | None = None) -> Handler:
    """What serves sound, from what an application gives: a coroutine function, or an object that
    calls as one, is a native handler; a generator function becomes an `AudioGenerator`.

    Raises TypeError for anything else, and for a generator where the mode is not "receive".
    """
    if is_native(handler) or not _generates(handler):
        return check_handler(handler)
    if mode not in ("receive", None):
        raise TypeError(f"a generator of sound is for mode='receive', not {mode!r}")
    return AudioGenerator(cast(SoundSource, handler))


def _generates(handler: Any) -> bool:
    return callable(handler) and not inspect.isclass(handler) and kind_of(handler) in _GENERATORS
