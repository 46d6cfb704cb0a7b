"""Calls over HTTP from the client's end: one long upload, one event stream."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit

import anyio
import h11
import msgspec

from ..core.dialects.event_stream import EventParser
from ..core.errors import AntiphonError, SessionClosed
from ..core.messages import Start
from ..core.signaling import refusal_from_answer
from ..core.wire import Kind, close_payload
from .call import LiveCall
from .caller import Caller, refused
from .http_exchange import Exchange, Headers, opened
from .tasks import background

__all__ = ("call_http", "post_offer")

T = TypeVar("T")

MAX_EVENT = 2 * 1024 * 1024  # bytes; a server's message has at most half of that
UPLOAD = 256  # messages that may wait for a slow upload before sending pauses
RETRIES = 5  # times that a lost event stream is taken up again
RETRY_AFTER = 0.2  # seconds, doubled each time

NDJSON = ("content-type", "application/x-ndjson")
JSON = ("content-type", "application/json")

_SEVERED = (anyio.EndOfStream, anyio.BrokenResourceError, h11.RemoteProtocolError)
_BROKEN = (OSError, *_SEVERED)
_SENSELESS = (ValueError, msgspec.DecodeError)


class _Offer(msgspec.Struct):
    """What `POST /http/offer` answers."""

    token: str
    links: "_Links"


class _Links(msgspec.Struct):
    send: str
    events: str


class _End(msgspec.Struct):
    """The data of the event `end`."""

    code: int
    reason: str


class HttpClientLink:
    """Messages wait in a queue for the upload; implements `antiphon.core.ports.Link`."""

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._send, self.messages = anyio.create_memory_object_stream[bytes](float("inf"))

    @property
    def peer(self) -> str:
        return self._peer

    @property
    def writable(self) -> bool:
        # Not a bound of the stream itself: control messages are never dropped, senders wait here.
        return self._send.statistics().current_buffer_used < UPLOAD

    def send_text(self, payload: bytes) -> None:
        self._send.send_nowait(payload + b"\n")

    def send_binary(self, payload: bytes) -> None:
        raise AssertionError("a client over HTTP sends no binary messages")

    def ping(self) -> None:
        """The server keeps the watch."""

    def close(self, code: int, reason: str) -> None:
        self._send.close()

    def discard(self) -> None:
        """Nothing is sent any more."""
        self._send.close()
        self.messages.close()


@asynccontextmanager
async def call_http(
    url: SplitResult,
    start: Start,
    headers: Headers,
    tls: ssl.SSLContext | None,
    lead: float,
    timeout: float,
) -> AsyncGenerator[LiveCall]:
    """Call `http(s)://.../http/offer`. Raises as `Caller.calling`, and OSError."""
    link = HttpClientLink(url.netloc)
    try:
        caller = Caller(link, start, "http", lead)
        caller.begin()
        with anyio.fail_after(timeout):
            body = link.messages.receive_nowait()
            offer = await post_offer(url, body, headers, tls, _Offer)
        # Of two proofs only the call's own counts.
        others = tuple(header for header in headers if header[0] != "authorization")
        proof = (*others, ("authorization", f"Bearer {offer.token}"))
        wire = _Wire(url, offer.links, proof, tls, caller, link)
        async with background() as tasks:
            tasks.start_soon(wire.run)
            try:
                async with caller.calling(timeout) as call:
                    yield call
            finally:
                wire.stop()
    finally:
        link.discard()


async def post_offer(
    url: SplitResult,
    body: bytes,
    headers: Headers,
    tls: ssl.SSLContext | None,
    answer_type: type[T],
) -> T:
    """Ask for a call. Raises CallRefused, SessionClosed for an answer that is none, OSError."""
    try:
        status, answer = await _exchange_offer(url, body, headers, tls)
        if status in (200, 201):
            return msgspec.json.decode(answer, type=answer_type)
    except OSError:
        raise  # a certificate that is not trusted is a ValueError, too
    except _SEVERED as error:
        reason = str(error) or "it closed the connection"
        raise SessionClosed(1006, f"the server did not answer: {reason}") from error
    except _SENSELESS as error:
        raise SessionClosed(1002, f"the server's answer makes no sense: {error}") from error
    raise refused(refusal_from_answer(status, answer))


async def _exchange_offer(
    url: SplitResult, body: bytes, headers: Headers, tls: ssl.SSLContext | None
) -> tuple[int, bytes]:
    async with opened(url, tls) as exchange:
        length = ("content-length", str(len(body)))
        await exchange.request("POST", _target(url), (JSON, length, *headers))
        await exchange.body(body)
        await exchange.end()
        response = await exchange.response()
        return response.status_code, await exchange.whole()


def _target(url: SplitResult) -> str:
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


class _Wire:
    """The two directions of one call."""

    def __init__(
        self,
        url: SplitResult,
        links: _Links,
        headers: Headers,
        tls: ssl.SSLContext | None,
        caller: Caller,
        link: HttpClientLink,
    ) -> None:
        self._url = url
        self._send = urlsplit(urljoin(url.geturl(), links.send))
        self._events = urlsplit(urljoin(url.geturl(), links.events))
        self._headers = headers
        self._tls = tls
        self._caller = caller
        self._link = link
        self._last_id = ""
        self._failures = 0
        self._shelter = anyio.CancelScope(shield=True)

    async def run(self) -> None:
        """Both directions until `stop`: a caller that is cancelled still says goodbye."""
        with self._shelter:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.listen)
                tasks.start_soon(self.upload)

    def stop(self) -> None:
        """The goodbyes are said, or not waited for any longer."""
        self._shelter.cancel()

    async def upload(self) -> None:
        """One long request whose body is the messages, a line each."""
        driver = self._caller.driver
        try:
            async with opened(self._url, self._tls) as exchange:
                chunked = ("transfer-encoding", "chunked")
                target = _target(self._send)
                await exchange.request("POST", target, (NDJSON, chunked, *self._headers))
                async for line in self._link.messages:
                    await exchange.body(line)
                    driver.resumed()
                await exchange.end()
                response = await exchange.response()
                if response.status_code >= 400:
                    answer = await exchange.whole()
                    raise refused(refusal_from_answer(response.status_code, answer))
        except _BROKEN as error:
            driver.lost(f"the upload broke: {error}")
        except (AntiphonError, *_SENSELESS) as error:
            driver.lost(str(error))

    async def listen(self) -> None:
        """The event stream, taken up again where it was lost."""
        driver = self._caller.driver
        lost = "the event stream ended"
        while self._failures <= RETRIES:
            try:
                async with opened(self._url, self._tls) as exchange:
                    if await self._read(exchange):
                        break
            except _BROKEN as error:
                lost = f"the event stream broke: {error}"
            except (AntiphonError, *_SENSELESS) as error:
                lost = str(error)
                break
            await anyio.sleep(RETRY_AFTER * 2**self._failures)
            self._failures += 1
        driver.lost(lost)
        self._caller.gone.set()

    async def _read(self, exchange: Exchange) -> bool:
        """Feed one connection's events; whether the call is over."""
        resume = (("last-event-id", self._last_id),) if self._last_id else ()
        target = _target(self._events)
        await exchange.request("GET", target, (*self._headers, *resume))
        await exchange.end()
        response = await exchange.response()
        if response.status_code != 200:
            answer = await exchange.whole()
            raise refused(refusal_from_answer(response.status_code, answer))
        parser = EventParser(MAX_EVENT)
        driver = self._caller.driver
        async for chunk in exchange.chunks():
            now = anyio.current_time()
            for event in parser.receive(chunk):
                self._failures = 0
                self._last_id = event.id or self._last_id
                if event.event == "end":
                    end = msgspec.json.decode(event.data, type=_End)
                    driver.feed(Kind.CLOSE, close_payload(end.code, end.reason), now)
                    return True
                if event.event == "message":
                    driver.feed(Kind.TEXT, event.data.encode(), now)
                if driver.failure is not None:
                    return True
        return False
