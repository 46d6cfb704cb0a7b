"""`antiphon serve` as a process."""

import signal
import socket
from pathlib import Path

import httpx
import pytest
import trustme

from antiphon.cli.main import main
from tests.cli.sounds import melody, read_wav, write_wav
from tests.processes import Server, run_antiphon, serving, start_antiphon

HOLD = """
from antiphon import Stream

async def hold(call):
    await call.log("holding")
    async for frame in call.audio:
        pass

stream = Stream(hold)
"""
WATCHED = """
import sys

from antiphon import Stream

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "antiphon.transports.webrtc":
            print("webrtc is imported", file=sys.stderr, flush=True)

sys.meta_path.insert(0, Watch())

async def brief(call):
    await call.log("hello")

stream = Stream(brief)
"""
STUCK = """
from threading import Event

import anyio.to_thread
from antiphon import Stream

def never():
    Event().wait()

async def asks(call):
    await call.log("asking")
    await anyio.to_thread.run_sync(never, abandon_on_cancel=True)

stream = Stream(asks)
"""
FROZEN = """
import gc, sys

from antiphon import Stream, echo

def enable(enable=gc.enable):
    enable()
    frozen = gc.get_freeze_count() > 50_000
    print(f"frozen: {frozen}, collecting: {gc.isenabled()}", file=sys.stderr, flush=True)

gc.enable = enable
stream = Stream(echo)
"""
BROKEN = """
import sys

sys.modules["aiortc"] = None
"""


def test_it_says_where_it_listens_and_stops_in_order(echo_server: Server) -> None:
    with serving() as server:
        assert server.port not in (0, 8000)
        assert f"antiphon serves on http://127.0.0.1:{server.port}\n" in server.output
    assert server.process.returncode == 0


def test_ctrl_c_stops_it_in_order() -> None:
    with serving() as server:
        server.process.send_signal(signal.SIGINT)
        assert server.wait() == 0


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("app", "a target reads module:stream, not 'app'"),
        ("nowhere:stream", "No module named 'nowhere' in "),
        ("served:nothing", "served has no 'nothing'; it has served:stream"),
        ("served.py:stream", "a target reads module:stream, not 'served.py:stream'; did you mean"),
        ("served", "a target reads module:stream, not 'served'; did you mean served:stream?"),
        ("./served:stream", "a target reads module:stream, not './served:stream'; did you mean"),
        ("./served.py", "a target reads module:stream, not './served.py'; did you mean served:str"),
        (".served:stream", "a target reads module:stream, not '.served:stream'"),
        ("served:hold", "served:hold is a function, not an antiphon Stream"),
    ],
)
def test_a_target_that_cannot_be_loaded_is_told(tmp_path: Path, target: str, words: str) -> None:
    (tmp_path / "served.py").write_text(HOLD)
    done = run_antiphon("serve", target, "--port", "0", folder=tmp_path)
    assert done.returncode == 1
    assert f"antiphon serve: {words}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_antiphon("serve", "--port", str(port))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tls-key", "key.pem"), "--tls-key needs --tls-cert"),
        (("--tls-cert", "nowhere.pem"), "nowhere.pem cannot be used"),
        (("--tls-cert", "nowhere.pem"), "`antiphon doctor` with the same options says why"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_told(options: tuple[str, ...], words: str) -> None:
    done = run_antiphon("serve", "--port", "0", *options)
    assert done.returncode == 1
    assert words in done.stderr


def test_a_uvloop_that_cannot_be_imported_is_done_without(tmp_path: Path) -> None:
    """`python -m` looks for modules in the current folder first."""
    (tmp_path / "uvloop.py").write_text("raise ImportError('libuv.so')")
    (tmp_path / "served_app.py").write_text(HOLD)
    done = run_antiphon(
        "serve", "served_app:stream", "--port", "0", "--loop", "uvloop", folder=tmp_path
    )
    assert done.returncode == 1
    assert "libuv.so: pip install 'antiphon[uvloop]'" in done.stderr
    with serving(folder=tmp_path) as server:
        assert "uvloop is here and cannot be used (libuv.so)" in server.output


def test_damaged_weights_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "ge2e.npz").write_bytes(b"not weights")
    monkeypatch.setenv("ANTIPHON_DATA", str(tmp_path))
    done = run_antiphon("serve", "--port", "0")
    assert done.returncode == 1
    assert "antiphon models install ge2e writes it anew" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--host", "", "it is empty; 0.0.0.0 is all of this machine"),
        ("--host", "a" * 64, "is no host"),
        ("--grace", "nan", "'nan' is not a number of seconds, 0 or more"),
        ("--grace", "-1", "'-1' is not a number of seconds, 0 or more"),
        ("--port", "http", "invalid port value: 'http'"),
        ("--workers", "many", "only 1 worker for now"),
    ],
)
def test_a_value_that_cannot_be_is_wrong_usage(
    option: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", f"{option}={value}"])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_target_has_its_own_modality(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(HOLD)
    options = ("served:stream", "--modality", "video", "--port", "0")
    done = run_antiphon("serve", *options, folder=tmp_path)
    assert done.returncode == 1
    assert "--modality is for the echo" in done.stderr


def test_a_target_says_itself_whether_it_has_speech_endpoints(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(HOLD)
    done = run_antiphon("serve", "served:stream", "--speech", "--port", "0", folder=tmp_path)
    assert done.returncode == 1
    assert "--speech is for the echo" in done.stderr


@pytest.mark.parametrize(("options", "status"), [((), 200), (("--no-speech",), 404)])
def test_the_echo_has_speech_endpoints_unless_told_otherwise(
    options: tuple[str, ...], status: int
) -> None:
    with serving(*options) as server:
        assert httpx.get(f"{server.http}/core/get_build_info").status_code == status


def test_what_webrtc_stands_on_is_imported_once_it_listens(tmp_path: Path) -> None:
    with serving(app=WATCHED, folder=tmp_path) as server:
        assert run_antiphon("call", server.websocket).returncode == 0
    ready, imported = (server.output.index(t) for t in ("antiphon serves on", "webrtc is imported"))
    assert ready < imported


def test_what_is_imported_is_not_looked_through_for_garbage_while_calls_wait(
    tmp_path: Path,
) -> None:
    """A collection of it all takes 15 to 20 ms."""
    with serving(app=FROZEN, folder=tmp_path) as server:
        for _ in range(2):  # the first waits for the imports, the second for what comes behind
            assert httpx.post(f"{server.http}/webrtc/offer", content=b"{}").status_code >= 400
    assert "frozen: True, collecting: True" in server.output


def test_without_aiortc_all_other_calls_go_on(tmp_path: Path) -> None:
    with serving(app=BROKEN + HOLD, folder=tmp_path) as server:
        refused = run_antiphon("call", f"webrtc+{server.http}")
        served = run_antiphon("call", server.websocket, "--seconds", "0.1")
    assert refused.returncode == 1
    assert "internal_error: this server cannot take calls over WebRTC" in refused.stderr
    assert served.returncode == 0
    assert server.output.count("no calls over WebRTC: aiortc cannot be used here") == 1
    assert "Traceback" not in server.output


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_tls_carries_calls_of_those_who_trust_it(tmp_path: Path, scheme: str) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    own = authority.issue_cert("127.0.0.1")
    own.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    file = write_wav(tmp_path / "in.wav", melody(24000, 0.2), 24000)
    out = tmp_path / "out.wav"
    sound = ("--play", str(file), "--record", str(out))
    with serving("--tls-cert", str(tmp_path / "own.pem")) as server:
        assert server.http.startswith("https://")
        url = server.websocket if scheme == "ws" else server.http
        trusted = run_antiphon("call", url, "--ca", str(tmp_path / "ca.pem"), *sound)
        length = len(read_wav(out)[1])
        blind = run_antiphon("call", url, "--insecure", *sound)
        untrusted = run_antiphon("call", url, *sound)
    assert (trusted.returncode, length) == (0, 4800 + 960)
    assert blind.returncode == 0
    assert "certificate is not checked" in blind.stderr
    assert untrusted.returncode == 1
    assert "the certificate is not trusted" in untrusted.stderr
    assert "--ca FILE" in untrusted.stderr


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_sigterm_ends_live_calls_as_going_away(tmp_path: Path, scheme: str) -> None:
    with serving("--grace", "0.2", app=HOLD, folder=tmp_path) as server:
        url = server.websocket if scheme == "ws" else server.http
        with start_antiphon(["call", url, "--json"]) as caller:
            assert caller.stderr is not None
            assert caller.stderr.readline() == "log: holding\n"
            assert server.stop() == 0
            stdout, stderr = caller.communicate(timeout=10)
    assert caller.returncode == 0
    assert '"ended":{"by":"server","code":1001,' in stdout
    assert "warning: the server is shutting down: this call ends within 0.2 s" in stderr


def test_a_function_that_never_returns_does_not_keep_the_process(tmp_path: Path) -> None:
    with serving("--grace", "0.1", app=STUCK, folder=tmp_path) as server:
        with start_antiphon(["call", server.websocket]) as caller:
            assert caller.stderr is not None
            assert caller.stderr.readline() == "log: asking\n"
            assert server.stop() == 0
            caller.communicate(timeout=10)
        assert "AnyIO worker thread has not returned" in server.output
        assert "in wait" in server.output
