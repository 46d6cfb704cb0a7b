"""Handlers on FastRTC that hear and say nothing. Runs in the rival's own virtual environment."""

import asyncio
from typing import Any

from benchmarks.servers.fastrtc_echo import fastrtc, options_of, rates_of, serve


class Idle(fastrtc.StreamHandler):  # type: ignore[misc]  # the base is Any: it is not installed here
    """Methods that block; `emit` has nothing each time it is asked."""

    def __init__(self, rates: dict[str, int]) -> None:
        super().__init__("mono", **rates)  # pyright: ignore[reportUnknownMemberType]  # as above
        self._rates = rates

    def copy(self) -> "Idle":
        return Idle(self._rates)

    def receive(self, frame: Any) -> None: ...

    def emit(self) -> Any: ...


class AsyncIdle(fastrtc.AsyncStreamHandler):  # type: ignore[misc]  # as above
    """Coroutines; FastRTC's own `wait_for_item` is how its documents let `emit` wait."""

    def __init__(self, rates: dict[str, int]) -> None:
        super().__init__("mono", **rates)  # pyright: ignore[reportUnknownMemberType]  # as above
        self._rates = rates
        self._queue: Any = asyncio.Queue()

    def copy(self) -> "AsyncIdle":
        return AsyncIdle(self._rates)

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        return await fastrtc.wait_for_item(self._queue)


def main() -> None:
    """Serve until the process ends."""
    parser = options_of(__doc__)
    parser.add_argument("--kind", choices=("sync", "async"), default="sync")
    options = parser.parse_args()
    made = Idle if options.kind == "sync" else AsyncIdle
    serve(made(rates_of(options)), options.loop)


if __name__ == "__main__":
    main()
