"""The application object: a handler, its modality, mode and limits, and the ways to serve it."""

import logging
import signal
import ssl
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from math import inf
from types import MappingProxyType
from typing import Any, Literal

import anyio

from .core.address_policy import AddressPolicy
from .core.errors import UnknownCall
from .core.ice_servers import RtcConfiguration, read_configuration
from .core.liveness import Timing
from .core.playout import LEAD
from .core.ports import CallInfo, Directory, Handler, HangUp, Output, SetInputs
from .core.ring import Position, parse_position
from .core.session import SessionConfig
from .handlers.generator import SoundSource, as_audio_handler
from .handlers.kinds import check_handler
from .handlers.vad.choose import voice_activity_model
from .handlers.verify.choose import speaker_encoder
from .handlers.video import FrameFunction, PictureSource, as_video_handler
from .transports.asgi import AsgiApp
from .transports.asgi_mount import mount
from .transports.directory import LocalDirectory
from .transports.driver import AUDIO_BACKLOG
from .transports.host import Host, Settings
from .transports.http import listen
from .transports.ice_config import ConfigurationSource
from .transports.input_types import input_type
from .transports.requests import Request
from .transports.routes import Routes
from .transports.speech_settings import Speech, SpeechSettings
from .transports.tasks import background

__all__ = ("Stream",)

log = logging.getLogger("antiphon")

Modality = Literal["audio", "video", "audio-video"]
Mode = Literal["send-receive", "send", "receive"]
_MODALITIES = ("audio", "video", "audio-video")
SAMPLE_RATE = 24000  # Hz, both ways; docs/protocol.md
_MODES = ("send-receive", "send", "receive")


class Stream:
    """A handler, ready to be served on every transport.

    handler: a coroutine function `async def handler(call: Call) -> None`, or an object with such a
        `__call__`, as subclasses of `StreamHandler` and its like are. Returning ends the call. With
        modality "video" any other function and every generator function stands for
        `VideoStreamHandler(function)`; a coroutine function of pictures has to be wrapped in it, as
        its like is a handler of calls. With modality "audio" and mode "receive" a generator
        function of sound stands for `AudioGenerator(function)`. Received sound waits 0.3 s for a
        handler, or what its attribute `audio_backlog` says; then the oldest is dropped.
    modality: what is exchanged; WebSocket and HTTP carry audio, WebRTC and memory all three.
    mode: who speaks, seen from the client.
    input_sample_rate, output_sample_rate: Hz, the rates at which the handler listens, and speaks to
        clients that name no media format. Frames of any other rate are converted. None for what
        the handler's own attributes of these names say, and 24,000 where it has none.
    concurrency_limit: live calls at a time, over all transports; None for no limit.
    connecting_limit: connections at a time that have not become a call yet.
    time_limit, idle_timeout: seconds of a call, and of it without any message; None for none.
    inputs: the type that `/input_hook` reads bodies into (msgspec Struct, dataclass, TypedDict or
        pydantic model); its fields become the positional inputs.
    authorize: called with each `Request` that opens a call or speaks for one; returns the
        principal, which the handler finds as `call.principal`. None, False or PermissionError
        refuse (401). May be a coroutine function.
    origins: browser origins that may use this server besides its own; `["*"]` for all.
    require_token: whether inputs and outputs over HTTP need the token of their call.
    lead: seconds of sound sent ahead of the listener at most.
    start_timeout, ping_interval, ping_timeout: seconds; docs/protocol.md, Limits.
    max_message: bytes of one message from a client.
    rtc_configuration, server_rtc_configuration: the ICE servers of the pages and of this server, as
        browsers take them: `{"iceServers": [{"urls": ..., "username": ..., "credential": ...}],
        "iceTransportPolicy": "all" or "relay"}`, or a function or coroutine function that gives one
        for each call. None for none: nothing outside is contacted.
    address_policy: which addresses of clients are tried over WebRTC; `AddressPolicy` says what the
        default refuses.
    directory: where calls are registered; in memory by default.
    speech: whether the speech endpoints are served as well, beside this handler and whatever its
        modality: True for `Speech()`, or one with other settings. docs/speech.md.

    Raises ValueError or TypeError for what does not fit.
    """

    def __init__(
        self,
        handler: Handler | FrameFunction | PictureSource | SoundSource,
        *,
        modality: Modality = "audio",
        mode: Mode = "send-receive",
        input_sample_rate: int | None = None,
        output_sample_rate: int | None = None,
        concurrency_limit: int | None = 100,
        connecting_limit: int = 100,
        time_limit: float | None = None,
        idle_timeout: float | None = None,
        inputs: Any = None,
        authorize: Callable[[Request], Any] | None = None,
        origins: Collection[str] = (),
        require_token: bool = False,
        lead: float = LEAD,
        start_timeout: float = 5.0,
        ping_interval: float = 20.0,
        ping_timeout: float = 20.0,
        max_message: int = 1024 * 1024,
        rtc_configuration: ConfigurationSource = None,
        server_rtc_configuration: ConfigurationSource = None,
        address_policy: AddressPolicy | None = None,
        directory: Directory | None = None,
        speech: bool | Speech = False,
    ) -> None:
        _one_of("modality", modality, _MODALITIES)
        _one_of("mode", mode, _MODES)
        native = _native(handler, modality, mode)
        input_sample_rate = _rate("input_sample_rate", input_sample_rate, native)
        output_sample_rate = _rate("output_sample_rate", output_sample_rate, native)
        _at_least("concurrency_limit", concurrency_limit, 1)
        _at_least("connecting_limit", connecting_limit, 1)
        _at_least("max_message", max_message, 1024)
        timing = Timing(
            start_timeout=_seconds("start_timeout", start_timeout),
            time_limit=_seconds("time_limit", time_limit),
            idle_timeout=_seconds("idle_timeout", idle_timeout),
            ping_interval=_seconds("ping_interval", ping_interval),
            ping_timeout=_seconds("ping_timeout", ping_timeout),
        )
        session = SessionConfig(
            input_sample_rate=input_sample_rate,
            output_sample_rate=output_sample_rate,
            mode=mode,
            lead=_seconds("lead", lead),
            timing=timing,
        )
        settings = Settings(
            modality=modality,
            session=session,
            concurrency_limit=concurrency_limit,
            connecting_limit=connecting_limit,
            max_message=max_message,
            input_type=None if inputs is None else input_type(inputs),
            authorize=authorize,
            origins=frozenset(_origins(origins)),
            require_token=require_token,
            rtc_configuration=_configuration(rtc_configuration),
            server_rtc_configuration=_configuration(server_rtc_configuration),
            address_policy=address_policy or AddressPolicy(),
            audio_backlog=getattr(native, "audio_backlog", AUDIO_BACKLOG),
            speech=_speech(speech),
        )
        self._directory = directory or LocalDirectory(time.time_ns() // 1000)
        self._host = Host(native, settings, self._directory)
        self._routes = Routes(self._host)
        self._asgi = AsgiApp(self._routes)

    @property
    def calls(self) -> list[CallInfo]:
        """The live calls, oldest first."""
        return self._directory.calls()

    @property
    def handlers(self) -> Mapping[str, Any]:
        """What handles each live call of this process, by id, where the handler makes a copy of
        itself for each: `stream.handlers[call_id].trigger_response()`.
        """
        return MappingProxyType(getattr(self._host.handler, "live", {}))

    def hang_up(self, call_id: str, reason: str = "the server hung up") -> None:
        """End a live call; its client is told the reason. From any thread. Raises UnknownCall."""
        self._directory.command(call_id, HangUp(reason))

    def set_input(self, call_id: str, *values: Any) -> None:
        """Give a call's handler inputs; they are seen by its next call. From any thread. Raises
        UnknownCall.
        """
        self._directory.command(call_id, SetInputs(values))

    def output_stream(
        self, call_id: str, after: str | Position | None = None
    ) -> AsyncIterator[Output]:
        """All outputs of a call, from the oldest of the newest 256, or from behind the position
        `after` (as `Last-Event-ID` has it), to its end. Raises UnknownCall at once, ValueError for
        what is no position.
        """
        seen = parse_position(after) if isinstance(after, str) else after
        return _values(self._directory.subscribe(call_id, seen))

    async def fetch_latest_output(self, call_id: str, timeout: float = 10.0) -> Output:
        """The newest output of a call; waits for the first. Raises UnknownCall, TimeoutError."""
        newest = self._directory.newest(call_id)
        if newest is not None:
            return newest
        outputs = self._directory.subscribe(call_id)
        with anyio.fail_after(timeout):
            async for _, output in outputs:
                return await self._newest(call_id, output, outputs)
        raise UnknownCall(call_id)

    async def _newest(
        self, call_id: str, first: Output, rest: AsyncIterator[tuple[Position, Output]]
    ) -> Output:
        """Several outputs may have come at once, and the call may have ended with them."""
        try:
            return self._directory.newest(call_id) or first
        except UnknownCall:
            return [first, *[output async for _, output in rest]][-1]

    async def handle_offer(
        self, body: Mapping[str, Any], *, address: str = "", principal: Any = None
    ) -> dict[str, Any]:
        """Answer what `/webrtc/offer` is asked, from a route of the application's own: the answer,
        or the refusal `{"status": "failed", "meta": ...}`.

        body: as the route takes it; what else stands in an offer is found in `call.metadata`.
        address: of the client, as `request.client.host`; without it a client on this machine cannot
            use loopback addresses. principal: for `call.principal`; `authorize` is not asked.
        """
        return await self._asgi.handle_offer(body, address, principal)

    @asynccontextmanager
    async def running(self, grace: float = 0.0) -> AsyncGenerator[None]:
        """Take calls inside this context, by whatever leads them here; does nothing when the stream
        is served already.
        """
        if self._host.running:
            yield
            return
        async with self._host.run(grace):
            yield

    @property
    def host(self) -> Host:
        """The running side, for transports and tests."""
        return self._host

    @property
    def asgi(self) -> AsgiApp:
        """An ASGI application: `uvicorn app:stream.asgi`."""
        return self._asgi

    def mount(self, app: Any, path: str = "") -> None:
        """Serve under `path` of a FastAPI or Starlette application, sharing its lifespan.

        A route that the application has for exactly the path of one of the stream's is served
        instead of it, whichever was added first; of others that match (a folder of files at `/`)
        the one that was added first. UnknownCall, raised in a route of the application, becomes the
        refusal with status 404, unless the application handles it. Raises ValueError when a stream
        is mounted at this path already, TypeError for another kind of application.
        """
        mount(self._asgi, app, path)

    async def serve(
        self,
        host: str = "127.0.0.1",
        port: int = 8000,
        *,
        tls: ssl.SSLContext | None = None,
        grace: float = 5.0,
        engine: str = "wsproto",
        ready: Callable[[int], None] | None = None,
    ) -> None:
        """Serve until cancelled, or until SIGINT or SIGTERM when run in the main thread.

        On the way out no call is admitted, clients are told, and calls get `grace` seconds to end.
        `ready` is called with the port when it listens; what calls over WebRTC stand on is imported
        after that. Raises OSError when the port is taken.
        """
        async with (
            listen(self._routes, host, port, tls=tls, engine=engine) as bound,
            self._host.run(grace),
            background() as tasks,
        ):

            def listening() -> None:
                if ready is not None:
                    ready(bound)
                tasks.start_soon(self._routes.prepare)

            await _until_signal(listening)


async def _until_signal(listening: Callable[[], None]) -> None:
    if threading.current_thread() is not threading.main_thread():
        listening()
        await anyio.sleep_forever()
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        # Whoever is told may stop us at once.
        listening()
        async for number in signals:
            log.info("%s: shutting down", number.name)
            return


async def _values(outputs: AsyncIterator[tuple[Any, Output]]) -> AsyncIterator[Output]:
    async for _, output in outputs:
        yield output


def _native(handler: Any, modality: Modality, mode: Mode) -> Handler:
    if modality == "video" and getattr(handler, "listens", False):
        raise ValueError(
            f"{type(handler).__name__} listens to sound: its modality is 'audio' or 'audio-video',"
            " not 'video'"
        )
    match modality:
        case "video":
            return check_handler(as_video_handler(handler, mode))
        case "audio":
            return as_audio_handler(handler, mode)
        case _:
            return check_handler(handler)


def _configuration(source: ConfigurationSource) -> ConfigurationSource:
    if source is None or callable(source) or isinstance(source, RtcConfiguration):
        return source
    return read_configuration(source)


def _speech(given: bool | Speech) -> SpeechSettings | None:
    if given is False:
        return None
    speech = Speech() if given is True else given
    encoder = speaker_encoder(speech.speaker_encoder) if speech.verification else None
    return SpeechSettings(speech, voice_activity_model(speech.voice_activity), encoder)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is one of {', '.join(allowed)}, not {value!r}")


def _rate(name: str, given: int | None, handler: Handler) -> int:
    value: int = getattr(handler, name, SAMPLE_RATE) if given is None else given
    if not 8000 <= value <= 48000:
        raise ValueError(f"{name} is 8000 to 48000 Hz, not {value!r}")
    return value


def _at_least(name: str, value: object, least: int) -> None:
    if value is not None and not isinstance(value, int):
        raise TypeError(f"{name} is a whole number or None, not {value!r}")
    if value is not None and value < least:
        raise ValueError(f"{name} is at least {least}, not {value!r}")


def _seconds(name: str, value: float | None) -> float:
    if value is None:
        return inf
    if not value > 0:
        raise ValueError(f"{name} is more than 0 seconds, not {value!r}")
    return float(value)


def _origins(origins: Collection[str]) -> Collection[str]:
    if isinstance(origins, str):
        raise TypeError("origins is a list of origins, not one string")
    for origin in origins:
        if origin != "*" and "://" not in origin:
            raise ValueError(f"an origin reads https://host[:port], not {origin!r}")
    return origins
