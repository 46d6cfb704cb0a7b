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

RATE = 8000


class Echo(fastrtc.AsyncStreamHandler):  # type: ignore[misc]  # the base is Any, see above
    """Every frame back as it came."""

    def __init__(self) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]  # the base is Any
            "mono", output_sample_rate=RATE, input_sample_rate=RATE
        )
        self._frames: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> "Echo":
        return Echo()

    async def receive(self, frame: Any) -> None:
        self._frames.put_nowait(frame)

    async def emit(self) -> Any:
        return await self._frames.get()


def main() -> None:
    """Serve until the process ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    loop = parser.parse_args().loop
    app = fastapi.FastAPI()
    stream = fastrtc.Stream(
        Echo(), modality="audio", mode="send-receive", concurrency_limit=1_000_000
    )
    stream.mount(app)
    server = uvicorn.Server(uvicorn.Config(app, loop=loop, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(f"fastrtc echo on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        server.run(sockets=[listener])


if __name__ == "__main__":
    main()
