"""ASGI scopes as requests."""

from collections.abc import AsyncIterator

import pytest

from antiphon.transports.asgi_scope import encode_headers, locate, request_of
from antiphon.transports.requests import Response


@pytest.mark.parametrize(
    ("scope", "located"),
    [
        ({"path": "/health"}, ("", "/health")),
        ({"path": "/voice/health", "root_path": "/voice"}, ("/voice", "/health")),
        ({"path": "/voice", "root_path": "/voice"}, ("/voice", "")),
        ({"path": "/voice/", "root_path": "/voice/"}, ("/voice", "/")),
        # A proxy that strips what the server is mounted at.
        ({"path": "/health", "root_path": "/api"}, ("/api", "/health")),
        ({"path": "/apiary", "root_path": "/api"}, ("/api", "/apiary")),
        # The same, and a framework that mounts us below it.
        (
            {"path": "/voice/health", "root_path": "/api/voice", "app_root_path": "/api"},
            ("/api/voice", "/health"),
        ),
        (
            {"path": "/api/voice/health", "root_path": "/api/voice", "app_root_path": "/api"},
            ("/api/voice", "/health"),
        ),
    ],
)
def test_the_path_is_the_part_below_the_mount(
    scope: dict[str, str], located: tuple[str, str]
) -> None:
    assert locate(scope) == located


async def _no_body() -> AsyncIterator[bytes]:
    for chunk in list[bytes]():
        yield chunk


def test_a_scope_becomes_a_request() -> None:
    request = request_of(
        {
            "method": "PUT",
            "path": "/ä",
            "query_string": b"a=1&a=2&b=%C3%A4",
            "headers": [(b"X-Twice", b"one"), (b"x-twice", b"two"), (b"x-latin", b"\xe4")],
            "client": ["::1", 4711],
        },
        _no_body(),
    )
    assert (request.method, request.path, request.peer) == ("PUT", "/ä", "::1:4711")
    assert request.query == {"a": "2", "b": "ä"}
    assert request.headers == {"x-twice": "one, two", "x-latin": "ä"}


def test_a_client_without_address_is_local() -> None:
    assert request_of({"path": "/", "client": None}, _no_body()).peer == "local"


def test_a_response_without_content_has_no_length() -> None:
    assert encode_headers(Response(status=204)) == []
