"""Requests and responses as records."""

from collections.abc import AsyncGenerator

import pytest

from antiphon.core.signaling import REFUSALS, Refusal
from antiphon.transports.requests import Request, json_response, refusal_response, split_target


async def no_body() -> AsyncGenerator[bytes]:
    yield b""


def request(query: dict[str, str], headers: dict[str, str]) -> Request:
    return Request(method="GET", path="/", query=query, headers=headers, peer="x", body=no_body())


@pytest.mark.parametrize(
    ("query", "authorization", "token"),
    [
        ({}, None, ""),
        ({"token": "q"}, None, "q"),
        ({}, "Bearer h", "h"),
        ({"token": "q"}, "bearer  h ", "h"),
        ({"token": "q"}, "Bearer", ""),
        ({"token": "q"}, "Basic eDp5", "q"),
    ],
)
def test_the_header_proves_before_the_query(
    query: dict[str, str], authorization: str | None, token: str
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    assert request(query, headers).bearer == token


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a", "/a", {}),
        ("/a%2Fb%20c?x=1&y=", "/a/b c", {"x": "1", "y": ""}),
        ("/a?x=1&x=2", "/a", {"x": "2"}),
        ("/a?x=%2B+%ff", "/a", {"x": "+ \ufffd"}),
        ("*", "*", {}),
        ("http://host:80/a?x=1", "/a", {"x": "1"}),
        ("http://host", "/", {}),
        ("/a?to=http://host/b", "/a", {"to": "http://host/b"}),
    ],
)
def test_a_target_is_a_path_and_its_query(target: str, path: str, query: dict[str, str]) -> None:
    assert split_target(target) == (path, query)


def test_a_query_has_at_most_64_fields() -> None:
    assert len(split_target("/?" + "&".join(f"a{n}=1" for n in range(64)))[1]) == 64
    with pytest.raises(ValueError):
        split_target("/?" + "&".join(f"a{n}=1" for n in range(65)))


@pytest.mark.parametrize("error", REFUSALS)
def test_a_refusal_reads_the_same_as_on_a_websocket(error: str) -> None:
    response = refusal_response(Refusal(error=error, limit=3))
    assert response.status == REFUSALS[error].status
    assert response.body == b'{"status":"failed","meta":{"error":"%b","limit":3}}' % error.encode()


@pytest.mark.parametrize(
    ("refusal", "header"),
    [
        (Refusal(error="shutting_down", retry_after=5), ("retry-after", "5")),
        (Refusal(error="unauthorized"), ("www-authenticate", "Bearer")),
        (Refusal(error="upgrade_required"), ("upgrade", "websocket")),
    ],
)
def test_a_status_brings_the_header_it_asks_for(refusal: Refusal, header: tuple[str, str]) -> None:
    """RFC 9110 sections 10.2.3, 11.6.1 and 15.5.22."""
    assert header in refusal_response(refusal, ("x", "y")).headers
    assert ("x", "y") in refusal_response(refusal, ("x", "y")).headers


def test_a_value_becomes_json() -> None:
    response = json_response(200, {"a": None}, ("x", "y"))
    assert (response.status, response.body) == (200, b'{"a":null}')
    assert response.headers == (("content-type", "application/json"), ("x", "y"))
