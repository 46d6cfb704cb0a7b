"""An echo on FastRTC under plain uvicorn. Runs in the rival's own virtual environment, not in ours.

The handler is the cheaper of the two kinds that FastRTC has: asynchronous, no worker thread.
"""

import argparse
import asyncio
import importlib
import socket
from typing import Any

# No static types: the package is not installed where the checkers run.
fastapi: Any = importlib.import_module("fastapi")
fastrtc: Any = importlib.import_module("fastrtc")
uvicorn: Any = importlib.import_module("uvicorn")


class Echo(fastrtc.AsyncStreamHandler):  # type: ignore[misc]  # the base is Any, see above
    """Every frame back as it came. `rates` are FastRTC's arguments, its defaults where absent."""

    def __init__(self, rates: dict[str, int]) -> None:
        super().__init__("mono", **rates)  # pyright: ignore[reportUnknownMemberType]  # as above
        self._rates = rates
        self._frames: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> "Echo":
        return Echo(self._rates)

    async def receive(self, frame: Any) -> None:
        self._frames.put_nowait(frame)

    async def emit(self) -> Any:
        return await self._frames.get()


def options_of(description: str | None) -> argparse.ArgumentParser:
    """What every server of FastRTC is told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--rate", type=int, help="Hz, both ways; FastRTC's defaults without it")
    return parser


def rates_of(options: argparse.Namespace) -> dict[str, int]:
    """The arguments of a handler."""
    rate: int | None = options.rate
    return {} if rate is None else {"output_sample_rate": rate, "input_sample_rate": rate}


def serve(handler: Any, loop: str) -> None:
    """Serve until the process ends."""
    app = fastapi.FastAPI()
    stream = fastrtc.Stream(
        handler,
        modality="audio",
        mode="send-receive",
        concurrency_limit=1_000_000,
        server_rtc_configuration={"iceServers": []},  # host candidates only: no STUN
    )
    stream.mount(app)
    server = uvicorn.Server(uvicorn.Config(app, loop=loop, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(f"fastrtc on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        server.run(sockets=[listener])


def main() -> None:
    """Read the command line and serve."""
    options = options_of(__doc__).parse_args()
    serve(Echo(rates_of(options)), options.loop)


if __name__ == "__main__":
    main()
