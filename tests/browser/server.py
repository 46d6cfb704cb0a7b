"""The server under test: `antiphon serve`, or another program, in a process of its own."""

import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

__all__ = ("Server", "running", "serving")

READY = re.compile(r"antiphon serves on (http://\S+)")
START_TIMEOUT = 20.0  # seconds; NumPy and the rest are imported on a busy machine
STOP_TIMEOUT = 15.0  # above the 5 s of grace that the server gives its calls
ROOT = Path(__file__).parents[2]  # where `tests.browser.streams:...` can be imported


class Server:
    """A running server. `url` is its base, `log` what it has written to stderr so far."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._said = anyio.Event()
        self.url = ""
        self.log: list[str] = []

    async def read(self) -> None:
        """Read stderr to its end, so that the server never waits for a reader."""
        assert self._process.stderr is not None
        stream = BufferedByteReceiveStream(self._process.stderr)
        try:
            while True:
                self._hear((await stream.receive_until(b"\n", 65536)).decode())
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.ClosedResourceError):
            self._said.set()

    def _hear(self, line: str) -> None:
        self.log.append(line)
        if ready := READY.search(line):
            self.url = ready[1]
            self._said.set()

    async def started(self) -> None:
        """Wait for the line that tells the address. Fails the test with the log when none comes."""
        with anyio.move_on_after(START_TIMEOUT):
            await self._said.wait()
        if not self.url:
            pytest.fail("the server did not start:\n" + "\n".join(self.log))

    async def kill(self) -> None:
        """End the process without a farewell."""
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """End the process in order, if it still runs; by force only to report that it does not."""
        if self._process.returncode is not None:
            return
        self._process.terminate()
        with anyio.move_on_after(STOP_TIMEOUT):
            await self._process.wait()
            return
        await self.kill()
        pytest.fail("the server does not stop:\n" + "\n".join(self.log))


def serving(*arguments: str) -> AbstractAsyncContextManager[Server]:
    """The echo, or the stream that the arguments name, on a free port."""
    return running("antiphon", "serve", "--port", "0", *arguments)


@asynccontextmanager
async def running(*arguments: str) -> AsyncGenerator[Server, None]:
    """A Python module that serves. It must end in order, and must not have logged a traceback."""
    command = [sys.executable, "-m", *arguments]
    process = await anyio.open_process(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    async with process:
        server = Server(process)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.read)
            try:
                await server.started()
                yield server
            finally:
                with anyio.CancelScope(shield=True):
                    await server.stop()
        assert not [line for line in server.log if "Traceback" in line], "\n".join(server.log)
