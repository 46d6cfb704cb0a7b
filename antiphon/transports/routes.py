"""The HTTP routes of an application: a request in, a response out, whatever server carries them."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from ..core.errors import UnknownCall
from ..core.ports import SetInputs
from ..core.signaling import Refusal, check_call_id
from .about import about
from .admission import Admission
from .answers import Health, InputsTaken
from .host import Host
from .http_routes import EVENT_STREAM, NO_STORE, TEMPLATES, HttpRoutes, last_event
from .inputs import InputError, read_inputs
from .openapi import document
from .operations import Operation
from .output_events import output_events
from .pages import KINDS, PAGES, page
from .requests import (
    Denied,
    Request,
    Response,
    deny,
    json_response,
    no_body,
    not_upgraded,
    refusal_response,
)
from .route_operations import ROUTE_OPERATIONS, asset_operation, websocket_operation
from .rtc_routes import WebRtcRoutes
from .speech_operations import SPEECH_OPERATIONS
from .speech_routes import SpeechRoutes

__all__ = ("Routes",)

log = logging.getLogger("antiphon")

WEBSOCKET = "/websocket/offer"


class Routes:
    """Answers requests for one host."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._admission = Admission(host)
        self._http = HttpRoutes(host, self._admission)
        self._webrtc = WebRtcRoutes(host, self._admission)
        speech = host.settings.speech
        self._speech = None if speech is None else SpeechRoutes(host, self._admission, speech)
        self._fixed: dict[str, dict[str, Callable[[Request], Awaitable[Response]]]] = {
            "/health": {"GET": self._health},
            "/openapi.json": {"GET": self._openapi},
            "/about.json": {"GET": self._about},
            "/http/offer": {"POST": self._http.offer},
            "/webrtc/offer": {"POST": self._webrtc.offer},
            "/webrtc/configuration": {"GET": self._webrtc.configuration},
            "/input_hook": {"POST": self._input_hook},
            "/outputs": {"GET": partial(self._outputs, event="output")},
            "/updates": {"GET": partial(self._outputs, event="")},
            **{path: {"GET": page} for path in PAGES},
        }

    @property
    def patterns(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """All paths with their methods, for frameworks that route by themselves; `{rest:path}`
        stands for one character or more, slashes too.
        """
        fixed = tuple((path, tuple(methods)) for path, methods in self._fixed.items())
        handshakes = tuple((path, ("GET",)) for path in self.websocket_patterns)
        calls = self._speech.patterns if self._speech is not None else ()
        return (*fixed, *calls, *handshakes, ("/http/{rest:path}", ("GET", "POST", "DELETE")))

    @property
    def websocket_patterns(self) -> tuple[str, ...]:
        """All paths for WebSockets."""
        speech = self._speech.websocket_patterns if self._speech is not None else ()
        return (WEBSOCKET, *speech)

    @property
    def operations(self) -> tuple[tuple[str, str, Operation], ...]:
        """All routes, as (method, path, how it reads in the OpenAPI document)."""
        listed = [(method, path) for path, methods in self._fixed.items() for method in methods]
        calls = self._speech.patterns if self._speech is not None else ()
        listed += [*TEMPLATES, *((method, path) for path, methods in calls for method in methods)]
        routes = [(method, path, self._operation(method, path)) for method, path in listed]
        sockets = [
            ("GET", path, websocket_operation(path, speech=path != WEBSOCKET))
            for path in self.websocket_patterns
        ]
        return (*routes, *sockets)

    @staticmethod
    def _operation(method: str, path: str) -> Operation:
        if path in PAGES:
            return asset_operation(path, KINDS[PAGES[path].rpartition(".")[2]])
        return ROUTE_OPERATIONS.get((method, path)) or SPEECH_OPERATIONS[method, path]

    def speech(self, path: str) -> SpeechRoutes | None:
        """Who admits requests for a WebSocket at this path, if it is a speech endpoint."""
        return self._speech if self._speech is not None and self._speech.serves(path) else None

    async def prepare(self) -> None:
        """Import what the first call over WebRTC would wait for; where that fails, there is a
        warning, and those calls are refused.
        """
        with suppress(Denied):
            await self._webrtc.load()

    async def respond(self, request: Request) -> Response:
        """Answer one request; never raises but for cancellation."""
        try:
            if (speech := self.speech(request.path)) is not None:
                return await speech.respond(request)
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

    async def handle_offer(
        self, body: Mapping[str, Any], address: str, principal: Any
    ) -> dict[str, Any]:
        """What `/webrtc/offer` answers to a body that a route of the application has received and
        authorized; a candidate's `token` stands in it. Raises TypeError for what is no JSON.
        """
        request = Request(
            method="POST",
            path="/webrtc/offer",
            query={"token": str(body.get("token", ""))},
            headers={},
            peer=f"{address}:0" if address else "local",
            body=no_body(),
        )
        try:
            return await self._webrtc.signal(msgspec.json.encode(body), request, principal)
        except Denied as denied:
            return denied.refusal.body

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
        self._admission.check_sound()
        try:
            principal = await self._admission.authorize(request)
        except Denied:
            raise
        except Exception as error:
            log.exception("authorizing a WebSocket failed")
            raise deny("internal_error") from error
        self._admission.check_room()
        return principal

    def refused(self, request: Request, denied: Denied) -> Response:
        """The response to a request for a WebSocket that was denied."""
        return self._shared(request, refusal_response(denied.refusal, *denied.headers))

    def _find(self, request: Request) -> Callable[[Request], Awaitable[Response]]:
        methods = self._fixed.get(request.path)
        if methods is None:
            methods = self._http.find(request.path)
        if methods is None:
            if request.path == WEBSOCKET:
                raise not_upgraded(request)
            raise deny("not_found", f"nothing is served at {request.path}")
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            allowed = ", ".join(methods)
            raise deny("method_not_allowed", f"{request.path} takes {allowed}", ("allow", allowed))
        return methods[method]

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

    async def _about(self, request: Request) -> Response:
        told = about(self.host.settings, webrtc=not self._webrtc.broken)
        return json_response(200, told, NO_STORE)

    async def _health(self, request: Request) -> Response:
        ready = self.host.running
        body = Health("ok" if ready else "shutting_down", self.host.directory.slots)
        return json_response(200 if ready else 503, body, NO_STORE)

    async def _openapi(self, request: Request) -> Response:
        settings = self.host.settings
        told = document(
            self.operations,
            inputs=settings.input_type,
            require_token=settings.require_token,
            root_path=quote(request.root_path),
        )
        return json_response(200, told, ("cache-control", "no-cache"))

    async def _input_hook(self, request: Request) -> Response:
        body = await self._admission.read(request)
        try:
            call_id, values = read_inputs(body, self.host.settings.input_type)
        except InputError as error:
            raise deny(error.refusal, str(error)) from error
        await self._admission.prove(request, call_id)
        self.host.directory.command(call_id, SetInputs(values))
        return json_response(200, InputsTaken())

    async def _outputs(self, request: Request, *, event: str) -> Response:
        try:
            call_id = check_call_id(request.query.get("webrtc_id", ""))
        except ValueError as error:
            raise deny("invalid_field", f"webrtc_id: {error}") from error
        await self._admission.prove(request, call_id)
        after = last_event(request)
        outputs = self.host.directory.subscribe(call_id, after)
        body = output_events(outputs, after, event)
        return Response(status=200, headers=EVENT_STREAM, body=body)
