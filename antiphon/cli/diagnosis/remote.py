"""A server elsewhere: whether it is one of ours, and what proxies on the way make of it."""

import ssl
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import SplitResult

import anyio
import anyio.streams.tls
import h11
import msgspec

from ...client import connect
from ...core.errors import CallRefused, SessionClosed
from ...stream import Modality
from ...transports.answers import Health
from ...transports.http_exchange import address, headers_of, opened
from ..failures import explain
from .certificate import SOON
from .finding import Finding, is_well, note, ok, problem, skipped
from .listening import look_at_microphone

__all__ = ("Place", "look_at_server")

_SERVER, _TLS = "server", "TLS"
_BROKEN = (
    OSError,
    TimeoutError,
    ValueError,
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    h11.RemoteProtocolError,
)
_PINGS = 3
_DAY = 86_400
_WELL = (1000, 1001)  # RFC 6455 section 7.4.1
_PROXY = {
    "WebSocket": "a proxy has to pass the upgrade: `Upgrade` and `Connection` headers, HTTP/1.1",
    "HTTP and server-sent events": "a proxy has to pass events as they come: no buffering, no"
    " compression, read time-outs of minutes",
    "WebRTC": "UDP has to pass between this machine and the server, beside any proxy: open its"
    " ports, or give the server a TURN server",
}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server is, and how to speak to it."""

    base: SplitResult
    """`http(s)://host[:port][/mount]`."""
    headers: Mapping[str, str]
    tls: ssl.SSLContext | None
    """None without TLS."""
    timeout: float
    """Seconds for each thing that is tried."""

    def url(self, path: str, carrier: str = "") -> str:
        """A URL below the base; carrier: `ws`, `webrtc`, or nothing for HTTP."""
        scheme = self.base.scheme
        if carrier == "ws":
            scheme = scheme.replace("http", "ws")
        elif carrier == "webrtc":
            scheme = f"webrtc+{scheme}"
        return self.base._replace(scheme=scheme, path=self.base.path.rstrip("/") + path).geturl()


async def look_at_server(place: Place) -> AsyncIterator[Finding]:
    """Everything from its name to a call over each transport."""
    try:
        found = await _health(place)
        if place.tls is not None and is_well(found):
            found.append(await _certificate(place))
    except _BROKEN as error:
        yield _silent(place, error)
        return
    for finding in found:
        yield finding
    if not is_well(found):
        return
    host, port = address(place.base)
    yield look_at_microphone(host, port, tls=place.tls is not None)
    yield await _call(place, "WebSocket", place.url("/websocket/offer", "ws"))
    yield await _call(place, "HTTP and server-sent events", place.url("/http/offer"))
    yield await _call(place, "WebRTC", place.url("/webrtc/offer", "webrtc"))


def _silent(place: Place, error: Exception) -> Finding:
    advice = "look at the host, the port, the firewall and its log"
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = "look at it with `antiphon doctor --tls-cert FILE` there; --insecure goes on here"
    return problem(_SERVER, explain(error, place.url(""), place.timeout), advice)


async def _get(place: Place, path: str) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body. Raises what is in _BROKEN."""
    target = place.base.path.rstrip("/") + path
    pairs = tuple((name.lower(), value) for name, value in place.headers.items())
    with anyio.fail_after(place.timeout):
        async with opened(place.base, place.tls) as exchange:
            await exchange.request("GET", target, (*pairs, ("connection", "close")))
            await exchange.end()
            response = await exchange.response()
            return response.status_code, headers_of(response), await exchange.whole()


async def _health(place: Place) -> list[Finding]:
    url = place.url("/health")
    status, headers, body = await _get(place, "/health")
    try:
        health = msgspec.json.decode(body, type=Health)
    except msgspec.DecodeError:
        text = f"{url} answers {status}, but it is no antiphon{_by(headers)}"
        advice = "name the path where the stream is mounted, as in https://host/voice"
        return [problem(_SERVER, text, advice)]
    if health.status != "ok":
        return [problem(_SERVER, f"{url}: it is shutting down", "wait for its successor")]
    told = f"antiphon {await _version(place)}{_by(headers)}, {health.calls} calls"
    return [ok(_SERVER, told)]


def _by(headers: Mapping[str, str]) -> str:
    """Who else has a hand in the answer: our own server names nobody."""
    named = [headers[name] for name in ("server", "via") if name in headers]
    return f" behind {', '.join(named)}" if named else ""


async def _version(place: Place) -> str:
    _, _, body = await _get(place, "/openapi.json")
    try:
        told: Any = msgspec.json.decode(body)["info"]["version"]
    except (msgspec.DecodeError, LookupError, TypeError):
        return "of an unknown version"
    return str(told)


async def _certificate(place: Place) -> Finding:
    """Its trust has been checked by now; what is left is its time."""
    host, port = address(place.base)
    with anyio.fail_after(place.timeout):
        async with await anyio.connect_tcp(
            host, port, tls=True, ssl_context=place.tls, tls_standard_compatible=False
        ) as stream:
            found: Any = stream.extra(anyio.streams.tls.TLSAttribute.peer_certificate, None)
    if not found:
        return skipped(_TLS, "the certificate is not looked at (--insecure)")
    left = int((ssl.cert_time_to_seconds(found["notAfter"]) - time.time()) // _DAY)
    if left < SOON:
        return note(_TLS, f"trusted; the certificate ends in {left} days", "renew it")
    return ok(_TLS, f"trusted; the certificate is good for {left} days")


async def _call(place: Place, name: str, url: str) -> Finding:
    """One short call, with pings."""
    try:
        try:
            trips = await _trips(place, url, "audio")
        except CallRefused as refused:
            if refused.reason != "unsupported_modality":
                raise
            if name != "WebRTC":
                return skipped(name, "this stream has pictures, which only WebRTC carries")
            trips = await _trips(place, url, "video")
    except SessionClosed as closed:
        if closed.code in _WELL:
            return ok(name, "a call came about, and the handler ended it")
        return problem(name, f"{url}: {closed}", _PROXY[name])
    except CallRefused as refused:
        return _refused(name, refused)
    except (OSError, TimeoutError, ValueError) as error:
        return problem(name, explain(error, url, place.timeout), _PROXY[name])
    shown = ", ".join(f"{trip * 1000:.1f}" for trip in trips)
    return ok(name, f"a call came about; round trips of {shown} ms")


async def _trips(place: Place, url: str, modality: Modality) -> list[float]:
    with anyio.fail_after(place.timeout):
        async with connect(
            url,
            headers=place.headers,
            tls=place.tls,
            timeout=place.timeout,
            modality=modality,
            metadata={"purpose": "antiphon doctor"},
        ) as call:
            return [await call.ping() for _ in range(_PINGS)]


def _refused(name: str, refused: CallRefused) -> Finding:
    match refused.reason:
        case "unauthorized":
            return problem(name, str(refused), "--header 'Authorization: Bearer ...' proves you")
        case "concurrency_limit_reached":
            return note(name, str(refused), "it answers, and has no room: come back later")
        case _:
            return problem(name, str(refused), f"{_PROXY[name]}; the server's log may say more")
