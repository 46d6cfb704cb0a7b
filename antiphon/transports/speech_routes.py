"""The paths of the speech endpoints: WebSockets, and the HTTP calls beside them."""

import io
import logging
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from importlib.metadata import version
from typing import Any

import anyio.to_thread
import msgspec
import numpy as np

from ..core.audio.wav import WavSound
from ..core.dialects.parameters import (
    ENDPOINT_FORM,
    ENDPOINT_OPUS_FORM,
    PIECE_MS,
    SUMMARY_FORM,
    SUMMARY_OPUS_FORM,
    Analyser,
    SpeechSession,
    Values,
    read_rate,
)
from ..core.ports import CallInfo, Command
from ..core.speech.endpoint import EndpointDetector, EndpointRule
from ..core.speech.frames import VoiceFrames
from ..core.speech.summary import SUMMARY_FRAMES, Summary, SummaryFrames
from .admission import Admission
from .answers import BuildInfo
from .host import Host
from .multipart import parts
from .opus import opus_decoder
from .requests import Denied, Request, Response, deny, json_response, not_upgraded
from .speech_call import SpeechCall
from .speech_settings import SpeechSettings
from .speech_share import Share

__all__ = ("SpeechRoutes",)

log = logging.getLogger("antiphon")

ENDPOINT, SUMMARY = "/speech_endpoint_detector", "/speech_summary_stream"
ENGINE = "/speech_summary_engine/get_speech_summary_from"
BUILD_INFO = "/core/get_build_info"
OPUS = "_opus"
FILE_PARTS = ("wav_file", "audio_file")

_FORMS = {
    ENDPOINT: ENDPOINT_FORM,
    ENDPOINT + OPUS: ENDPOINT_OPUS_FORM,
    SUMMARY: SUMMARY_FORM,
    SUMMARY + OPUS: SUMMARY_OPUS_FORM,
}

Answering = Callable[[Request], Awaitable[Response]]


class SpeechRoutes:
    """Answers for one host whose stream has them."""

    def __init__(self, host: Host, admission: Admission, settings: SpeechSettings) -> None:
        self._host = host
        self._admission = admission
        self._speech = settings.speech
        self._model = settings.model
        self._calls: dict[str, tuple[str, Answering]] = {
            f"{ENGINE}_file": ("POST", self._from_file),
            f"{ENGINE}_samples": ("POST", self._from_samples),
            BUILD_INFO: ("GET", self._build_info),
        }

    @property
    def max_message(self) -> int:
        """Bytes of one message on these WebSockets."""
        return self._speech.max_message

    @property
    def patterns(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The paths of the HTTP calls with their methods."""
        return tuple((path, (method,)) for path, (method, _) in self._calls.items())

    @property
    def websocket_patterns(self) -> tuple[str, ...]:
        """The paths for WebSockets."""
        return tuple(_FORMS)

    def serves(self, path: str) -> bool:
        """Whether this is one of these paths."""
        return path in _FORMS or path in self._calls

    async def admit(self, request: Request) -> SpeechCall:
        """A call that holds its slot, for a request for a WebSocket: it is to be released. Raises
        Denied, and nothing else.
        """
        if request.path not in _FORMS:
            raise deny("not_found", f"no WebSocket is served at {request.path}")
        try:
            principal = await self._admitted(request)
            info = _info(request, "websocket", principal)
            call = SpeechCall(
                self._host, info, self._session(request), blocking=self._model.blocking
            )
            await self._claim(info, call.command)
        except Denied:
            raise
        except Exception as error:
            log.exception("the request for %s failed", request.path)
            raise deny("internal_error") from error
        return call

    async def respond(self, request: Request) -> Response:
        """Answer an HTTP call, or a plain request to a path for WebSockets. Raises Denied."""
        if request.path in _FORMS:
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
        method, answer = self._calls[request.path]
        if request.method not in (method, "HEAD" if method == "GET" else method):
            detail = f"{request.path} takes {method}"
            raise deny("method_not_allowed", detail, ("allow", method))
        principal = await self._admitted(request)
        info = _info(request, "http", principal)
        await self._claim(info, _ignore)
        try:
            return await answer(request)
        finally:
            await self._host.release(info.id)

    async def _admitted(self, request: Request) -> Any:
        """The principal of a request that may be answered. Raises Denied."""
        if not self._enabled(request.path):
            raise deny("not_enabled", f"{request.path} is switched off")
        origin = request.headers.get("origin")
        if origin is not None and not self._allowed(origin):
            raise deny("forbidden_origin", f"{origin[:200]} is not among the allowed origins")
        principal = await self._admission.authorize(request)
        self._admission.check_room()
        return principal

    def _enabled(self, path: str) -> bool:
        if path == BUILD_INFO:
            return True
        return self._speech.endpoint if path.startswith(ENDPOINT) else self._speech.summary

    async def _claim(self, info: CallInfo, run: Callable[[Command], None]) -> None:
        """Take a slot. Nothing may be awaited between this and what gives it back."""
        refusal = await self._host.claim(info, run)
        if refusal is not None:
            log.info("refused %s from %s: %s", info.metadata["path"], info.peer, refusal.error)
            raise Denied(refusal)

    def _session(self, request: Request) -> SpeechSession:
        """What answers on a WebSocket. Raises Denied."""
        start: Callable[[Values], Analyser]
        if request.path.startswith(ENDPOINT):
            start = self._endpoint
        else:
            start = partial(self._stream_summary, listed=self._listed(request))
        return SpeechSession(
            _FORMS[request.path],
            start,
            opus_decoder if request.path.endswith(OPUS) else None,
            carry_odd_byte=self._speech.carry_odd_byte,
        )

    def _endpoint(self, values: Values) -> Analyser:
        rule = EndpointRule(
            values["min_speech_ms"], values["max_silence_ms"], latch=self._speech.endpoint_latch
        )
        return EndpointDetector(VoiceFrames(self._model, values["sample_rate"]), rule)

    def _stream_summary(self, values: Values, *, listed: SummaryFrames) -> Analyser:
        return Summary(VoiceFrames(self._model, values["sample_rate"]), listed)

    def _listed(self, request: Request) -> SummaryFrames:
        asked = request.query.get("frames", self._speech.frames)
        for listed in SUMMARY_FRAMES:
            if asked == listed:
                return listed
        raise deny("invalid_field", f"frames is one of {', '.join(SUMMARY_FRAMES)}")

    async def _from_file(self, request: Request) -> Response:
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
            raise deny("unsupported_media_type", "the body is multipart/form-data")
        body = await self._body(request)
        try:
            found = dict(parts(content_type, body))
            file = next((found[name] for name in FILE_PARTS if name in found), None)
            if file is None:
                raise ValueError(f"the body has no part {' or '.join(FILE_PARTS)}")
            sound = WavSound(io.BytesIO(file))
        except ValueError as error:
            raise deny("invalid_body", str(error)) from error
        return await self._summarized(sound.sample_rate, sound.mono())

    async def _from_samples(self, request: Request) -> Response:
        content_type = request.headers.get("content-type", "application/octet-stream")
        if content_type.partition(";")[0].strip().lower() != "application/octet-stream":
            raise deny("unsupported_media_type", "the body is application/octet-stream")
        try:
            rate = read_rate(request.query.get("sample_rate", "").encode())
        except ValueError as error:
            raise deny("invalid_body", f"sample_rate {error}") from error
        body = await self._body(request)
        if len(body) % 2:
            raise deny("invalid_body", f"{len(body)} bytes are no whole number of 16-bit samples")
        return await self._summarized(rate, iter((body,)))

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        async for chunk in request.body:
            body += chunk
            if len(body) > self._speech.max_message:
                raise deny("body_too_large", f"at most {self._speech.max_message} bytes")
        return bytes(body)

    async def _summarized(self, sample_rate: int, sound: Iterator[bytes]) -> Response:
        """In pieces, as the sound of a WebSocket is heard: other calls go on meanwhile."""
        summary = Summary(VoiceFrames(self._model, sample_rate), kept=sys.maxsize)
        step = 2 * (PIECE_MS * sample_rate // 1000)
        share = Share()
        for pcm in sound:
            for start in range(0, len(pcm), step):
                piece = np.frombuffer(pcm[start : start + step], np.dtype("<i2"))
                if self._model.blocking:
                    await anyio.to_thread.run_sync(summary.receive, piece)
                    continue
                async with share.piece():
                    summary.receive(piece)
        return json_response(200, summary.current())

    async def _build_info(self, request: Request) -> Response:
        served = {"speech_endpoint": self._speech.endpoint, "speech_summary": self._speech.summary}
        info = BuildInfo(
            name="antiphon",
            version=version("antiphon"),
            components=[name for name, on in served.items() if on],
            voice_activity=self._model.name,
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
