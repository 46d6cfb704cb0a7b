"""Mounting in FastAPI and Starlette applications, without importing either."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from ..core.errors import UnknownCall
from ..core.signaling import Refusal
from .asgi import AsgiApp, respond
from .asgi_scope import Receive, Scope, Send, locate
from .requests import refusal_response

__all__ = ("mount",)


class _Mounted:
    """A stream below a path of an application: the endpoint of all its routes there.

    An object, not a function: Starlette's routes call such endpoints with ASGI's three arguments.
    """

    def __init__(self, asgi: AsgiApp, path: str) -> None:
        self._asgi = asgi
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root, path = locate(scope)
        below = {**scope, "root_path": root + self.path, "path": root + path}
        await self._asgi(below, receive, send)


def mount(asgi: AsgiApp, app: Any, path: str) -> None:
    """Serve a stream under `path` of a FastAPI or Starlette application, within its lifespan.

    Only the stream's own routes are added, behind those that are there: the application's others
    stay reachable, whenever they are added, and so do those for the very path of one of the
    stream's. `UnknownCall` in a route of the application is answered as in one of the stream's.
    Raises ValueError when a stream is mounted at this path already, TypeError for another kind of
    application.
    """
    router: Any = getattr(app, "router", None)
    if not hasattr(router, "lifespan_context") or not hasattr(router, "add_websocket_route"):
        raise TypeError(f"a stream is mounted in a FastAPI or Starlette application, not {app!r}")
    if path and not path.startswith("/"):
        raise ValueError(f"a path to mount at begins with a slash, not {path!r}")
    path = path.rstrip("/")
    for route in router.routes:
        if _is_ours(route) and route.endpoint.path == path:
            raise ValueError(f"a stream is mounted at {path or '/'} already")
    _add_routes(router, _Mounted(asgi, path), asgi)
    _share_lifespan(router, asgi)
    handlers: dict[Any, Any] = getattr(app, "exception_handlers", {})
    handlers.setdefault(UnknownCall, _answer_unknown)


async def _answer_unknown(request: Any, error: Exception) -> Any:
    """The refusal, as the response of an exception handler of Starlette."""
    if request.scope["type"] != "http":
        raise error
    response = refusal_response(Refusal(error="unknown_connection"))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(response, receive, send, head_only=scope["method"] == "HEAD")

    return answer


def _add_routes(router: Any, mounted: _Mounted, asgi: AsgiApp) -> None:
    path, before = mounted.path, len(router.routes)
    if path:
        router.add_route(path, mounted, methods=["GET"], include_in_schema=False)
    for pattern, methods in asgi.routes.patterns:
        allowed = [*methods, "OPTIONS"]
        router.add_route(path + pattern, mounted, methods=allowed, include_in_schema=False)
    for pattern in asgi.routes.websocket_patterns:
        router.add_websocket_route(path + pattern, mounted)
    for route in router.routes[before:]:
        _yield_to_namesakes(route, router)


def _yield_to_namesakes(route: Any, router: Any) -> None:
    """Let a route of the application for the same path go first, though it is added later: an
    application for which others have been written is mounted in before it has its own routes.
    """
    matches = route.matches
    verdicts: Any = import_module("starlette.routing").Match

    def unless_theirs(scope: Scope) -> tuple[Any, Any]:
        match, child = matches(scope)
        if match is not verdicts.NONE and any(
            other.matches(scope)[0] is verdicts.FULL
            for other in router.routes
            if getattr(other, "path", None) == route.path and not _is_ours(other)
        ):
            return verdicts.NONE, {}
        return match, child

    route.matches = unless_theirs


def _is_ours(route: Any) -> bool:
    return isinstance(getattr(route, "endpoint", None), _Mounted)


def _share_lifespan(router: Any, asgi: AsgiApp) -> None:
    """Calls end before what the application's own lifespan gives to their handlers does."""
    own = router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[Any]:
        async with own(app) as state, asgi.running():
            yield state

    router.lifespan_context = lifespan
