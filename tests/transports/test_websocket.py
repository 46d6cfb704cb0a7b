"""Raw WebSockets on our own server, frame by frame. Sections are of RFC 6455."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import pytest
import websockets.asyncio.client
from websockets.exceptions import ConnectionClosed

from antiphon import Call, Stream, echo
from antiphon.core.wire import Kind, Role, close_payload, parse_close
from antiphon.transports import websocket
from antiphon.transports.engines import make_engine
from tests.transports.frame_cases import Frame, encode
from tests.transports.serving import (
    RawClient,
    WatchedDirectory,
    cancelled_on_exit,
    either_loop,
    errors_in,
    listener,
    raw,
    serving,
    start,
    tls_contexts,
)

anyio_backend = either_loop

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A


def request(path: str = "/websocket/offer", **changes: str) -> bytes:
    headers = {
        "Host": "x",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    method = headers.pop("method", "GET")
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def masked(first: int, payload: bytes = b"") -> bytes:
    return encode(Frame(first, payload), Role.SERVER)


def closing(code: int, reason: str = "") -> bytes:
    return masked(CLOSE, close_payload(code, reason))


class Socket:
    """The client's end, frame by frame."""

    def __init__(self, client: RawClient) -> None:
        self.client = client
        self._engine = make_engine("wsproto", Role.CLIENT, 1 << 24)
        self._received: list[tuple[Kind, bytes]] = []

    async def send(self, *frames: bytes) -> None:
        await self.client.send(b"".join(frames))

    async def receive(self) -> tuple[Kind, bytes]:
        """The next message or control frame. Raises EndOfStream."""
        while not self._received:
            self._received += self._engine.receive(await self.client.some())
        return self._received.pop(0)

    async def json(self) -> Any:
        kind, payload = await self.receive()
        assert kind is Kind.TEXT, (kind, payload)
        return json.loads(payload)

    async def closed(self) -> tuple[int, str]:
        """Skip what comes before the close; its code and reason."""
        while True:
            kind, payload = await self.receive()
            if kind is Kind.CLOSE:
                return parse_close(payload)


@asynccontextmanager
async def opened(port: int, *behind: bytes, **changes: str) -> AsyncGenerator[Socket]:
    """A WebSocket; `behind` is sent right behind the handshake, in the same write."""
    async with raw(port) as client:
        await client.send(request(**changes) + b"".join(behind))
        head = await client.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        yield Socket(client)


@asynccontextmanager
async def narrow(port: int) -> AsyncGenerator[RawClient]:
    """A connection with little room on the client's side of the kernel."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    async with await anyio.abc.SocketStream.from_socket(sock) as stream:
        yield RawClient(stream)


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"Sec_WebSocket_Version": "8"}, 426, "upgrade_required"),
        ({"Sec_WebSocket_Key": "short"}, 426, "upgrade_required"),
        ({"Sec_WebSocket_Key": "\xe9" * 24}, 426, "upgrade_required"),
        ({"method": "POST"}, 426, "upgrade_required"),
        ({"path": "/none"}, 404, "not_found"),
        ({"path": "/http/offer"}, 404, "not_found"),
        ({"Origin": "https://evil"}, 403, "forbidden_origin"),
        ({"Origin": "http://["}, 403, "forbidden_origin"),
        ({"Upgrade": "h2c"}, 426, "upgrade_required"),
    ],
)
async def test_an_upgrade_that_is_none_is_refused(
    changes: dict[str, str], status: int, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Sections 4.2.1 and 4.4; what came behind the request does not hide the answer."""
    async with serving(Stream(echo)) as port, raw(port) as client:
        await client.send(request(**changes) + masked(TEXT, start()) * 1000)
        answered, headers, body = await client.response()
        assert (answered, json.loads(body)["meta"]["error"]) == (status, error)
        if status == 426:
            assert headers["upgrade"] == "websocket"
    assert errors_in(caplog) == []


async def raise_later(_: Any) -> None:
    raise PermissionError("no")


def fail(_: Any) -> None:
    raise ZeroDivisionError


async def fail_later(_: Any) -> None:
    raise ZeroDivisionError


async def none_later(_: Any) -> None:
    return None


def refuse(_: Any) -> bool:
    return False


@pytest.mark.parametrize(
    ("authorize", "status"),
    [(refuse, 401), (none_later, 401), (raise_later, 401), (fail, 500), (fail_later, 500)],
)
async def test_authorize_decides_before_the_upgrade(authorize: Any, status: int) -> None:
    async with serving(Stream(echo, authorize=authorize)) as port, raw(port) as client:
        await client.send(request())
        assert (await client.response())[0] == status


async def test_a_connection_over_the_limit_of_those_that_connect_is_refused() -> None:
    stream = Stream(listener, connecting_limit=2)
    async with serving(stream) as port:
        async with opened(port) as first, opened(port), raw(port) as third:
            await third.send(request())
            status, headers, body = await third.response()
            assert (status, headers["retry-after"]) == (429, "1")
            assert json.loads(body)["meta"]["limit"] == 2
            await first.send(closing(1000))
            assert await first.closed() == (1000, "")
        async with opened(port) as again:
            await again.send(masked(TEXT, b'{"event":"ping"}'))
            assert await again.json() == {"event": "pong"}


@pytest.mark.parametrize("slow", [False, True])
async def test_what_comes_right_behind_the_handshake_is_not_lost(slow: bool) -> None:
    async def authorize(_: Any) -> str:
        await anyio.lowlevel.checkpoint()
        return "x"

    stream = Stream(echo, authorize=authorize if slow else None)
    sound = masked(BINARY, b"\xff" * 240)
    async with serving(stream) as port, opened(port, masked(TEXT, start()), sound, sound) as peer:
        assert await peer.receive() == (Kind.BINARY, b"\xff" * 240)
        assert await peer.receive() == (Kind.BINARY, b"\xff" * 240)


@pytest.mark.parametrize("ending", ["half-closed", "reset"])
async def test_a_client_that_leaves_during_its_upgrade_leaves_no_call(ending: str) -> None:
    directory = WatchedDirectory()
    entered, leave = anyio.Event(), anyio.Event()

    async def authorize(_: Any) -> str:
        entered.set()
        await leave.wait()
        return "x"

    async with serving(Stream(listener, authorize=authorize, directory=directory)) as port:
        async with raw(port) as client:
            await client.send(request() + masked(TEXT, start()))
            await entered.wait()
            if ending == "half-closed":
                await client.stream.send_eof()
                await anyio.wait_all_tasks_blocked()
                leave.set()
                assert b"101" not in await client.rest()
        await anyio.wait_all_tasks_blocked()
        leave.set()
    assert directory.claimed == {}


async def test_no_start_in_time_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Stream(echo, start_timeout=0.05)) as port, opened(port) as peer:
        told = await peer.json()
        assert told["type"] == "error"
        assert (await peer.closed())[0] == 1008
        await peer.send(closing(1008))
        assert await peer.client.rest() == b""
    assert errors_in(caplog) == []


@pytest.mark.parametrize(
    ("sent", "answered"), [(1000, 1000), (1001, 1001), (4999, 4999), (1005, 1000)]
)
async def test_the_clients_goodbye_is_answered_with_its_code(sent: int, answered: int) -> None:
    """Section 5.5.1. The server closes the connection first (section 7.1.1)."""
    directory = WatchedDirectory()
    async with serving(Stream(listener, directory=directory)) as port:
        async with opened(port, masked(TEXT, start())) as peer:
            await directory.until(1)
            await peer.send(masked(CLOSE) if sent == 1005 else closing(sent, "bye"))
            assert (await peer.closed())[0] == answered
            assert await peer.client.rest() == b""
        await directory.until(0)


async def test_the_servers_goodbye_waits_for_its_answer() -> None:
    stream = Stream(cancelled_on_exit)
    async with (
        serving(stream) as port,
        opened(port, masked(TEXT, start(media_format=MULAW))) as peer,
    ):
        assert (await peer.json())["event"] == "started"
        stream.hang_up("a", "enough")
        assert await peer.json() == {"type": "end_stream", "data": "enough"}
        assert await peer.receive() == (Kind.CLOSE, close_payload(1000, "enough"))
        await peer.send(closing(1000))
        assert await peer.client.rest() == b""


MULAW = {"encoding": "audio/x-mulaw", "sample_rate": 8000}


async def test_a_goodbye_that_is_not_answered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT", 0.05)
    stream = Stream(cancelled_on_exit)
    async with (
        serving(stream) as port,
        opened(port, masked(TEXT, start(media_format=MULAW))) as peer,
    ):
        await peer.json()
        stream.hang_up("a")
        assert await peer.closed() == (1000, "the server hung up")
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await peer.receive()


async def test_a_message_and_a_goodbye_in_one_read_are_both_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What the message is answered with comes too late; the goodbye is answered all the same."""
    async with serving(Stream(listener)) as port, opened(port) as peer:
        await peer.send(masked(TEXT, b'{"event":"ping"}'), closing(1000))
        assert (await peer.closed())[0] == 1000
        assert await peer.client.rest() == b""
    assert errors_in(caplog) == []


async def test_a_stop_and_a_goodbye_in_one_read_end_the_call() -> None:
    async with serving(Stream(listener)) as port, opened(port, masked(TEXT, start())) as peer:
        await peer.send(masked(TEXT, b'{"event":"stop"}'), closing(1000))
        assert (await peer.closed())[0] == 1000
        assert await peer.client.rest() == b""


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (masked(TEXT, b"\xff"), 1007),
        (masked(TEXT, b"{"), 1007),
        (masked(TEXT, b'{"event":"media","media":{"payload":""}}'), 1002),
        (encode(Frame(TEXT, b"{}", wrong_mask=True), Role.SERVER), 1002),
        (masked(0xF1, b"{}"), 1002),
        (masked(PING, b"x" * 126), 1002),
    ],
)
async def test_what_breaks_the_protocol_is_told_and_then_closed(frames: bytes, code: int) -> None:
    async with serving(Stream(listener)) as port, opened(port, frames) as peer:
        told = await peer.json()
        assert told["type"] == "error"
        assert told["data"] == told["message"]
        assert (await peer.closed())[0] == code
        await peer.send(closing(code))
        assert await peer.client.rest() == b""


async def test_an_oversize_message_is_told_while_the_client_still_sends() -> None:
    """Refused from its header; closing with the rest unread would take the answer back."""
    message = masked(TEXT, b"x" * 3_000_000)
    async with serving(Stream(listener, max_message=2048)) as port, opened(port) as peer:
        await peer.client.send(*[message[at : at + 50_000] for at in range(0, 3_000_000, 50_000)])
        assert (await peer.json())["type"] == "error"
        assert (await peer.closed())[0] == 1009
        assert await peer.client.rest() == b""


async def test_an_oversize_message_is_told_over_tls() -> None:
    server, trusting = tls_contexts()
    async with serving(Stream(listener, max_message=2048), tls=server) as port:
        uri = f"wss://localhost:{port}/websocket/offer"
        async with websockets.asyncio.client.connect(uri, ssl=trusting) as peer:
            await peer.send("x" * 100_000)
            assert json.loads(await peer.recv())["type"] == "error"
            with pytest.raises(ConnectionClosed) as closed:
                await peer.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_a_reset_ends_the_call(caplog: pytest.LogCaptureFixture) -> None:
    directory = WatchedDirectory()
    async with serving(Stream(echo, directory=directory)) as port:
        async with opened(port, masked(TEXT, start())) as peer:
            await directory.until(1)
            peer.client.stream.extra(anyio.abc.SocketAttribute.raw_socket).setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        await directory.until(0)
    assert directory.released == {"a": 1}
    assert errors_in(caplog) == []


async def test_a_half_closed_client_has_left() -> None:
    directory = WatchedDirectory()
    async with (
        serving(Stream(listener, directory=directory)) as port,
        opened(port, masked(TEXT, start())) as peer,
    ):
        await directory.until(1)
        await peer.client.stream.send_eof()
        await directory.until(0)
        assert await peer.client.rest() == b""


async def test_a_ping_is_answered_with_its_payload() -> None:
    """Section 5.5.3."""
    async with serving(Stream(listener)) as port, opened(port, masked(PING, b"x" * 125)) as peer:
        assert await peer.receive() == (Kind.PONG, b"x" * 125)


async def test_a_client_that_answers_no_ping_is_closed_with_1011() -> None:
    directory = WatchedDirectory()
    stream = Stream(listener, ping_interval=0.05, ping_timeout=0.05, directory=directory)
    async with serving(stream) as port, opened(port, masked(TEXT, start())) as peer:
        assert await peer.receive() == (Kind.PING, b"")
        assert (await peer.closed())[0] == 1011
        await directory.until(0)


async def test_a_client_that_answers_pings_stays() -> None:
    stream = Stream(listener, ping_interval=0.03, ping_timeout=0.4)
    async with serving(stream) as port, opened(port, masked(TEXT, start())) as peer:
        for _ in range(3):
            assert await peer.receive() == (Kind.PING, b"")
            await peer.send(masked(PONG))
        assert len(stream.calls) == 1


async def test_a_client_that_floods_pings_without_reading_is_cut_off() -> None:
    directory = WatchedDirectory()
    async with serving(Stream(listener, directory=directory)) as port:
        async with narrow(port) as client:
            await client.send(request() + masked(TEXT, start()))
            await directory.until(1)
            with pytest.raises(anyio.BrokenResourceError):
                await client.send(*[masked(PING, b"x" * 125) * 500] * 2_000)
        await directory.until(0)


async def test_a_client_that_does_not_read_makes_its_handler_wait_and_no_other() -> None:
    waiting, handled = anyio.Event(), 0

    async def speak(call: Call) -> None:
        nonlocal handled
        if call.id == "fast":
            await echo(call)
            return
        async with anyio.create_task_group() as tasks:
            for _ in range(1_000_000):
                with anyio.move_on_after(1) as scope:
                    await call.send("x" * 10_000)
                    handled += 1
                    await anyio.lowlevel.checkpoint()
                if scope.cancelled_caught:
                    waiting.set()
                    await anyio.sleep_forever()
            tasks.cancel_scope.cancel()

    directory = WatchedDirectory()
    async with serving(Stream(speak, directory=directory)) as port:
        async with narrow(port) as slow:
            await slow.send(request() + masked(TEXT, start("slow")))
            await slow.until(b"\r\n\r\n")
            await directory.until(1)
            async with opened(port, masked(TEXT, start("fast"))) as fast:
                for _ in range(10):
                    await fast.send(masked(BINARY, b"\xff" * 480))
                    assert await fast.receive() == (Kind.BINARY, b"\xff" * 480)
            await waiting.wait()
            assert handled * 10_000 < 8_000_000  # what waits: two sockets' buffers and 64 KiB
        await directory.until(0)


async def test_a_client_that_reads_again_gets_all_that_waited() -> None:
    async def speak(call: Call) -> None:
        for number in range(1_000):
            await call.send([number, "x" * 10_000])

    directory = WatchedDirectory()
    async with serving(Stream(speak, directory=directory)) as port, narrow(port) as client:
        await client.send(request() + masked(TEXT, start()))
        await client.until(b"\r\n\r\n")
        await directory.until(1)
        await anyio.wait_all_tasks_blocked()
        peer = Socket(client)
        heard = [(await peer.json())["data"] for _ in range(1_001)]
    assert [item[0] for item in heard[:-1]] == list(range(1_000))
    assert heard[-1] == "the call has ended"


async def test_many_calls_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    """Tasks, timers of the loop, entries, file descriptors: as many after as before."""
    directory = WatchedDirectory()
    stream = Stream(echo, directory=directory, concurrency_limit=None)

    async def call_once(port: int, number: int) -> None:
        async with opened(port, masked(TEXT, start(f"c{number}"))) as peer:
            await peer.send(masked(BINARY, b"\xff" * 240))
            assert await peer.receive() == (Kind.BINARY, b"\xff" * 240)
            if number % 3 == 0:
                await peer.send(closing(1000))
                await peer.closed()
                await peer.client.rest()
            elif number % 3 == 1:
                await peer.send(masked(TEXT, b'{"event":"stop"}'))
                assert await peer.closed() == (1000, "")

    async with serving(stream) as port:
        await call_once(port, 200)  # a loop opens files of its own at its first connection
        await directory.until(0)
    tasks_before, files_before = len(asyncio.all_tasks()), open_files()
    async with serving(stream) as port:
        async with raw(port):
            pass
        for round_ in range(10):
            async with anyio.create_task_group() as tasks:
                for number in range(20):
                    tasks.start_soon(call_once, port, round_ * 20 + number)
        await directory.until(0)
    assert (len(asyncio.all_tasks()), open_files()) == (tasks_before, files_before)
    assert directory.claimed == directory.released
    assert sum(directory.released.values()) == 201
    assert errors_in(caplog) == []


def open_files() -> int:
    """File descriptors of this process, where the system tells; the loop's own among them."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.mark.parametrize("engine", ["wsproto", "websockets"])
async def test_calls_run_over_tls(engine: str, caplog: pytest.LogCaptureFixture) -> None:
    server, trusting = tls_contexts()
    async with serving(Stream(echo), tls=server, engine=engine) as port:
        uri = f"wss://localhost:{port}/websocket/offer"
        for _ in range(2):
            async with websockets.asyncio.client.connect(uri, ssl=trusting) as peer:
                await peer.send(start().decode())
                await peer.send(b"\xff" * 240)
                assert await peer.recv() == b"\xff" * 240
    assert errors_in(caplog) == []
