"""Credentials for TURN servers, against a provider of our own on loopback."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import msgspec
import pytest

from antiphon.core.errors import ConfigurationError
from antiphon.core.ice_servers import read_configuration
from antiphon.transports.ice_config import resolve_configuration
from antiphon.transports.turn import cloudflare_turn, rest_turn, turn_credentials, twilio_turn

pytestmark = pytest.mark.anyio

TURN = {"urls": ["turn:turn.example:3478"], "username": "u", "credential": "c"}
VARIABLES = (
    "CLOUDFLARE_TURN_KEY_ID",
    "CLOUDFLARE_TURN_KEY_API_TOKEN",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
)


def test_credentials_are_those_that_coturn_computes() -> None:
    # openssl: printf %s 1700003600:ann | openssl dgst -sha1 -hmac north -binary | base64
    username, credential = turn_credentials("north", user="ann", ttl=3600, now=1_700_000_000.9)
    assert username == "1700003600:ann"
    assert credential == "TwqKCcbzejRFa1sgGqGS7SEzCGg="
    assert turn_credentials(b"north", user="ann", now=1_700_000_000) == (username, credential)


def test_a_user_is_not_needed() -> None:
    username, credential = turn_credentials("north", ttl=60, now=0)
    assert username == "60"
    assert base64.b64decode(credential) == hmac.digest(b"north", b"60", hashlib.sha1)


@pytest.mark.parametrize("ttl", [0, -1, 48 * 3600 + 1])
def test_a_time_of_no_sense_is_refused(ttl: int) -> None:
    with pytest.raises(ValueError, match="ttl is 1 to 172800 seconds"):
        turn_credentials("north", ttl=ttl, now=0)
    with pytest.raises(ValueError, match="ttl is 1 to 172800 seconds"):
        cloudflare_turn("k", "t", ttl=ttl)


def test_every_call_has_credentials_of_its_own() -> None:
    now = iter([0.0, 100.0, 200.0])
    make = rest_turn(["turn:a.example", "turns:a.example"], "north", clock=lambda: next(now))
    first, second = make(), make()
    assert [first["iceServers"][0]["username"], second["iceServers"][0]["username"]] == [
        "3700",
        "3800",
    ]
    read = read_configuration(first)
    assert read.servers[0].urls == ("turn:a.example", "turns:a.example")


@pytest.mark.parametrize(("url", "secret"), [("turn:a b", "x"), ("http://a", "x"), ("turn:a", "")])
def test_a_wrong_url_or_no_secret_is_told_at_once(url: str, secret: str) -> None:
    with pytest.raises(ValueError):
        rest_turn(url, secret)


class Provider(ThreadingHTTPServer):
    """Answers as told, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 201
        self.answer = msgspec.json.encode({"iceServers": [TURN], "ice_servers": [TURN]})
        self.location = ""
        self.silent = False
        self.held: threading.Event | None = None
        self.reached = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        provider = self.server
        assert isinstance(provider, Provider)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        provider.asked.append((self.path, dict(self.headers), body))
        provider.reached.set()
        if provider.held is not None:
            provider.held.wait(10)
        if provider.silent:
            self.close_connection = True
            return
        try:
            self.send_response(provider.status)
            if provider.location:
                self.send_header("Location", provider.location)
            self.end_headers()
            self.wfile.write(provider.answer)
        except OSError:  # the client has given up
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Keep stderr clean."""


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        if server.held is not None:
            server.held.set()
        server.shutdown()
        thread.join()


Made = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture(params=["cloudflare", "twilio"])
def make(request: pytest.FixtureRequest, provider: Provider) -> Callable[..., Made]:
    """Either provider's function, asking the stand-in."""
    function = {"cloudflare": cloudflare_turn, "twilio": twilio_turn}[request.param]

    def made(**options: Any) -> Made:
        return function("some/id", "hush-hush", base_url=provider.url, **options)

    return made


async def test_cloudflare_is_asked_as_it_wants(provider: Provider) -> None:
    made = cloudflare_turn("some/id", "hush", ttl=600, base_url=provider.url + "/")
    configuration = await made()
    assert read_configuration(configuration).servers[0].urls == ("turn:turn.example:3478",)
    ((path, headers, body),) = provider.asked
    assert path == "/v1/turn/keys/some%2Fid/credentials/generate-ice-servers"
    assert headers["Authorization"] == "Bearer hush"
    assert headers["Content-Type"] == "application/json"
    assert msgspec.json.decode(body) == {"ttl": 600}


async def test_twilio_is_asked_as_it_wants(provider: Provider) -> None:
    servers = [
        {"url": "stun:a.example:3478", "urls": "stun:a.example:3478"},
        {**TURN, "url": "turn:turn.example:3478"},
    ]
    provider.answer = msgspec.json.encode({"ice_servers": servers, "ttl": "600", "password": "c"})
    configuration = await twilio_turn("AC1", "hush", ttl=600, base_url=provider.url)()
    assert [server["urls"] for server in configuration["iceServers"]] == [
        ["stun:a.example:3478"],
        ["turn:turn.example:3478"],
    ]
    ((path, headers, body),) = provider.asked
    assert path == "/2010-04-01/Accounts/AC1/Tokens.json"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"AC1:hush").decode()
    assert body == b"Ttl=600"


async def test_the_environment_says_what_is_not_given(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, f" {name.lower()}\n")
    await cloudflare_turn(base_url=provider.url)()
    await twilio_turn(base_url=provider.url)()
    (path, headers, _), (other_path, _, _) = provider.asked
    assert "/cloudflare_turn_key_id/" in path
    assert headers["Authorization"] == "Bearer cloudflare_turn_key_api_token"
    assert "/twilio_account_sid/" in other_path


async def test_what_is_missing_is_told_when_the_function_is_made(provider: Provider) -> None:
    with pytest.raises(ValueError, match="CLOUDFLARE_TURN_KEY_ID"):
        cloudflare_turn()
    with pytest.raises(ValueError, match="CLOUDFLARE_TURN_KEY_API_TOKEN"):
        cloudflare_turn("k")
    with pytest.raises(ValueError, match="TWILIO_ACCOUNT_SID"):
        twilio_turn()
    with pytest.raises(ValueError, match="TWILIO_AUTH_TOKEN"):
        twilio_turn("k")


@pytest.mark.parametrize("secret", ["hush\r\nX: y", "hush hush", "hüsh"])
def test_a_secret_that_is_none_is_not_shown(secret: str) -> None:
    with pytest.raises(ValueError, match="CLOUDFLARE_TURN_KEY_API_TOKEN") as caught:
        cloudflare_turn("k", secret)
    assert "sh" not in str(caught.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.example", "a.example", "https://"])
def test_a_provider_is_asked_over_http_only(url: str) -> None:
    with pytest.raises(ValueError, match="base_url reads https://host"):
        twilio_turn("k", "t", base_url=url)


async def test_an_answer_is_given_out_again_until_half_its_time_is_over(
    provider: Provider, make: Callable[..., Made]
) -> None:
    now = 1000.0
    made = make(ttl=600, clock=lambda: now)
    first = await made()
    first["iceServers"].clear()
    now = 1299.0
    assert len((await made())["iceServers"]) == 1
    assert len(provider.asked) == 1
    now = 1300.0
    await made()
    assert len(provider.asked) == 2


async def test_callers_who_come_together_cost_one_request(
    provider: Provider, make: Callable[..., Made]
) -> None:
    provider.held = threading.Event()
    made = make()
    answers: list[dict[str, Any]] = []

    async def ask() -> None:
        answers.append(await made())

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask)
        assert await anyio.to_thread.run_sync(provider.reached.wait, 10)
        provider.held.set()
    assert len(answers) == 5
    assert len(provider.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_a_refusal_is_told_without_the_secret(
    provider: Provider, make: Callable[..., Made], status: int
) -> None:
    provider.status = status
    provider.answer = b'{"error": "hush-hush is wrong"}'
    made = make()
    with pytest.raises(ConfigurationError, match=rf"127.0.0.1:\d+ answered {status}$") as caught:
        await made()
    assert "hush" not in repr(caught.value)
    assert caught.value.__suppress_context__
    provider.status = 201
    provider.answer = msgspec.json.encode({"iceServers": [TURN], "ice_servers": [TURN]})
    assert (await made())["iceServers"]


async def test_a_redirect_is_not_followed(provider: Provider, make: Callable[..., Made]) -> None:
    provider.status = 307
    provider.location = f"{provider.url}/elsewhere"
    with pytest.raises(ConfigurationError, match="answered 307"):
        await make()()
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"iceServers": null, "ice_servers": 5}',
        b'{"iceServers": [{"urls": "x"}], "ice_servers": [{"urls": "x"}]}',
        b"[" * 60_000,
        b'{"a": ' * 10_000,
    ],
)
async def test_garbage_is_told(
    provider: Provider, make: Callable[..., Made], answer: bytes
) -> None:
    provider.answer = answer
    with pytest.raises(ConfigurationError, match="holds no ICE servers"):
        await make()()


async def test_an_answer_that_is_too_long_is_not_read_to_its_end(
    provider: Provider, make: Callable[..., Made]
) -> None:
    provider.answer = b" " * 1_000_000
    with pytest.raises(ConfigurationError, match="too much or too slowly"):
        await make()()


async def test_a_provider_that_does_not_answer_is_given_up(
    provider: Provider, make: Callable[..., Made]
) -> None:
    provider.held = threading.Event()
    with pytest.raises(ConfigurationError, match=r"did not answer within 0\.05 s"):
        await make(timeout=0.05)()


async def test_a_provider_that_hangs_up_is_told(
    provider: Provider, make: Callable[..., Made]
) -> None:
    provider.silent = True
    with pytest.raises(ConfigurationError, match="broke off: RemoteDisconnected"):
        await make()()


async def test_a_provider_that_is_not_there_is_told(
    provider: Provider, make: Callable[..., Made]
) -> None:
    made = make()
    provider.server_close()
    with pytest.raises(ConfigurationError, match=r"could not be asked|broke off"):
        await made()


async def test_the_functions_are_configurations(
    provider: Provider, make: Callable[..., Made]
) -> None:
    for source in (make(), rest_turn("turn:a.example", "north")):
        configuration = await resolve_configuration(source)
        assert configuration is not None
        assert configuration.servers[0].relays
