"""The HTTP routes of an application: a request in, a response out, whatever server carries them."""

import hmac
import inspect
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlsplit

import anyio
import msgspec

from ..core.dialects.event_stream import END, frame
from ..core.errors import RemoteProtocolError, UnknownCall
from ..core.messages import MediaFormat
from ..core.ports import Output, SetInputs
from ..core.ring import Position, parse_position
from ..core.signaling import Refusal, check_call_id
from ..core.wire import Kind
from .host import Host, Settings
from .http_call import HttpCall, HttpCalls, HttpLink
from .inputs import InputError, read_inputs
from .requests import Denied, Request, Response, deny, json_response, refusal_response
from .rtc_routes import WebRtcRoutes

__all__ = ("Routes",)

log = logging.getLogger("antiphon")

NO_STORE = ("cache-control", "no-store")
EVENT_STREAM = (("content-type", "text/event-stream"), NO_STORE, ("x-accel-buffering", "no"))
WEBSOCKET = "/websocket/offer"
ASSETS = {
    "/": ("index.html", "text/html"),
    "/client.js": ("client.js", "text/javascript"),
    "/endings.js": ("endings.js", "text/javascript"),
    "/webrtc.js": ("webrtc.js", "text/javascript"),
}
SERVED = 'data-modality="" data-mode=""'  # where the page is told what the stream serves


class Routes:
    """Answers requests for one host."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._calls = HttpCalls()
        self._webrtc = WebRtcRoutes(host, self._read, self._authorize)
        self._epoch = time.time_ns() // 1000
        self._assets = {
            path: (_asset_body(name, host.settings), kind) for path, (name, kind) in ASSETS.items()
        }
        self._fixed: dict[str, dict[str, Callable[[Request], Awaitable[Response]]]] = {
            "/health": {"GET": self._health},
            "/http/offer": {"POST": self._offer},
            "/webrtc/offer": {"POST": self._webrtc.offer},
            "/webrtc/configuration": {"GET": self._webrtc.configuration},
            "/input_hook": {"POST": self._input_hook},
            "/outputs": {"GET": partial(self._outputs, event="output")},
            "/updates": {"GET": partial(self._outputs, event="")},
            **{path: {"GET": self._asset} for path in ASSETS},
        }

    @property
    def patterns(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """All paths with their methods, for frameworks that route by themselves; `{rest:path}`
        stands for one character or more, slashes too.
        """
        fixed = tuple((path, tuple(methods)) for path, methods in self._fixed.items())
        handshakes = tuple((path, ("GET",)) for path in self.websocket_patterns)
        return (*fixed, *handshakes, ("/http/{rest:path}", ("GET", "POST", "DELETE")))

    @property
    def websocket_patterns(self) -> tuple[str, ...]:
        """All paths for WebSockets."""
        return (WEBSOCKET,)

    async def prepare(self) -> None:
        """Import what the first call over WebRTC would wait for; where that fails, there is a
        warning, and those calls are refused.
        """
        with suppress(Denied):
            await self._webrtc.load()

    async def respond(self, request: Request) -> Response:
        """Answer one request; never raises but for cancellation."""
        try:
            self._check_origin(request)
            if request.method == "OPTIONS":
                response = Response(status=204)
            else:
                response = await self._find(request)(request)
        except Denied as denied:
            response = refusal_response(denied.refusal, *denied.headers)
        except UnknownCall:
            response = refusal_response(Refusal(error="unknown_connection"))
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = refusal_response(Refusal(error="internal_error"))
        return self._shared(request, response)

    async def admit_websocket(self, request: Request) -> Any:
        """The principal of a request for a WebSocket. Raises Denied, and nothing else."""
        try:
            return await self._admit_websocket(request)
        except Denied:
            raise
        except Exception as error:
            log.exception("the request for a WebSocket failed")
            raise deny("internal_error") from error

    async def _admit_websocket(self, request: Request) -> Any:
        if request.path != WEBSOCKET:
            raise deny("not_found", f"no WebSocket is served at {request.path}")
        self._check_origin(request)
        self._check_modality()
        try:
            principal = await self._authorize(request)
        except Denied:
            raise
        except Exception as error:
            log.exception("authorizing a WebSocket failed")
            raise deny("internal_error") from error
        self._check_room()
        return principal

    def refused(self, request: Request, denied: Denied) -> Response:
        """The response to a request for a WebSocket that was denied."""
        return self._shared(request, refusal_response(denied.refusal, *denied.headers))

    def _find(self, request: Request) -> Callable[[Request], Awaitable[Response]]:
        methods = self._fixed.get(request.path)
        if methods is None:
            methods = self._call_routes(request.path)
        if methods is None:
            if request.path == WEBSOCKET:
                raise deny("upgrade_required", "this path is for WebSockets")
            raise deny("not_found", f"nothing is served at {request.path}")
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            allowed = ", ".join(methods)
            raise deny("method_not_allowed", f"{request.path} takes {allowed}", ("allow", allowed))
        return methods[method]

    def _call_routes(self, path: str) -> dict[str, Callable[[Request], Awaitable[Response]]] | None:
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

    def _check_origin(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if origin is None or self._allowed(origin, request.headers.get("host", "")):
            return
        raise deny("forbidden_origin", f"{origin[:200]} is not among the allowed origins")

    def _allowed(self, origin: str, host: str) -> bool:
        allowed = self.host.settings.origins
        return "*" in allowed or origin in allowed or self._same(origin, host)

    @staticmethod
    def _same(origin: str, host: str) -> bool:
        # The scheme is not compared: behind a proxy that ends TLS this server sees plain HTTP.
        try:
            return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
        except ValueError:
            return False

    def _shared(self, request: Request, response: Response) -> Response:
        """Headers that every response carries: CORS for the origins that are allowed by name."""
        origin = request.headers.get("origin")
        headers = [*response.headers, ("vary", "origin")]
        if origin is not None and (
            origin in self.host.settings.origins or "*" in self.host.settings.origins
        ):
            named = origin if origin in self.host.settings.origins else "*"
            headers += [
                ("access-control-allow-origin", named),
                ("access-control-allow-methods", "GET, POST, DELETE"),
                ("access-control-allow-headers", "authorization, content-type, last-event-id"),
                ("access-control-max-age", "600"),
            ]
        return msgspec.structs.replace(response, headers=tuple(headers))

    def _check_modality(self) -> None:
        modality = self.host.settings.modality
        if modality != "audio":
            raise deny("unsupported_modality", f"this stream's modality is {modality}")

    def _check_room(self) -> None:
        refusal = self.host.connecting_refusal()
        if refusal is not None:
            raise Denied(refusal)

    async def _authorize(self, request: Request) -> Any:
        """What the application says of a request: its principal, or no."""
        authorize = self.host.settings.authorize
        if authorize is None:
            return None
        try:
            principal = authorize(request)
            if inspect.isawaitable(principal):
                principal = await principal
        except PermissionError as error:
            raise deny("unauthorized", str(error)) from error
        if principal is None or principal is False:
            raise deny("unauthorized")
        return principal

    async def _asset(self, request: Request) -> Response:
        body, kind = self._assets[request.path]
        headers = (
            ("content-type", f"{kind}; charset=utf-8"),
            ("cache-control", "no-cache"),
            ("x-content-type-options", "nosniff"),
        )
        return Response(status=200, headers=headers, body=body)

    async def _health(self, request: Request) -> Response:
        ready = self.host.running
        body = {"status": "ok" if ready else "shutting_down", "calls": self.host.directory.slots}
        return json_response(200 if ready else 503, body, NO_STORE)

    async def _offer(self, request: Request) -> Response:
        self._check_modality()
        principal = await self._authorize(request)
        body = await self._read(request)
        self._check_room()  # last: nothing may be waited for between this and the reception
        settings = self.host.settings
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

        reception = self.host.receive(
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
        links = {"send": f"{base}/send", "events": f"{base}/events", "end": base}
        wire = reception.driver.session.media_format or MediaFormat(
            "audio/x-mulaw", settings.session.input_sample_rate
        )
        answered = {
            "session_id": info.id,
            "token": info.token,
            "media_format": wire,
            "links": links,
        }
        return json_response(201, answered, NO_STORE, ("location", base))

    def _next_epoch(self) -> int:
        self._epoch += 1
        return self._epoch

    async def _read(self, request: Request) -> bytes:
        """A whole body, bounded."""
        body = await self._gather(request)
        if self._too_big(len(body)):
            raise deny("body_too_large", self._bound)
        return body

    async def _gather(self, request: Request) -> bytes:
        """A whole body, or as much of it as is too big."""
        body = bytearray()
        async for chunk in request.body:
            body += chunk
            if self._too_big(len(body)):
                break
        return bytes(body)

    def _too_big(self, size: int) -> bool:
        return size > self.host.settings.max_message

    @property
    def _bound(self) -> str:
        return f"a message has at most {self.host.settings.max_message} bytes"

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
            body = await self._gather(request)
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
        self._feed_line(call, bytes(rest), number + 1)

    def _check_size(self, call: HttpCall, size: int, where: str) -> None:
        """A message that is too big ends its call, as on a WebSocket."""
        if self._too_big(size):
            call.link.driver.broken(RemoteProtocolError(self._bound, 1009))
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
        stream = call.link.listen(_last_event(request))
        return Response(status=200, headers=EVENT_STREAM, body=stream)

    async def _delete(self, request: Request, *, call_id: str) -> Response:
        call = self._call(request, call_id)
        if call.link.driver.closed is not None:
            raise deny("connection_closed")
        call.feed(Kind.TEXT, b'{"event":"stop"}')
        return Response(status=204)

    async def _proven(self, request: Request, call_id: str) -> None:
        """Whether a request may speak for a call: by the application, and by token if required."""
        await self._authorize(request)
        info = self.host.directory.look_up(call_id)
        if info is None:
            raise UnknownCall(call_id)
        if self.host.settings.require_token and not hmac.compare_digest(
            info.token.encode(), request.bearer.encode()
        ):
            raise deny("unauthorized", "the token of this call is missing or wrong")

    async def _input_hook(self, request: Request) -> Response:
        body = await self._read(request)
        try:
            call_id, values = read_inputs(body, self.host.settings.input_type)
        except InputError as error:
            raise deny(error.refusal, str(error)) from error
        await self._proven(request, call_id)
        self.host.directory.command(call_id, SetInputs(values))
        return json_response(200, {"status": "ok"})

    async def _outputs(self, request: Request, *, event: str) -> Response:
        try:
            call_id = check_call_id(request.query.get("webrtc_id", ""))
        except ValueError as error:
            raise deny("invalid_field", f"webrtc_id: {error}") from error
        await self._proven(request, call_id)
        outputs = self.host.directory.subscribe(call_id, _last_event(request))
        body = _output_events(outputs, event)
        return Response(status=200, headers=EVENT_STREAM, body=body)


async def _output_events(
    outputs: AsyncIterator[tuple[Position, Output]], event: str
) -> AsyncIterator[bytes]:
    async for position, output in outputs:
        try:
            data = msgspec.json.encode(output.value)
        except (TypeError, ValueError, RecursionError) as error:
            text = f"an output cannot be shown as JSON: {error}"
            yield frame(msgspec.json.encode(text), event="error", position=position)
        else:
            yield frame(data, event=event, position=position)
    yield END


def _asset_body(name: str, settings: Settings) -> bytes:
    text = files("antiphon.transports").joinpath("assets", name).read_text(encoding="utf-8")
    served = f'data-modality="{settings.modality}" data-mode="{settings.session.mode}"'
    return text.replace(SERVED, served, 1).encode()


def _line(number: int) -> str:
    return f"line {number}: "


def _last_event(request: Request) -> Position | None:
    """Where a listener goes on: by the header that browsers send, or by query."""
    text = request.headers.get("last-event-id") or request.query.get("last_event_id")
    if not text:
        return None
    try:
        return parse_position(text)
    except ValueError as error:
        raise deny("invalid_field", f"Last-Event-ID: {error}") from error
