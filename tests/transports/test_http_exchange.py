"""One HTTP exchange as a client."""

from typing import Any
from urllib.parse import urlsplit

import anyio
import h11
import pytest

from antiphon.transports.http_exchange import address, headers_of, opened
from tests.transports.calling import answering
from tests.transports.serving import RawClient, either_loop

anyio_backend = either_loop


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a", ("a", 80)),
        ("ws://a:81", ("a", 81)),
        ("https://a", ("a", 443)),
        ("wss://user:word@[::1]", ("::1", 443)),
    ],
)
def test_an_address_is_host_and_port(url: str, expected: tuple[str, int]) -> None:
    assert address(urlsplit(url)) == expected


def test_a_port_that_is_none_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        address(urlsplit("http://a:99999"))


async def ask(port: int, **headers: str) -> Any:
    async with opened(urlsplit(f"http://me@127.0.0.1:{port}/x"), None) as exchange:
        await exchange.request("POST", "/x", (("content-length", "2"), *headers.items()))
        await exchange.body(b"hi")
        await exchange.end()
        response = await exchange.response()
        return response.status_code, headers_of(response), await exchange.whole()


async def test_a_request_goes_out_and_its_answer_comes_back_in_pieces() -> None:
    """The name before the host is not sent on; answers of status 1xx are passed over."""
    asked: list[bytes] = []

    async def serve(client: RawClient) -> None:
        asked.append(await client.until(b"\r\n\r\nhi"))
        answer = (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nX-A: \xe9\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
        )
        for at in range(len(answer)):
            await client.send(answer[at : at + 1])
            await anyio.lowlevel.checkpoint()

    async with answering(serve) as port:
        status, headers, body = await ask(port)
    assert (status, headers["x-a"], body) == (200, "\xe9", b"abcd")
    assert asked[0].lower().startswith(b"post /x http/1.1\r\nhost: 127.0.0.1:%d\r\n" % port)


async def test_an_answer_over_1_mib_is_not_read_whole() -> None:
    async def serve(client: RawClient) -> None:
        await client.until(b"\r\n\r\nhi")
        await client.send(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 100_000] * 20)

    async with answering(serve) as port:
        with pytest.raises(ValueError, match="larger than 1048576 bytes"):
            await ask(port)


async def test_a_connection_that_ends_before_the_answer_is_told() -> None:
    async def serve(client: RawClient) -> None:
        await client.until(b"\r\n\r\nhi")
        await client.send(b"HTTP/1.1 200 OK\r\nContent-Le")

    async with answering(serve) as port:
        with pytest.raises(h11.RemoteProtocolError):
            await ask(port)
