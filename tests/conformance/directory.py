"""A directory that tells when a slot was given back, and when outputs are read."""

from collections import Counter
from collections.abc import AsyncIterator, Callable

import anyio

from antiphon.core.ports import CallInfo, Command, Output
from antiphon.core.ring import Position
from antiphon.core.signaling import Refusal
from antiphon.transports.directory import LocalDirectory

__all__ = ("WatchedDirectory",)

PATIENCE = 5.0  # seconds until a script that waits for a slot fails


class WatchedDirectory(LocalDirectory):
    """Counts claims, releases and readers by id."""

    def __init__(self) -> None:
        super().__init__(epoch=1)
        self.claimed: Counter[str] = Counter()
        self.released: Counter[str] = Counter()
        self.read: Counter[str] = Counter()
        self._changed = anyio.Event()

    async def claim(
        self, call: CallInfo, limit: int | None, run: Callable[[Command], None]
    ) -> Refusal | None:
        refusal = await super().claim(call, limit, run)
        if refusal is None:
            self.claimed[call.id] += 1
        return refusal

    async def release(self, call_id: str) -> None:
        await super().release(call_id)
        self.released[call_id] += 1
        self._tell()

    def subscribe(
        self, call_id: str, after: Position | None = None
    ) -> AsyncIterator[tuple[Position, Output]]:
        outputs = super().subscribe(call_id, after)
        self.read[call_id] += 1
        self._tell()
        return outputs

    def _tell(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def reads(self, call_id: str, readers: int) -> None:
        """Wait until the outputs of this call have been asked for so many times."""
        with anyio.fail_after(PATIENCE):
            while self.read[call_id] < readers:
                await self._changed.wait()

    async def freed(self, call_id: str, times: int = 1) -> None:
        """Wait until the slot of this call was given back, as often as it was taken."""
        with anyio.fail_after(PATIENCE):
            while self.released[call_id] < times:
                await self._changed.wait()
        assert self.claimed[call_id] == self.released[call_id] == times
