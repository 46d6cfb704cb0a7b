"""docs/deployment.md, the files that it quotes, and the programs that these are for."""

import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from antiphon import Speech, Stream, echo
from antiphon.cli.diagnosis.remote import Place, look_at_server
from antiphon.cli.main import make_parser
from tests.transports.serving import serving, tls_contexts

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs" / "deployment.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
FILES = {path.name: path.read_text() for path in DEPLOY.iterdir()}
SERVICE = FILES["antiphon.service"]


def commands() -> list[list[str]]:
    """Every `antiphon ...` of the page and the files, as words without the program."""
    lines = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
    lines += re.findall(r"`(antiphon [a-z][^`\n]*)`", PAGE)
    (started,) = re.findall(r"^ExecStart=\S*/(antiphon .*)$", SERVICE, re.MULTILINE)
    (image,) = re.findall(r"^CMD (\[.*\])$", FILES["Dockerfile"], re.MULTILINE)
    found = [shlex.split(line, comments=True) for line in [*lines, started]]
    return [words[1:] for words in [*found, json.loads(image)] if words[:1] == ["antiphon"]]


def test_the_page_quotes_every_file_as_it_is() -> None:
    quoted = {text for _, text in BLOCKS}
    assert {name for name, text in FILES.items() if text not in quoted} == set()


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_is_one_that_the_program_takes(words: list[str]) -> None:
    assert callable(make_parser().parse_args(words).run)


def test_python_on_the_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURN_SECRET", "s3cret")
    for kind, text in BLOCKS:
        if kind == "python":
            names: dict[str, object] = {}
            exec(compile(text, "deployment.md", "exec"), names)
            assert isinstance(names["stream"], Stream)


def test_the_supervisor_waits_longer_than_the_server() -> None:
    (grace,) = {words[words.index("--grace") + 1] for words in commands() if "--grace" in words}
    (patience,) = re.findall(r"^TimeoutStopSec=(\d+)$", SERVICE, re.MULTILINE)
    assert int(patience) >= int(grace) + 15
    assert f"--stop-timeout {patience}" in PAGE


def test_the_proxy_lets_pass_what_the_server_takes() -> None:
    assert "client_max_body_size 16m;" in FILES["nginx.conf"]
    assert Speech().max_message == 16 * 1024 * 1024


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=15)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    return told


def needed(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = needed("systemd-analyze")
    unit = tmp_path / "antiphon.service"
    # It looks whether the program is there.
    unit.write_text(SERVICE.replace("/opt/voice/.venv/bin/antiphon", sys.executable))
    told = run(analyze, "verify", unit)
    assert "antiphon.service" not in told, told


@contextmanager
def program(*command: str | Path, port: int) -> Generator[None]:
    """A proxy, from when it listens until the end of the context."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    process.poll()
            assert process.returncode is None
            yield
        finally:
            process.terminate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def nginx(folder: Path, port: int, upstream: int) -> tuple[str | Path, ...]:
    """The command that serves the sample on a port, and the check of its files."""
    found = needed("nginx")
    made = trustme.CA()
    server = made.issue_cert("localhost")
    (folder / "fullchain.pem").write_bytes(b"".join(b.bytes() for b in server.cert_chain_pems))
    (folder / "privkey.pem").write_bytes(server.private_key_pem.bytes())
    made.cert_pem.write_to_path(str(folder / "ca.pem"))
    text = FILES["nginx.conf"].replace("/etc/letsencrypt/live/voice.example.org", str(folder))
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}")
    text = text.replace("server 127.0.0.1:8000", f"server 127.0.0.1:{upstream}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    whole = folder / "nginx.conf"
    whole.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off; {places}\n{text}}}\n"
    )
    command = (found, "-p", folder, "-e", "stderr", "-c", whole)
    run(*command, "-t")
    return command


def caddy(folder: Path, port: int, upstream: int) -> tuple[str | Path, ...]:
    """The same of Caddy, which makes the certificate by itself."""
    found = needed("caddy")
    own = f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system {folder}\n}}\n"
    text = FILES["Caddyfile"].replace("voice.example.org", f"https://localhost:{port}", 1)
    text = text.replace("{\n", "{\n\ttls internal\n", 1)
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    whole = folder / "Caddyfile"
    whole.write_text(own + text)
    options = ("--config", whole, "--adapter", "caddyfile")
    run(found, "validate", *options)
    return (found, "run", *options)


@pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])
async def test_calls_pass_through_the_proxy_of_the_sample(
    proxy: Callable[[Path, int, int], tuple[str | Path, ...]], tmp_path: Path
) -> None:
    port = free_port()
    _, client = tls_contexts()
    client.check_hostname = False
    client.verify_mode = 0  # type: ignore[assignment]
    async with serving(Stream(echo)) as upstream:
        command = proxy(tmp_path, port, upstream)
        with program(*command, port=port):
            place = Place(
                base=urlsplit(f"https://localhost:{port}"), headers={}, tls=client, timeout=5
            )
            found = {each.check: each async for each in look_at_server(place)}
    assert {each.verdict for each in found.values()} <= {"ok", "skipped"}, found
    assert set(found) >= {"WebSocket", "HTTP and server-sent events", "WebRTC"}
