"""A server of `/http/offer` that follows a script; an ASGI application."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.conformance.peer import Inbox, Mailbox
from tests.conformance.trace import REFUSALS, heard

__all__ = ("HttpScript", "HttpServer", "respond", "whole_body")

LINKS = {"send": "/http/one/send", "events": "/http/one/events", "end": "/http/one"}


class HttpScript:
    """One call: an offer that waits for its answer, an upload, an event stream."""

    def __init__(self) -> None:
        self.answer: Mailbox[dict[str, Any]] = Mailbox()
        self.events: Mailbox[bytes] = Mailbox()
        self.gone = False
        self._answered = False
        self._count = 0

    async def text(self, payload: bytes) -> None:
        if not self._answered:
            self._answered = True
            self.answer.put(json.loads(payload))
        self._count += 1
        self.events.put(b"id: 1-%d\ndata: %s\n\n" % (self._count, payload))

    async def samples(self, payload: bytes) -> None:
        raise AssertionError("an event stream carries no raw samples")

    async def close(self, code: int, reason: str) -> None:
        end = json.dumps({"code": code, "reason": reason}).encode()
        self.events.put(b"event: end\ndata: %s\n\n" % end)
        self.events.end()

    async def vanish(self) -> None:
        self.gone = True
        self.events.end()


class HttpServer:
    """Tells `offered` of each call with what its client will say."""

    def __init__(self, offered: Callable[[HttpScript, Inbox], None]) -> None:
        self._offered = offered
        self._script = HttpScript()
        self._inbox = Inbox()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        match scope["method"], scope["path"]:
            case "POST", "/http/offer":
                await self._offer(receive, send)
            case "POST", "/http/one/send":
                await self._upload(receive, send)
            case "GET", "/http/one/events" if not self._script.gone:
                await self._events(receive, send)
            case _:
                await respond(
                    send, 404, {"status": "failed", "meta": {"error": "unknown_connection"}}
                )

    async def _offer(self, receive: Any, send: Any) -> None:
        body = await whole_body(receive)
        self._inbox.put(heard(body))
        self._offered(self._script, self._inbox)
        answer = await self._script.answer.take()
        if "status" in answer:
            await respond(send, REFUSALS[answer["meta"]["error"]][0], answer)
            return
        offer = {key: answer[key] for key in ("token", "media_format")}
        await respond(send, 201, {"session_id": "one", **offer, "links": LINKS})

    async def _upload(self, receive: Any, send: Any) -> None:
        rest = b""
        async for chunk in _body(receive):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._inbox.put(heard(line))
        await respond(send, 204, None)

    async def _events(self, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for event in self._script.events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def whole_body(receive: Any) -> bytes:
    """The body of a request."""
    return b"".join([chunk async for chunk in _body(receive)])


async def _body(receive: Any) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def respond(send: Any, status: int, body: Any) -> None:
    """Send a response of JSON, or an empty one."""
    content = b"" if body is None else json.dumps(body).encode()
    headers = [(b"content-type", b"application/json")]
    if body is not None:
        headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
