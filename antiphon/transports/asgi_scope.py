"""What an ASGI scope says, as one of our requests."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from .requests import Request, Response, parse_query

__all__ = (
    "Message",
    "Receive",
    "Scope",
    "Send",
    "encode_headers",
    "locate",
    "peer_of",
    "request_of",
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def locate(scope: Scope) -> tuple[str, str]:
    """The mount path ("" or `/voice`) and the path below it ("" for the mount path itself).

    A scope's `path` holds its `root_path`, or, behind a proxy that strips what it is mounted at,
    only the part that frameworks in front of us have added (Starlette notes the rest as
    `app_root_path`), or nothing of it.
    """
    root, path = scope.get("root_path", "").rstrip("/"), scope["path"]
    for prefix in (root, root.removeprefix(scope.get("app_root_path", "").rstrip("/"))):
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            return root, path[len(prefix) :]
    return root, path


def request_of(scope: Scope, body: AsyncIterator[bytes]) -> Request:
    """The request of an `http` or `websocket` scope. Raises ValueError for an endless query."""
    root_path, path = locate(scope)
    return Request(
        method=scope.get("method", "GET"),
        path=path,
        root_path=root_path,
        query=parse_query(scope.get("query_string", b"").decode("latin-1")),
        headers=_join(scope.get("headers", ())),
        peer=peer_of(scope),
        body=body,
    )


def _join(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def peer_of(scope: Scope) -> str:
    """Address and port of the client; `local` when the server knows none (a Unix socket)."""
    client = scope.get("client")
    return f"{client[0]}:{client[1]}" if client else "local"


def encode_headers(response: Response) -> list[tuple[bytes, bytes]]:
    """A response's headers as ASGI wants them, with the length of a body that is known."""
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    if isinstance(response.body, bytes) and response.status != 204:
        headers.append((b"content-length", str(len(response.body)).encode()))
    return headers
