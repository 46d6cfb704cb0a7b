"""Programs of this package as processes of their own, on free ports of this machine."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

__all__ = ("Server", "run_antiphon", "serving", "start_antiphon")

START_TIMEOUT = 30.0  # seconds; imports take one, on a busy machine several
STOP_TIMEOUT = 20.0

_READY = re.compile(r"antiphon serves on (?P<scheme>https?)://(?P<host>.+):(?P<port>\d+)")


class Server:
    """A running `antiphon serve`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._lines: list[str] = []
        self._ready = Event()
        self._match: re.Match[str] | None = None
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.append(line)
            match = _READY.search(line)
            if match is not None:
                self._match = match
                self._ready.set()
        self._ready.set()

    def wait_ready(self) -> None:
        """Until it has said where it listens; AssertionError with what it said instead."""
        assert self._ready.wait(START_TIMEOUT), "the server said nothing"
        assert self._match is not None, self.output

    @property
    def port(self) -> int:
        assert self._match is not None
        return int(self._match["port"])

    @property
    def websocket(self) -> str:
        """The base URL for calls over WebSocket."""
        assert self._match is not None
        return self.http.replace("http", "ws", 1)

    @property
    def http(self) -> str:
        """The base URL for requests."""
        assert self._match is not None
        return f"{self._match['scheme']}://{self._match['host']}:{self._match['port']}"

    @property
    def output(self) -> str:
        """What it wrote to standard error so far."""
        return "".join(self._lines)

    def stop(self) -> int:
        """Ask it to stop, as a supervisor does; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Until it has ended; returns its exit status. Kills it after a while."""
        try:
            return self.process.wait(STOP_TIMEOUT)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self._reader.join()
            if self.process.stderr is not None:
                self.process.stderr.close()


def start_antiphon(
    arguments: Sequence[str], *, folder: Path | None = None
) -> "subprocess.Popen[str]":
    """Start the command with pipes for its output; `folder` is its working folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "antiphon", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
    )


def run_antiphon(*arguments: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    with start_antiphon(arguments, folder=folder) as process:
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def serving(
    *arguments: str, app: str | None = None, folder: Path | None = None
) -> Generator[Server]:
    """`antiphon serve` with these arguments, on a free port, until the end of the context.

    `app` is the text of a module: its `stream` is served, from `folder`. AssertionError when the
    server does not end well.
    """
    target: list[str] = []
    if app is not None:
        assert folder is not None
        (folder / "served_app.py").write_text(app)
        target = ["served_app:stream"]
    process = start_antiphon(["serve", *target, "--port", "0", *arguments], folder=folder)
    server = Server(process)
    try:
        server.wait_ready()
        yield server
    finally:
        status = server.stop()
        assert process.stdout is not None
        process.stdout.close()
    assert status == 0, server.output
