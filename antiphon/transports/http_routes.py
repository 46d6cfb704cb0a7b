"""The routes of calls over HTTP: a start posted, messages and samples uploaded, events streamed."""

import hmac
import time
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import quote

import anyio
import msgspec

from ..core.errors import RemoteProtocolError
from ..core.messages import MediaFormat
from ..core.ring import Position, parse_position
from ..core.signaling import Refusal
from ..core.wire import Kind
from .admission import Admission
from .answers import HttpLinks, HttpOpened
from .host import Host
from .http_call import HttpCall, HttpCalls, HttpLink
from .reception import Reception
from .requests import Denied, Request, Response, deny, json_response

__all__ = ("EVENT_STREAM", "NO_STORE", "TEMPLATES", "HttpRoutes", "last_event")

NO_STORE = ("cache-control", "no-store")
TEMPLATES = (
    ("POST", "/http/{id}/send"),
    ("GET", "/http/{id}/events"),
    ("DELETE", "/http/{id}"),
)
"""What `find` tells apart, in the words of OpenAPI."""
EVENT_STREAM = (("content-type", "text/event-stream"), NO_STORE, ("x-accel-buffering", "no"))


class HttpRoutes:
    """Answers for one host."""

    def __init__(self, host: Host, admission: Admission) -> None:
        self._host = host
        self._admission = admission
        self._calls = HttpCalls()
        self._epoch = time.time_ns() // 1000

    def find(self, path: str) -> dict[str, Callable[[Request], Awaitable[Response]]] | None:
        """The methods of a path of one call, None for other paths."""
        if not path.startswith("/http/"):
            return None
        # An id may hold slashes: the last word is the verb.
        rest = path.removeprefix("/http/")
        call_id, _, verb = rest.rpartition("/")
        # Only the method tells the end of the call `a/send` from what is sent to `a`.
        delete: dict[str, Callable[[Request], Awaitable[Response]]]
        delete = {"DELETE": partial(self._delete, call_id=rest)}
        if call_id and verb == "send":
            return {"POST": partial(self._send, call_id=call_id), **delete}
        if call_id and verb == "events":
            return {"GET": partial(self._events, call_id=call_id), **delete}
        return delete

    async def offer(self, request: Request) -> Response:
        """A call is asked for. Raises Denied."""
        self._admission.check_sound()
        principal = await self._admission.authorize(request)
        body = await self._admission.read(request)
        # Last: nothing may be waited for between this and the reception.
        self._admission.check_room()
        settings = self._host.settings
        timing = msgspec.structs.replace(settings.session.timing, ping_interval=float("inf"))
        link = HttpLink(self._next_epoch(), request.peer)
        decided = anyio.Event()
        verdict: list[Refusal | None] = []

        def answer(refusal: Refusal | None) -> None:
            verdict.append(refusal)
            if refusal is None and (info := reception.info) is not None:
                self._calls.add(info.id, info.token, link)
                link.driver.absent()
            decided.set()

        reception = Reception(
            self._host,
            link,
            transport="http",
            principal=principal,
            config=msgspec.structs.replace(settings.session, binary=False, timing=timing),
            answer=answer,
        )
        link.driver = reception.driver
        link.driver.feed(Kind.TEXT, body, anyio.current_time())
        self._raise_failure(link)
        if not reception.requested:
            reception.end("", 1002)
            raise deny("invalid_order", "the body must be a `start` event")
        await decided.wait()
        info, refusal = reception.info, verdict[0]
        if refusal is not None or info is None:
            raise Denied(refusal or Refusal(error="connection_closed"))
        base = f"{quote(request.root_path)}/http/{quote(info.id, safe='')}"
        links = HttpLinks(send=f"{base}/send", events=f"{base}/events", end=base)
        wire = reception.driver.session.media_format or MediaFormat(
            "audio/x-mulaw", settings.session.input_sample_rate
        )
        opened = HttpOpened(info.id, info.token, wire, links)
        return json_response(201, opened, NO_STORE, ("location", base))

    def _next_epoch(self) -> int:
        self._epoch += 1
        return self._epoch

    def _call(self, request: Request, call_id: str) -> HttpCall:
        call = self._calls.look_up(call_id)
        if call is None:
            raise deny("unknown_connection")
        if not hmac.compare_digest(call.token.encode(), request.bearer.encode()):
            raise deny("unauthorized", "the token of this call is missing or wrong")
        return call

    async def _send(self, request: Request, *, call_id: str) -> Response:
        call = self._call(request, call_id)
        if call.link.driver.closed is not None:
            raise deny("connection_closed")
        with anyio.CancelScope() as scope:
            call.uploads.add(scope)
            try:
                await self._take_upload(request, call)
            finally:
                call.uploads.discard(scope)
        if scope.cancelled_caught:
            self._check_own_end(call)
        return Response(status=204)

    @staticmethod
    def _check_own_end(call: HttpCall) -> None:
        """Whether it was the client that ended the call while it sent."""
        closed = call.link.driver.closed
        if closed is not None and not closed.remote:
            raise deny("connection_closed", closed.reason)

    async def _take_upload(self, request: Request, call: HttpCall) -> None:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/octet-stream":
            await self._send_samples(request, call)
        elif kind == "application/x-ndjson":
            await self._send_lines(request, call)
        else:
            body = await self._admission.gather(request)
            self._check_size(call, len(body), "")
            call.feed(Kind.TEXT, body)
            self._raise_failure(call.link)

    async def _send_samples(self, request: Request, call: HttpCall) -> None:
        """Raw audio as it arrives, cut only between samples."""
        rest = b""
        width = call.link.driver.session.bytes_per_sample
        async for chunk in request.body:
            data = rest + chunk
            whole = len(data) - len(data) % width
            rest = data[whole:]
            if whole:
                call.feed(Kind.BINARY, data[:whole])
                self._raise_failure(call.link)
                # A file sent at once must not push its own start out before the handler wakes.
                await anyio.lowlevel.checkpoint()
        if rest:
            call.feed(Kind.BINARY, rest)
            self._raise_failure(call.link)

    async def _send_lines(self, request: Request, call: HttpCall) -> None:
        """One event a line, each acted on as soon as it is whole."""
        rest = bytearray()
        number = 0
        async for chunk in request.body:
            *lines, tail = chunk.split(b"\n")
            for part in lines:
                number += 1
                line = bytes(rest) + part
                rest.clear()
                self._feed_line(call, line, number)
            rest += tail
            self._check_size(call, len(rest), _line(number + 1))
            await anyio.lowlevel.checkpoint()  # as for samples
        self._feed_line(call, bytes(rest), number + 1)

    def _check_size(self, call: HttpCall, size: int, where: str) -> None:
        """A message that is too big ends its call, as on a WebSocket."""
        if self._admission.too_big(size):
            call.link.driver.broken(RemoteProtocolError(self._admission.bound, 1009))
            self._raise_failure(call.link, where)

    def _feed_line(self, call: HttpCall, line: bytes, number: int) -> None:
        self._check_size(call, len(line), _line(number))
        if not line.strip():
            return
        if call.link.driver.closed is not None:
            raise deny("connection_closed", f"line {number} came after the end of the call")
        call.feed(Kind.TEXT, line)
        self._raise_failure(call.link, _line(number))

    def _raise_failure(self, link: HttpLink, where: str = "") -> None:
        failure = link.driver.failure
        if failure is not None:
            raise deny(failure.refusal, where + failure.reply)

    async def _events(self, request: Request, *, call_id: str) -> Response:
        call = self._call(request, call_id)
        stream = call.link.listen(last_event(request))
        return Response(status=200, headers=EVENT_STREAM, body=stream)

    async def _delete(self, request: Request, *, call_id: str) -> Response:
        call = self._call(request, call_id)
        if call.link.driver.closed is not None:
            raise deny("connection_closed")
        call.feed(Kind.TEXT, b'{"event":"stop"}')
        return Response(status=204)


def _line(number: int) -> str:
    return f"line {number}: "


def last_event(request: Request) -> Position | None:
    """Where a listener goes on: by the header that browsers send, or by query."""
    text = request.headers.get("last-event-id") or request.query.get("last_event_id")
    if not text:
        return None
    try:
        return parse_position(text)
    except ValueError as error:
        raise deny("invalid_field", f"Last-Event-ID: {error}") from error
