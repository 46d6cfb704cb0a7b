"""ASGI: the same routes and calls behind any ASGI server, alone or mounted in a framework.

Specification: asgi.readthedocs.io, HTTP and WebSocket 2.5, Lifespan 2.0.
"""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .routes import Routes

__all__ = ("AsgiApp", "mount")

log = logging.getLogger("antiphon")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

OUTBOUND = 64  # messages that may wait for a client that reads slowly, then sending pauses
MAX_OUTBOUND = 1024  # and then it is hung up on


class AsgiApp:
    """The ASGI application of one stream."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError


def mount(asgi: AsgiApp, app: Any, path: str) -> None:
    raise NotImplementedError
