"""The command where its output goes nowhere, or to somebody who leaves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "antiphon")


@pytest.mark.parametrize("command", [("completion", "bash"), ("serve", "nowhere:stream")])
def test_whoever_reads_the_output_may_leave(command: tuple[str, ...]) -> None:
    """As `2>&1 | head` does: no word of it, and the status of a program that SIGPIPE ends."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([*COMMAND, *command], stdout=writing, stderr=writing, check=False)
    finally:
        os.close(writing)
    assert done.returncode == 141


def test_a_reader_who_leaves_is_not_told_of_it() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*COMMAND, "completion", "bash"], stdout=writing, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("closed", "command", "status"),
    [(">&-", "doctor nowhere:stream", 1), ("2>&-", "call ws://127.0.0.1:1", 1)],
)
def test_closed_output_is_no_matter(closed: str, command: str, status: int) -> None:
    script = f'"$0" -m antiphon {command} {closed}'
    done = subprocess.run(["sh", "-c", script, sys.executable], capture_output=True, check=False)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr


def test_what_the_output_cannot_say_is_escaped(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "doctor", "nähe:stream"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"No module named 'n\\xe4he' in" in done.stdout
