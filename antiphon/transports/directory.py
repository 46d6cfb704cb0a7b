"""Live calls of one process, in memory."""

from collections.abc import AsyncIterator, Callable

import anyio

from ..core.errors import UnknownCall
from ..core.ports import CallInfo, Command, Output
from ..core.ring import Position, Ring
from ..core.signaling import Refusal, admit

__all__ = ("LocalDirectory",)

OUTPUTS = 256  # docs/protocol.md section 4


class _Entry:
    """One live call: who carries out its commands, and its outputs."""

    __slots__ = ("changed", "ended", "info", "outputs", "run")

    def __init__(self, info: CallInfo, run: Callable[[Command], None], epoch: int) -> None:
        self.info = info
        self.run = run
        self.outputs: Ring[Output] = Ring(epoch, OUTPUTS)
        self.changed: anyio.Event | None = None
        self.ended = False

    def tell(self) -> None:
        if self.changed is not None:
            changed, self.changed = self.changed, None
            changed.set()

    async def wait(self) -> None:
        if self.changed is None:
            self.changed = anyio.Event()
        await self.changed.wait()


class LocalDirectory:
    """Implements `antiphon.core.ports.Directory` for one process; methods are described there.

    `epoch` tells the outputs of this process from those of an earlier one.
    """

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        self._entries: dict[str, _Entry] = {}

    @property
    def slots(self) -> int:
        return len(self._entries)

    async def claim(
        self, call: CallInfo, limit: int | None, run: Callable[[Command], None]
    ) -> Refusal | None:
        refusal = admit(
            known=call.id in self._entries,
            active=len(self._entries),
            limit=limit,
        )
        if refusal is None:
            self._epoch += 1
            self._entries[call.id] = _Entry(call, run, self._epoch)
        return refusal

    async def release(self, call_id: str) -> None:
        entry = self._entries.pop(call_id)
        entry.ended = True
        entry.tell()

    def calls(self) -> list[CallInfo]:
        return [entry.info for entry in self._entries.values()]

    def look_up(self, call_id: str) -> CallInfo | None:
        entry = self._entries.get(call_id)
        return entry.info if entry is not None else None

    def command(self, call_id: str, command: Command) -> None:
        self._entry(call_id).run(command)

    def publish(self, call_id: str, output: Output) -> Position:
        entry = self._entry(call_id)
        position = entry.outputs.append(output)
        entry.tell()
        return position

    def newest(self, call_id: str) -> Output | None:
        return self._entry(call_id).outputs.newest

    def subscribe(
        self, call_id: str, after: Position | None = None
    ) -> AsyncIterator[tuple[Position, Output]]:
        entry = self._entry(call_id)
        return _follow(entry, entry.outputs.resume(after)[0])

    def _entry(self, call_id: str) -> _Entry:
        entry = self._entries.get(call_id)
        if entry is None:
            raise UnknownCall(call_id)
        return entry


async def _follow(entry: _Entry, position: Position) -> AsyncIterator[tuple[Position, Output]]:
    while True:
        ended = entry.ended
        for at, output in entry.outputs.since(position):
            position = Position(at.epoch, at.offset + 1)
            yield at, output
        if position < entry.outputs.end:
            continue
        if ended:
            return
        await entry.wait()
