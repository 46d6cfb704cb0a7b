"""A directory that tells when a slot was given back."""

from collections import Counter
from collections.abc import Callable

import anyio

from antiphon.core.ports import CallInfo, Command
from antiphon.core.signaling import Refusal
from antiphon.transports.directory import LocalDirectory

__all__ = ("WatchedDirectory",)

PATIENCE = 5.0  # seconds until a script that waits for a slot fails


class WatchedDirectory(LocalDirectory):
    """Counts claims and releases by id."""

    def __init__(self) -> None:
        super().__init__(epoch=1)
        self.claimed: Counter[str] = Counter()
        self.released: Counter[str] = Counter()
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
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def freed(self, call_id: str, times: int = 1) -> None:
        """Wait until the slot of this call was given back, as often as it was taken."""
        with anyio.fail_after(PATIENCE):
            while self.released[call_id] < times:
                await self._changed.wait()
        assert self.claimed[call_id] == self.released[call_id] == times
