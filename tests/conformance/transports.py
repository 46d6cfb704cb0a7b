"""The table of transports, server's role: one line for each."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

from antiphon import CallInfo, Handler, Stream
from tests.conformance.directory import WatchedDirectory
from tests.conformance.http_wire import dial_http
from tests.conformance.memory_wire import dial_memory
from tests.conformance.peer import Inbox, Peer, Wire
from tests.conformance.places import Place, asgi_server, own_server, this_process
from tests.conformance.webrtc_wire import dial_data_channel, dial_tracks
from tests.conformance.websocket_wire import dial_websocket

__all__ = ("SERVERS", "Site", "Transport")

Dial = Callable[[Place, Mapping[str, str], Inbox], AbstractAsyncContextManager[Wire]]
Serve = Callable[[Stream], AbstractAsyncContextManager[Place]]


class Transport(NamedTuple):
    """One way to a handler.

    features: `binary` (raw samples come back as raw samples), `request` (a call is asked for with
        an HTTP request: headers, authorization, origins), `connecting` (a link exists before its
        call), `sized` (what is too big can be sent), `connected` (that a peer is gone shows
        at once), `farewell` (our own
        code closes the links at shutdown), `undecoded` (text reaches our own code as bytes),
        `codes` (a link is closed with a code), `start` (what opens a call is a message), `messages`
        (sound travels in messages, every sample as it was), `swift` (a link costs so little that
        scripts run in dozens of variants over it), `paced` (sound leaves in real time).
    """

    name: str
    kind: str
    """As `CallInfo.transport` names it."""
    serve: Serve
    dial: Dial
    features: frozenset[str]

    @property
    def binary(self) -> bool:
        """Whether a peer that sends raw samples hears raw samples."""
        return "binary" in self.features

    @asynccontextmanager
    async def serving(self, handler: Handler, **options: Any) -> AsyncGenerator["Site"]:
        """A stream with these options, served."""
        directory = WatchedDirectory()
        stream = Stream(handler, directory=directory, **options)
        async with self.serve(stream) as place:
            yield Site(self, place, directory)


class Site:
    """A stream that is served, and who calls it."""

    def __init__(self, transport: Transport, place: Place, directory: WatchedDirectory) -> None:
        self._transport = transport
        self.place = place
        self.stream = place.stream
        self.directory = directory

    @property
    def calls(self) -> list[CallInfo]:
        """The live calls."""
        return self.stream.calls

    @asynccontextmanager
    async def peer(
        self, headers: Mapping[str, str] | None = None, over: Transport | None = None
    ) -> AsyncGenerator[Peer]:
        """Connect; a refusal is the first thing that the peer hears."""
        inbox = Inbox()
        async with (over or self._transport).dial(self.place, headers or {}, inbox) as wire:
            yield Peer(wire, inbox, codes="codes" in (over or self._transport).features)


def _has(*features: str) -> frozenset[str]:
    return frozenset(features)


_MESSAGES = _has("codes", "messages", "start", "swift")
_MEMORY = _MESSAGES | _has("binary", "connecting", "connected", "farewell")
_WEBSOCKET = _MESSAGES | _has(*("binary", "connecting", "connected", "paced", "request", "sized"))
_HTTP = _MESSAGES | _has("paced", "request", "sized")
_DATA_CHANNEL = _has(
    *("binary", "connecting", "messages", "paced", "request", "sized", "start", "swift")
)
_TRACKS = _has("paced", "request", "sized")
_OWN = _has("farewell", "undecoded")
_OWN_RTC = _has("farewell")

_posts = partial(dial_http, one_upload=False)
_upload = partial(dial_http, one_upload=True)

SERVERS = (
    Transport("memory", "memory", this_process, dial_memory, _MEMORY),
    Transport("websocket", "websocket", own_server, dial_websocket, _WEBSOCKET | _OWN),
    Transport("http-posts", "http", own_server, _posts, _HTTP | _OWN),
    Transport("http-upload", "http", own_server, _upload, _HTTP | _OWN),
    Transport("webrtc-data", "webrtc", own_server, dial_data_channel, _DATA_CHANNEL | _OWN_RTC),
    Transport("webrtc", "webrtc", own_server, dial_tracks, _TRACKS | _OWN_RTC),
    Transport("asgi-websocket", "websocket", asgi_server, dial_websocket, _WEBSOCKET),
    Transport("asgi-http", "http", asgi_server, _upload, _HTTP),
    Transport("asgi-webrtc", "webrtc", asgi_server, dial_tracks, _TRACKS),
)
