"""How often a handler that has nothing to say is asked."""

import anyio

__all__ = ("Idling",)

SHORTEST = 0.03  # seconds; more than a frame, so that live sound is what ends a rest
LONGEST = 0.1  # seconds; hardly felt as a pause


class Idling:
    """The rests between an `emit` that returned nothing and the next: until a frame was received,
    or 30 ms; while none is received and nothing is said, up to 100 ms.
    """

    def __init__(self) -> None:
        self._delay = SHORTEST
        self._stirred = anyio.Event()

    def stir(self) -> None:
        """A frame was received: there may be something to say."""
        self._delay = SHORTEST
        self._stirred.set()

    def busy(self) -> None:
        """Something was said: there may be more."""
        self._delay = SHORTEST

    async def rest(self) -> None:
        """Wait. A frame that was received since the last rest ends this one at once."""
        with anyio.move_on_after(self._delay) as scope:
            await self._stirred.wait()
        if scope.cancelled_caught:
            self._delay = min(2 * self._delay, LONGEST)
        else:
            self._stirred = anyio.Event()
