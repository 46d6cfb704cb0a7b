"""Live calls of one process, in memory."""

from collections import deque
from collections.abc import AsyncIterator, Callable

import anyio
import msgspec

from ..core.errors import UnknownCall
from ..core.ports import CallInfo, Command, Output
from ..core.ring import Position, Ring
from ..core.signaling import Refusal, admit

__all__ = ("LocalDirectory",)

OUTPUTS = 256  # docs/protocol.md


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
        # A list first: it may be asked from another thread while calls come and go.
        return [entry.info for entry in list(self._entries.values())]

    def look_up(self, call_id: str) -> CallInfo | None:
        entry = self._entries.get(call_id)
        return entry.info if entry is not None else None

    def command(self, call_id: str, command: Command) -> None:
        self._entry(call_id).run(command)

    def publish(self, call_id: str, output: Output) -> Position:
        entry = self._entry(call_id)
        position = entry.outputs.end
        entry.outputs.append(msgspec.structs.replace(output, position=position))
        entry.tell()
        return position

    def newest(self, call_id: str) -> Output | None:
        return self._entry(call_id).outputs.newest

    def subscribe(
        self, call_id: str, after: Position | None = None
    ) -> AsyncIterator[tuple[Position, Output]]:
        entry = self._entry(call_id)
        return _Follower(entry, entry.outputs.resume(after)[0])

    def _entry(self, call_id: str) -> _Entry:
        entry = self._entries.get(call_id)
        if entry is None:
            raise UnknownCall(call_id)
        return entry


class _Follower:
    """A reader of a call's outputs, which waits for more until the call ends."""

    def __init__(self, entry: _Entry, position: Position) -> None:
        self._entry = entry
        self._position = position
        self._ready: deque[tuple[Position, Output]] = deque()

    def __aiter__(self) -> "_Follower":
        return self

    async def __anext__(self) -> tuple[Position, Output]:
        while not self._ready:
            ended = self._entry.ended
            self._ready.extend(self._entry.outputs.since(self._position))
            if self._ready:
                last, _ = self._ready[-1]
                self._position = Position(last.epoch, last.offset + 1)
            elif ended:
                raise StopAsyncIteration
            else:
                await self._entry.wait()
        return self._ready.popleft()
