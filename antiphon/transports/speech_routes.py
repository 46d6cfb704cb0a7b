"""The paths of the speech endpoints: WebSockets, and the HTTP calls beside them."""

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import anyio
import msgspec

from ..core.dialects.parameters import SpeechSession
from ..core.ports import CallInfo, Command
from .admission import Admission
from .answers import BuildInfo
from .host import Host
from .opus import opus_decoder
from .requests import Denied, Request, Response, deny, json_response, not_upgraded
from .speech_call import SpeechCall
from .speech_parts import (
    ENDPOINT,
    OPUS,
    SUMMARY,
    SUMMARY_CALLS,
    Answering,
    Part,
    endpoint_part,
    summary_part,
)
from .speech_settings import SpeechSettings
from .speech_verification import VERIFY, VERIFY_CALLS, verification_part

__all__ = ("SpeechRoutes",)

log = logging.getLogger("antiphon")

BUILD_INFO = "/core/get_build_info"

_STREAMS = tuple(path + kind for path in (ENDPOINT, SUMMARY, VERIFY) for kind in ("", OPUS))
_METHODS = {**dict.fromkeys((*SUMMARY_CALLS, *VERIFY_CALLS), "POST"), BUILD_INFO: "GET"}


class SpeechRoutes:
    """Answers for one host whose stream has them."""

    def __init__(self, host: Host, admission: Admission, settings: SpeechSettings) -> None:
        self._host = host
        self._admission = admission
        self._speech = settings.speech
        self._settings = settings
        parts = dict(_parts(settings))
        self._components = tuple(parts)
        # What is switched off is not among these.
        self._streams = {path: on for part in parts.values() for path, on in part.streams.items()}
        self._calls: dict[str, Answering] = {BUILD_INFO: self._build_info}
        for part in parts.values():
            self._calls |= part.calls

    @property
    def max_message(self) -> int:
        """Bytes of one message on these WebSockets."""
        return self._speech.max_message

    @property
    def patterns(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The paths of the HTTP calls with their methods."""
        return tuple((path, (method,)) for path, method in _METHODS.items())

    @property
    def websocket_patterns(self) -> tuple[str, ...]:
        """The paths for WebSockets."""
        return _STREAMS

    def serves(self, path: str) -> bool:
        """Whether this is one of these paths."""
        return path in _STREAMS or path in _METHODS

    async def admit(self, request: Request) -> SpeechCall:
        """A call that holds its slot, for a request for a WebSocket: it is to be released. Raises
        Denied, and nothing else.
        """
        if request.path not in _STREAMS:
            raise deny("not_found", f"no WebSocket is served at {request.path}")
        try:
            principal = await self._admitted(request)
            info = _info(request, "websocket", principal)
            blocking = self._settings.model.blocking
            call = SpeechCall(self._host, info, self._session(request), blocking=blocking)
            await self._claim(info, call.command)
        except Denied:
            raise
        except Exception as error:
            log.exception("the request for %s failed", request.path)
            raise deny("internal_error") from error
        return call

    async def respond(self, request: Request) -> Response:
        """Answer an HTTP call, or a plain request to a path for WebSockets. Raises Denied."""
        if request.path in _STREAMS:
            raise not_upgraded(request)
        if request.method == "OPTIONS":
            return self._shared(request, Response(status=204))
        try:
            response = await self._respond(request)
        except Denied as denied:
            refusal = denied.refusal
            error = {"error": refusal.detail or refusal.error}
            response = json_response(refusal.kind.status, error, *denied.headers)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = json_response(500, {"error": "internal_error"})
        return self._shared(request, response)

    async def _respond(self, request: Request) -> Response:
        method = _METHODS[request.path]
        if request.method not in (method, "HEAD" if method == "GET" else method):
            detail = f"{request.path} takes {method}"
            raise deny("method_not_allowed", detail, ("allow", method))
        principal = await self._admitted(request)
        info = _info(request, "http", principal)
        await self._claim(info, _ignore)
        try:
            with anyio.move_on_after(self._host.settings.session.timing.time_limit):
                return await self._calls[request.path](request)
            raise deny("request_timeout", "the time limit is reached")
        finally:
            await self._host.release(info.id)

    async def _admitted(self, request: Request) -> Any:
        """The principal of a request that may be answered. Raises Denied."""
        if request.path not in self._streams and request.path not in self._calls:
            raise deny("not_enabled", f"{request.path} is switched off")
        origin = request.headers.get("origin")
        if origin is not None and not self._allowed(origin):
            raise deny("forbidden_origin", f"{origin[:200]} is not among the allowed origins")
        principal = await self._admission.authorize(request)
        self._admission.check_room()
        return principal

    async def _claim(self, info: CallInfo, run: Callable[[Command], None]) -> None:
        """Take a slot. Nothing may be awaited between this and what gives it back."""
        refusal = await self._host.claim(info, run)
        if refusal is not None:
            log.info("refused %s from %s: %s", info.metadata["path"], info.peer, refusal.error)
            raise Denied(refusal)

    def _session(self, request: Request) -> SpeechSession:
        """What answers on a WebSocket. Raises Denied."""
        form, start = self._streams[request.path]
        return SpeechSession(
            form,
            start(request),
            opus_decoder if request.path.endswith(OPUS) else None,
            carry_odd_byte=self._speech.carry_odd_byte,
        )

    async def _build_info(self, request: Request) -> Response:
        encoder = self._settings.encoder
        info = BuildInfo(
            name="antiphon",
            version=version("antiphon"),
            components=list(self._components),
            voice_activity=self._settings.model.name,
            speaker_encoder=msgspec.UNSET if encoder is None else encoder.name,
        )
        return json_response(200, info)

    def _allowed(self, origin: str) -> bool:
        return "*" in self._speech.origins or origin in self._speech.origins

    def _shared(self, request: Request, response: Response) -> Response:
        """With what lets a page read it, if pages may."""
        origin = request.headers.get("origin")
        if not self._speech.allow_cors or origin is None or not self._allowed(origin):
            return response
        headers = (
            ("access-control-allow-origin", origin if "*" not in self._speech.origins else "*"),
            ("access-control-allow-methods", "GET, POST"),
            ("access-control-allow-headers", "authorization, content-type"),
            ("access-control-max-age", "600"),
            ("vary", "origin"),
        )
        return msgspec.structs.replace(response, headers=(*response.headers, *headers))


def _parts(settings: SpeechSettings) -> Iterator[tuple[str, Part]]:
    """Those that are switched on, by name."""
    speech = settings.speech
    if speech.endpoint:
        yield "speech_endpoint", endpoint_part(settings)
    if speech.summary:
        yield "speech_summary", summary_part(settings)
    if settings.encoder is not None:
        part = verification_part(settings.model, settings.encoder, speech.max_message)
        yield "voice_verify", part


def _info(request: Request, transport: str, principal: Any) -> CallInfo:
    return CallInfo(
        id=f"speech-{secrets.token_hex(8)}",
        transport=transport,
        peer=request.peer,
        token=secrets.token_urlsafe(16),
        started=time.time(),
        metadata={"path": request.path},
        principal=principal,
    )


def _ignore(_: Command) -> None:
    """An HTTP call is over in a moment."""
