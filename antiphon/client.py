"""The client's end of a call: for bots, tests and load, and for handlers without a network."""

import secrets
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any
from urllib.parse import SplitResult, urlsplit

import anyio
import anyio.to_thread

from .core.messages import MediaFormat, Start
from .core.playout import LEAD
from .core.ports import Call
from .stream import Modality, Mode, Stream
from .transports.http_client import call_http
from .transports.ice_config import ConfigurationSource
from .transports.memory import call_host
from .transports.websocket_client import call_websocket

__all__ = ("connect",)

_SECURE = {
    "ws": False,
    "wss": True,
    "http": False,
    "https": True,
    "webrtc+http": False,
    "webrtc+https": True,
}


@asynccontextmanager
async def connect(
    target: str | Stream,
    *,
    call_id: str | None = None,
    encoding: str = "audio/x-mulaw",
    sample_rate: int = 24000,
    metadata: Mapping[str, Any] | None = None,
    inputs: Sequence[Any] | None = None,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    lead: float = LEAD,
    timeout: float = 10.0,
    engine: str = "wsproto",
    modality: Modality = "audio",
    mode: Mode = "send-receive",
    rtc_configuration: ConfigurationSource = None,
) -> AsyncGenerator[Call]:
    """Open a call and hang up at the end: `async with connect(url) as call:`.

    target: `ws(s)://host/websocket/offer`, `http(s)://host/http/offer`,
        `webrtc+http(s)://host/webrtc/offer`, or a `Stream` of this process, which is then called in
        memory: unpaced, lossless, without a socket.
    call_id: the id of the call; random by default.
    encoding, sample_rate: how sound travels: `audio/x-mulaw`, `audio/x-alaw` or `audio/pcm`, in Hz.
        Frames in `call.audio` have this rate; those given to `send_audio` may have any.
    metadata, inputs: for the handler, with the start.
    headers: for the HTTP requests, such as `Authorization`.
    tls: for wss and https; the system's certificate authorities by default.
    lead: seconds of sound sent ahead of real time at most.
    timeout: seconds to connect, and then for the server's yes.
    engine: the WebSocket frame engine, `wsproto` or `websockets`.
    modality, mode, rtc_configuration: over WebRTC, the tracks that are offered, and the ICE servers
        to use: none by default. `encoding` does not count there: sound travels as Opus.

    Raises CallRefused, SessionClosed, TimeoutError, OSError, ValueError for a bad URL.
    """
    start = Start(
        websocket_id=call_id or secrets.token_urlsafe(12),
        media_format=MediaFormat(encoding, sample_rate),
        metadata=dict(metadata or {}),
        inputs=list(inputs) if inputs is not None else None,
    )
    if isinstance(target, Stream):
        async with call_host(target.host, start, timeout) as call:
            yield call
        return
    url, context = _parsed(target, tls)
    pairs = tuple((name.lower(), value) for name, value in (headers or {}).items())
    opened: AbstractAsyncContextManager[Call]
    if url.scheme in ("ws", "wss"):
        opened = call_websocket(url, start, pairs, context, lead, timeout, engine)
    elif url.scheme.startswith("webrtc+"):
        module = await anyio.to_thread.run_sync(import_module, "antiphon.transports.webrtc_client")
        url = url._replace(scheme=url.scheme.removeprefix("webrtc+"))
        opened = module.call_webrtc(
            url, start, pairs, context, lead, timeout, modality, mode, rtc_configuration
        )
    else:
        opened = call_http(url, start, pairs, context, lead, timeout)
    async with opened as call:
        yield call


def _parsed(target: str, tls: ssl.SSLContext | None) -> tuple[SplitResult, ssl.SSLContext | None]:
    url = urlsplit(target)
    secure = _SECURE.get(url.scheme)
    if secure is None or not url.hostname:
        raise ValueError(
            "a call goes to ws(s)://host/..., http(s)://host/... or webrtc+http(s)://host/...,"
            f" not {target!r}"
        )
    if not secure:
        return url, None
    return url, tls or ssl.create_default_context()
