"""`antiphon doctor`, and what it makes of servers."""

import json
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import anyio.abc
import pytest
import trustme

from antiphon import Call, Stream, connect, echo
from antiphon.cli.diagnosis.finding import Finding
from antiphon.cli.diagnosis.remote import Place, look_at_server
from antiphon.cli.main import main
from antiphon.transports import caller
from antiphon.transports.tasks import background
from tests.cli.bad_proxy import bad_proxy
from tests.processes import Server, run_antiphon
from tests.transports.serving import serving, tls_contexts

TARGET = """
from antiphon import Stream, echo

stream = Stream(echo, concurrency_limit=7, connecting_limit=3)
"""


async def look(
    url: str, *, tls: ssl.SSLContext | None = None, timeout: float = 10, **headers: str
) -> dict[str, Finding]:
    """The findings by their check, of which a server has one each."""
    place = Place(base=urlsplit(url), headers=headers, tls=tls, timeout=timeout)
    return {finding.check: finding async for finding in look_at_server(place)}


def verdicts(found: dict[str, Finding]) -> dict[str, str]:
    return {check: finding.verdict for check, finding in found.items()}


def test_this_machine_is_looked_at_for_a_target(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(TARGET)
    done = run_antiphon("doctor", "app:stream", "--port", "0", "--json", folder=tmp_path)
    found = json.loads(done.stdout)
    told = {finding["check"]: finding for finding in found}
    assert done.returncode == 0, done.stdout
    assert "for 7 calls" in told["open files"]["text"]
    assert told["a call to this machine"]["verdict"] == "ok"


def test_what_stands_in_the_way_is_told_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        missing = str(tmp_path / "no.pem")
        status = main(["doctor", "--port", port, "--tls-cert", missing, "--ice", "nonsense"])
    told = capsys.readouterr().out
    assert status == 1
    assert f"problem  127.0.0.1 port {port} is in use" in told
    assert f"problem  {missing} cannot be read" in told
    assert "problem  the URL of an ICE server reads stun:host:port" in told
    assert told.endswith("3 problems, 0 notes\n")


def test_a_target_that_cannot_be_loaded_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "nowhere:stream"]) == 1
    assert "problem  No module named 'nowhere' in " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("module", "text", "words"),
    [
        ("lost", "import nowhere_else", "ModuleNotFoundError: No module named 'nowhere_else'"),
        ("torn", "def stream(:", "SyntaxError: "),
        ("unlinked", "raise ImportError('libm.so.9')", "ImportError: libm.so.9"),
        ("raised", "raise RuntimeError('no database')", "RuntimeError: no database"),
    ],
)
def test_a_target_that_fails_by_itself_is_told_with_how_to_see_where(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    module: str,
    text: str,
    words: str,
) -> None:
    (tmp_path / f"{module}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", f"{module}:stream"]) == 1
    told = capsys.readouterr().out
    assert f"problem  {module}:stream cannot be loaded: {words}" in told
    assert f"`python -c 'import {module}'` in this folder tells where" in told


def test_damaged_weights_are_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "ge2e.npz").write_bytes(b"not weights")
    monkeypatch.setenv("ANTIPHON_DATA", str(tmp_path))
    assert main(["doctor"]) == 1
    assert "ge2e.npz is damaged" in capsys.readouterr().out


def test_a_key_alone_is_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--port", "0", "--tls-key", "key.pem"]) == 1
    assert "problem  --tls-key needs --tls-cert" in capsys.readouterr().out


def test_a_server_that_works_is_told(
    echo_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", echo_server.http]) == 0
    told = capsys.readouterr().out
    assert "ok       antiphon " in told
    assert told.count("a call came about; round trips of") == 3


@pytest.mark.parametrize("url", ["http://", "ftp://host", "http://host:99999", "http://h/ü"])
def test_a_url_of_no_server_is_told(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", url]) == 1
    assert "problem" in capsys.readouterr().out


async def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = await look(f"http://127.0.0.1:{port}")
    assert verdicts(found) == {"server": "problem"}
    assert "is a server running there?" in found["server"].text


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.9\r\n\r\n"])
async def test_what_speaks_no_http_is_told(greeting: bytes) -> None:
    async def greet(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(greeting)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, background() as tasks:
        tasks.start_soon(listener.serve, greet)
        found = await look(f"http://127.0.0.1:{port}")
    assert verdicts(found) == {"server": "problem"}
    assert "no answer in HTTP; does the server expect TLS" in found["server"].text


async def test_a_certificate_of_another_name_is_told_as_that() -> None:
    tls, trusting = tls_contexts()
    async with serving(Stream(echo), host="127.0.0.2", tls=tls) as port:
        found = await look(f"https://127.0.0.2:{port}", tls=trusting)
    assert "the certificate is for another name" in found["server"].text
    assert "--ca" not in found["server"].text


def test_authorities_that_cannot_be_read_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "no.pem")
    assert main(["doctor", "https://127.0.0.1:1", "--ca", missing]) == 1
    told = capsys.readouterr().out
    assert f"problem  {missing}: no certificates can be read" in told
    assert "--ca takes the certificates of authorities as PEM" in told


async def test_a_server_of_another_kind_is_told() -> None:
    async with serving(Stream(echo)) as port:
        found = await look(f"http://127.0.0.1:{port}/voice")
    assert verdicts(found) == {"server": "problem"}
    assert "answers 404, but it is no antiphon" in found["server"].text
    assert "mounted" in found["server"].advice


async def test_a_proxy_in_the_way_is_told_for_each_transport(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caller, "HANG_UP", 0.1)  # an event stream that is silent says no goodbye
    async with serving(Stream(echo)) as port, bad_proxy(port) as proxy:
        found = await look(f"http://127.0.0.1:{proxy}", timeout=1.5)
    assert verdicts(found) == {
        "server": "ok",
        "microphone": "ok",
        "WebSocket": "problem",
        "HTTP and server-sent events": "problem",
        "WebRTC": "ok",
    }
    assert "Upgrade" in found["WebSocket"].advice
    assert "no buffering" in found["HTTP and server-sent events"].advice


async def test_who_is_not_let_in_is_told_how_to_prove_themselves() -> None:
    def authorize(request: object) -> str | None:
        headers = getattr(request, "headers", {})
        return "me" if headers.get("authorization") == "Bearer secret" else None

    stream = Stream(echo, authorize=authorize)
    async with serving(stream) as port:
        refused = await look(f"http://127.0.0.1:{port}")
        let_in = await look(f"http://127.0.0.1:{port}", Authorization="Bearer secret")
    assert refused["WebSocket"].verdict == "problem"
    assert "--header" in refused["WebRTC"].advice
    assert set(verdicts(let_in).values()) == {"ok"}


async def test_a_stream_of_pictures_is_called_over_webrtc_alone() -> None:
    async with serving(Stream(echo, modality="video")) as port:
        found = await look(f"http://127.0.0.1:{port}")
    assert found["WebSocket"].verdict == "skipped"
    assert found["WebRTC"].verdict == "ok"


async def test_a_handler_that_ends_its_calls_is_well() -> None:
    async def at_once(call: Call) -> None:
        await call.log("hello")

    async with serving(Stream(at_once)) as port:
        found = await look(f"http://127.0.0.1:{port}")
    assert found["WebSocket"].verdict == "ok", found["WebSocket"]


async def test_a_server_without_room_is_a_note() -> None:
    async def hold(call: Call) -> None:
        await anyio.sleep_forever()

    stream = Stream(hold, concurrency_limit=1)
    async with serving(stream) as port, connect(f"ws://127.0.0.1:{port}/websocket/offer"):
        found = await look(f"http://127.0.0.1:{port}")
    assert found["WebSocket"].verdict == "note"


async def test_the_certificate_of_a_server_is_told() -> None:
    server, client = tls_contexts()
    async with serving(Stream(echo), tls=server) as port:
        trusted = await look(f"https://localhost:{port}", tls=client)
        stranger = ssl.create_default_context()
        trustme.CA().configure_trust(stranger)
        doubted = await look(f"https://localhost:{port}", tls=stranger)
    assert trusted["TLS"].verdict == "ok"
    assert "is good for" in trusted["TLS"].text
    assert verdicts(doubted) == {"server": "problem"}
    assert "is not trusted" in doubted["server"].text
