"""Servers as child processes: start one on a core, await its port, read its costs, end it."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from types import FrameType
from typing import IO, NoReturn

import msgspec

__all__ = (
    "LOAD_CORE",
    "ROOT",
    "SERVER_CORE",
    "Server",
    "ServerFailed",
    "Usage",
    "core_busy",
    "end",
    "end_on_signals",
    "pin",
    "rss_bytes",
    "serve",
    "usage",
)

ROOT = Path(__file__).resolve().parent.parent

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = _CORES[0] if len(_CORES) > 1 else None
"""The core that a server gets to itself, None where the machine has only one."""
LOAD_CORE = _CORES[1] if len(_CORES) > 1 else None

_READY = re.compile(r"http://127\.0\.0\.1:(\d+)")


class ServerFailed(RuntimeError):
    """A server ended or stayed silent instead of listening; the text carries its last words."""


class Usage(msgspec.Struct, frozen=True):
    """What the kernel's scheduler counted for a process, all threads together (ns)."""

    run: int
    """Time on a core."""
    wait: int
    """Time ready to run but off the core: somebody else had it."""

    def __sub__(self, earlier: "Usage") -> "Usage":
        """The cost between two readings."""
        return Usage(self.run - earlier.run, self.wait - earlier.wait)


def usage(pid: int) -> Usage:
    """Read `/proc/PID/task/*/schedstat` (Linux, Documentation/scheduler/sched-stats.rst). Threads
    that ended before the reading are not in it.
    """
    run = wait = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            on_core, waited, _ = (thread / "schedstat").read_text().split()
        except FileNotFoundError:  # the thread ended between the listing and the reading
            continue
        run += int(on_core)
        wait += int(waited)
    return Usage(run, wait)


def core_busy(core: int | None) -> int:
    """Time (ns) in which a core was not idle since the machine started, whoever had it, a
    hypervisor's guests included: `/proc/stat`, proc(5), in steps of 10 ms. All cores for None.
    """
    name = "cpu" if core is None else f"cpu{core}"
    for line in Path("/proc/stat").read_text().splitlines():
        label, *fields = line.split()
        if label == name:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
            ticks = user + nice + system + irq + softirq + steal
            return ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    raise ServerFailed(f"/proc/stat does not name {name}")


def rss_bytes(pid: int) -> int:
    """Resident memory in bytes, counted page by page: `statm` lags behind by some pages a core."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise ServerFailed(f"process {pid} has no resident memory")


def pin(pid: int, core: int | None) -> None:
    """Keep a process on one core; a process just started passes it on to its later threads."""
    if core is not None:
        os.sched_setaffinity(pid, {core})


def end(process: subprocess.Popen[bytes], patience: float = 5.0) -> None:
    """Ask a child to end, and make it end after `patience` seconds."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_on_signals() -> None:
    """Let Ctrl-C and SIGTERM unwind the program quietly, so that it ends its children."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _unwind)


def _unwind(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


class Server(msgspec.Struct, frozen=True):
    """A server that listens on 127.0.0.1."""

    pid: int
    port: int


@contextmanager
def serve(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    core: int | None = SERVER_CORE,
    patience: float = 60.0,
) -> Generator[Server]:
    """Run `command` from the repository's root, pinned to `core`, until the block is left. The
    server is ready when it prints its address; ServerFailed if it has not after `patience` seconds.
    """
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    ports: Queue[int | None] = Queue()
    words: deque[str] = deque(maxlen=30)
    # Read to the end of the output, so that a talkative server never blocks.
    listener = threading.Thread(target=_listen, args=(process.stdout, words, ports))
    listener.start()
    try:
        pin(process.pid, core)
        port = _await(ports, patience)
        if port is None:
            raise ServerFailed(f"{' '.join(command)} did not listen:\n{''.join(words)}")
        yield Server(process.pid, port)
    finally:
        end(process)
        listener.join()
        process.stdout.close()


def _await(ports: Queue[int | None], patience: float) -> int | None:
    try:
        return ports.get(timeout=patience)
    except Empty:
        return None


def _listen(output: IO[bytes], words: deque[str], ports: Queue[int | None]) -> None:
    for raw in output:
        line = raw.decode(errors="replace")
        words.append(line)
        if found := _READY.search(line):
            ports.put(int(found[1]))
    ports.put(None)
