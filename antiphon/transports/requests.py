"""HTTP requests and responses, whatever server carries them."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from ..core.signaling import Refusal

__all__ = (
    "BODY_TIMEOUT",
    "Denied",
    "Request",
    "Response",
    "deny",
    "json_response",
    "no_body",
    "not_upgraded",
    "parse_query",
    "refusal_response",
    "split_target",
)

BODY_TIMEOUT = 60.0  # seconds between two pieces of a body; a live upload sends every few ms


class Request(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One HTTP request, or the request that asks for a WebSocket. What `authorize` is given."""

    method: str
    path: str
    """Below the mount path, percent-decoded: `/websocket/offer`."""
    root_path: str = ""
    """The mount path: "" or `/voice`."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case; the values of a repeated one are joined by commas."""
    peer: str
    """Address and port of the client, as the server sees it."""
    body: AsyncIterator[bytes]

    @property
    def bearer(self) -> str:
        """The token of `Authorization: Bearer`, or the query's `token`; "" without either."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
        return self.query.get("token", "")


class Response(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One HTTP response. A body that is an iterator is sent as it comes."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | AsyncIterator[bytes] = b""


class Denied(Exception):
    """A request is answered with a refusal, and headers that its status asks for."""

    def __init__(self, refusal: Refusal, *headers: tuple[str, str]) -> None:
        super().__init__(refusal.error)
        self.refusal = refusal
        self.headers = headers


async def no_body() -> AsyncIterator[bytes]:
    """The body of a request that has none."""
    chunks: tuple[bytes, ...] = ()
    for chunk in chunks:
        yield chunk


def deny(error: str, detail: str = "", *headers: tuple[str, str]) -> Denied:
    """The refusal of this name, to be raised."""
    return Denied(Refusal(error=error, detail=detail), *headers)


def not_upgraded(request: Request) -> Denied:
    """The refusal of a plain request to a path for WebSockets, to be raised."""
    if request.method in ("GET", "HEAD"):
        return deny("upgrade_required", "this path is for WebSockets")
    return deny("method_not_allowed", f"{request.path} takes GET", ("allow", "GET"))


def json_response(status: int, value: Any, *headers: tuple[str, str]) -> Response:
    """A value as JSON."""
    kind = ("content-type", "application/json")
    return Response(status=status, headers=(kind, *headers), body=msgspec.json.encode(value))


def refusal_response(refusal: Refusal, *headers: tuple[str, str]) -> Response:
    """A refusal, with the same body as on a WebSocket."""
    if refusal.retry_after is not None:
        headers = (*headers, ("retry-after", str(refusal.retry_after)))
    if refusal.error == "unauthorized":
        headers = (*headers, ("www-authenticate", "Bearer"))
    if refusal.error == "upgrade_required":
        headers = (*headers, ("upgrade", "websocket"))  # RFC 9110 section 15.5.22
    return json_response(refusal.kind.status, refusal.body, *headers)


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """A request target as path and query; of a repeated name the last value counts.

    The absolute form that proxies are sent is understood too (RFC 9112 section 3.2.2). Raises
    ValueError when the query has more than 64 fields.
    """
    if not target.startswith("/") and "://" in target:
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("?")
    return unquote(path), parse_query(query)


def parse_query(query: str) -> dict[str, str]:
    """The fields of a query; of a repeated name the last value counts.

    Raises ValueError when there are more than 64.
    """
    return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=64))
