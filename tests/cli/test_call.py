"""`antiphon call` as a process, against real servers."""

import fcntl
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import numpy as np
import pytest

from antiphon.cli.summary import Summary
from antiphon.core.audio.g711 import mulaw_decode, mulaw_encode
from tests.cli.sounds import melody, read_wav, write_wav
from tests.processes import Server, run_antiphon, serving, start_antiphon

APP = """
import json
from pathlib import Path
from antiphon import Call, Request, Stream, Tone

async def brief(call):
    await Tone(440, seconds=1)(call)

async def fail(call):
    async for frame in call.audio:
        raise RuntimeError("no good")

async def tell(call):
    await call.send({"id": call.id, "metadata": dict(call.metadata), "inputs": list(call.inputs),
        "principal": call.principal})
    await call.log("a\\x1b[31m red line\\x9b")

async def ask(call):
    first = await call.wait_for_inputs(10)
    await call.send({"got": list(first)})

async def keep(call):
    heard = bytearray()
    try:
        async for frame in call.audio:
            heard += frame.pcm
    finally:
        Path(call.id).write_bytes(heard)

async def hold(call):
    await call.log("holding")
    async for frame in call.audio:
        await call.send_audio(frame)
        if frame.pts >= 480 * 10:
            await call.log("ten frames")

HANDLERS = {handler.__name__: handler for handler in (brief, fail, tell, ask, keep, hold)}

async def handler(call: Call) -> None:
    await HANDLERS[call.metadata["run"]](call)

def authorize(request: Request):
    return request.headers.get("x-caller", "nobody")

stream = Stream(handler, concurrency_limit=1, authorize=authorize)
"""
SCHEMES = ("ws", "http")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serving(app=APP, folder=folder) as server:
        yield server


def url_of(server: Server, scheme: str) -> str:
    return server.websocket if scheme == "ws" else server.http


def call(
    server: Server, handler: str, *options: str, scheme: str = "ws"
) -> "subprocess.CompletedProcess[str]":
    run = f'{{"run": "{handler}"}}'
    return run_antiphon("call", url_of(server, scheme), "--metadata", run, *options)


def summary_of(done: "subprocess.CompletedProcess[str]") -> Summary:
    return msgspec.json.decode(done.stdout, type=Summary)


@pytest.mark.alone
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_summary_counts_an_echo_to_the_frame(
    echo_server: Server, tmp_path: Path, scheme: str
) -> None:
    file = write_wav(tmp_path / "in.wav", melody(24000), 24000)
    done = run_antiphon("call", url_of(echo_server, scheme), "--play", str(file), "--json")
    summary = summary_of(done)
    assert done.returncode == 0
    assert (summary.frames_out, summary.frames_in) == (52, 52)
    assert summary.audio_seconds_out == summary.audio_seconds_in == 1.04
    assert (summary.echo, summary.lost_frames, summary.loss) == (True, 0, 0.0)
    assert summary.dropped_frames == 0
    assert (summary.ended.by, summary.ended.code) == ("client", 1000)
    trips = summary.round_trip_ms
    assert trips is not None
    assert trips.count >= 5
    assert 0 < trips.p50 <= trips.p95 <= trips.p99


@pytest.mark.alone
def test_the_summary_is_text_without_json(echo_server: Server, tmp_path: Path) -> None:
    file = write_wav(tmp_path / "in.wav", melody(24000, 0.5), 24000)
    done = run_antiphon("call", echo_server.websocket, "--play", str(file))
    assert "27 frames, 0.54 s" in done.stdout
    assert "0 frames, 0.00%" in done.stdout
    assert done.stderr == ""  # no meter where there is no terminal


def test_quiet_says_nothing(echo_server: Server, tmp_path: Path) -> None:
    file = write_wav(tmp_path / "in.wav", melody(24000, 0.1), 24000)
    done = run_antiphon("call", echo_server.websocket, "--play", str(file), "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.alone
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_speaks_and_ends_is_heard_whole(
    server: Server, tmp_path: Path, scheme: str
) -> None:
    out = tmp_path / "out.wav"
    done = call(server, "brief", "--record", str(out), "--json", "--rate", "8000", scheme=scheme)
    summary = summary_of(done)
    assert done.returncode == 0
    assert (summary.ended.by, summary.ended.code) == ("server", 1000)
    assert (summary.echo, summary.loss, summary.frames_out) == (False, None, 0)
    rate, heard = read_wav(out)
    assert rate == 8000
    assert len(heard) == pytest.approx(8000, abs=8)


def test_seconds_end_the_call(echo_server: Server, tmp_path: Path) -> None:
    file = write_wav(tmp_path / "in.wav", melody(24000, 5.0), 24000)
    options = ("--play", str(file), "--seconds", "0.5", "--json")
    done = run_antiphon("call", echo_server.websocket, *options)
    summary = summary_of(done)
    assert done.returncode == 0
    assert 0 < summary.frames_out < 250
    assert summary.loss is None


@pytest.mark.alone
def test_linger_sends_silence_after_the_file(echo_server: Server, tmp_path: Path) -> None:
    file = write_wav(tmp_path / "in.wav", melody(24000, 0.2), 24000)
    out = tmp_path / "out.wav"
    options = ("--play", str(file), "--record", str(out), "--linger", "1", "--json")
    done = run_antiphon("call", echo_server.websocket, *options)
    summary = summary_of(done)
    assert summary.frames_out == 10 + 2 + 25
    assert summary.lost_frames == 0
    assert not read_wav(out)[1][4800:].any()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_fast_loses_nothing_to_a_handler_that_only_listens(
    server: Server, folder: Path, tmp_path: Path, scheme: str
) -> None:
    sound = melody(24000, 6.0)
    file = write_wav(tmp_path / "in.wav", sound, 24000)
    name = f"kept-{scheme}"
    done = call(server, "keep", "--play", str(file), "--fast", "--id", name, scheme=scheme)
    assert done.returncode == 0
    sent = np.concatenate((sound, np.zeros(960, "<i2")))
    assert (folder / name).read_bytes() == mulaw_decode(mulaw_encode(sent.tobytes()))


def test_what_the_handler_gets_and_tells(server: Server) -> None:
    options = ("--id", "me", "--input", "0.5", "--input", '"x"', "--header", "X-Caller: ann")
    done = call(server, "tell", *options)
    assert done.returncode == 0
    told = re.search(r"^message: (.*)$", done.stderr, re.MULTILINE)
    assert told is not None
    assert msgspec.json.decode(told[1]) == {
        "id": "me",
        "metadata": {"run": "tell"},
        "inputs": [0.5, "x"],
        "principal": "ann",
    }


def test_a_message_cannot_command_the_terminal(server: Server) -> None:
    done = call(server, "tell")
    assert r"log: a\x1b[31m red line\x9b" in done.stderr


@pytest.mark.parametrize("scheme", SCHEMES)
def test_inputs_are_given_when_the_handler_asks(server: Server, scheme: str) -> None:
    done = call(server, "ask", "--input", "[1, 2]", "--input", "null", scheme=scheme)
    assert done.returncode == 0
    assert 'message: {"got":[[1,2],null]}' in done.stderr


def test_a_handler_that_asks_in_vain_is_told_of(server: Server) -> None:
    done = call(server, "ask", "--seconds", "0.5")
    assert "give them with --input" in done.stderr


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_handler_that_fails_has_status_1(server: Server, tmp_path: Path, scheme: str) -> None:
    file = write_wav(tmp_path / "in.wav", melody(24000), 24000)
    done = call(server, "fail", "--play", str(file), "--json", scheme=scheme)
    assert done.returncode == 1
    assert "error: no good" in done.stderr
    assert summary_of(done).ended.code == 1011


@contextmanager
def calling(server: Server, *options: str) -> Generator["subprocess.Popen[str]"]:
    """A call that is open, until the test ends it."""
    arguments = ["call", server.websocket, "--metadata", '{"run": "hold"}', *options]
    with start_antiphon(arguments) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "log: holding\n"
            yield process
        finally:
            process.kill()


def test_a_refusal_names_its_limit_and_has_status_1(server: Server) -> None:
    with calling(server) as first:
        done = call(server, "tell")
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=10)
    assert done.returncode == 1
    assert "concurrency_limit_reached (limit 1)" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_call_hangs_up_and_keeps_its_recording(
    server: Server, tmp_path: Path, number: signal.Signals
) -> None:
    sound = melody(24000, 10.0)
    file = write_wav(tmp_path / "in.wav", sound, 24000)
    out = tmp_path / "out.wav"
    name = f"cut-{number.name}"
    options = ("--play", str(file), "--record", str(out), "--id", name, "--json")
    with calling(server, *options) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "log: ten frames\n"
        process.send_signal(number)
        stdout, _ = process.communicate(timeout=10)
        assert process.returncode == 128 + number
    ended = msgspec.json.decode(stdout, type=Summary).ended
    assert ended.by == "interrupt"
    rate, heard = read_wav(out)
    wanted = np.frombuffer(mulaw_decode(mulaw_encode(sound.tobytes())), "<i2")
    assert rate == 24000
    assert len(heard) >= 4800
    assert np.array_equal(heard, wanted[: len(heard)])
    assert re.search(rf"'{name}' ended after .* s: 1000", server.output)


def test_nobody_listening_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = run_antiphon("call", f"ws://127.0.0.1:{port}")
    assert done.returncode == 1
    assert "the connection was refused" in done.stderr


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_says_nothing_is_not_waited_for(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        done = run_antiphon("call", f"{scheme}://127.0.0.1:{port}", "--timeout", "0.3")
    assert done.returncode == 1
    assert "did not answer within 0.3 s" in done.stderr


class NotFound(BaseHTTPRequestHandler):
    """A web server that knows nothing of calls."""

    def do_GET(self) -> None:
        self.send_error(404)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_web_server_of_another_kind_is_told(scheme: str) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), NotFound) as web:
        thread = Thread(target=web.serve_forever)
        thread.start()
        try:
            done = run_antiphon("call", f"{scheme}://127.0.0.1:{web.server_port}")
        finally:
            web.shutdown()
            thread.join()
    assert done.returncode == 1
    assert "the server answered 404" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plain_server_called_with_tls_is_told(echo_server: Server) -> None:
    done = run_antiphon("call", echo_server.websocket.replace("ws", "wss", 1))
    assert done.returncode == 1
    assert "does not speak TLS" in done.stderr


def test_a_recording_that_cannot_be_written_ends_the_call(
    echo_server: Server, tmp_path: Path
) -> None:
    file = write_wav(tmp_path / "in.wav", melody(24000), 24000)
    done = run_antiphon("call", echo_server.websocket, "--play", str(file), "--record", "/dev/full")
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("columns", [80, 41])
def test_on_a_terminal_the_meter_fits_and_messages_stand_above_it(
    server: Server, tmp_path: Path, columns: int
) -> None:
    file = write_wav(tmp_path / "in.wav", melody(24000), 24000)
    shown = on_a_terminal(
        columns,
        [*("call", server.websocket, "--metadata", '{"run": "hold"}'), "--play", str(file)],
    )
    meters = [part for part in re.split(r"\r\x1b\[K|\r?\n", shown) if part.startswith("out ")]
    assert any("█" in meter for meter in meters)
    assert all(len(meter) < columns for meter in meters if "frames" not in meter)
    assert re.search(r"\r\x1b\[Klog: ten frames\r\n", shown)


def on_a_terminal(columns: int, arguments: list[str]) -> str:
    """What the command writes to a terminal of this width."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "antiphon", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"},
    )
    os.close(terminal)
    shown = bytearray()
    try:
        while data := os.read(controller, 4096):
            shown += data
    except OSError:
        pass  # EIO: Linux's way to say that the other side of the terminal is closed
    finally:
        os.close(controller)
        assert process.wait(10) == 0
    return shown.decode()
