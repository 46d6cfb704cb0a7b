"""A peer over HTTP and server-sent events: httpx, and a reader of events of its own."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import msgspec
from anyio.abc import TaskGroup

from tests.conformance.peer import Inbox, Mailbox
from tests.conformance.places import Place
from tests.conformance.trace import REFUSALS, Closed, Refused, error, heard, matching, refusal

__all__ = ("checked_refusal", "dial_http", "server_sent")

_ERRORS = {"invalid_body", "invalid_field", "invalid_order", "policy_violation", "body_too_large"}
JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}
SAMPLES = {"content-type": "application/octet-stream"}


def checked_refusal(response: httpx.Response) -> tuple[Refused, str]:
    """What a response refuses, and the detail; its status is the one that belongs to it."""
    body: Any = response.json()
    failed = refusal(body)
    assert response.status_code == REFUSALS[failed.error][0]
    assert (response.status_code == 429) == ("retry-after" in response.headers)
    return failed, body["meta"].get("detail", "")


async def server_sent(response: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """The events of a response: their fields by name."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            yield fields
            fields = {}


class _HttpWire:
    """One call: an offer, then what is sent as requests of its own or as lines of one upload."""

    def __init__(
        self, client: httpx.AsyncClient, inbox: Inbox, tasks: TaskGroup, *, one_upload: bool
    ) -> None:
        self._client = client
        self._inbox = inbox
        self._tasks = tasks
        self._one_upload = one_upload
        self._links: Mapping[str, str] = {}
        self._token = ""
        self._lines: Mailbox[bytes] = Mailbox()
        self._uploaded = anyio.Event()
        self._denied: tuple[Refused, str] | None = None

    async def text(self, payload: bytes) -> None:
        if not self._links:
            await self._offer(payload)
        elif self._one_upload:
            self._lines.put(payload + b"\n")
        elif payload == b'{"event": "stop"}':
            self._look_at(await self._client.delete(self._links["end"], headers=self._proof))
        else:
            await self._post(payload, JSON)

    async def samples(self, payload: bytes) -> None:
        await self._post(payload, SAMPLES)

    async def vanish(self) -> None:
        self._tasks.cancel_scope.cancel()

    @property
    def _proof(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token}"}

    async def _offer(self, payload: bytes) -> None:
        response = await self._client.post("/http/offer", content=payload, headers=JSON)
        if response.status_code != 201:
            failed, detail = checked_refusal(response)
            self._inbox.put(error(detail) if failed.error in _ERRORS else failed)
            self._inbox.put(Closed(REFUSALS[failed.error][1]))
            self._inbox.end()
            return
        body = response.json()
        assert set(body) == {"session_id", "token", "media_format", "links"}
        assert body["token"] == matching(r"[A-Za-z0-9_-]{22,}")
        assert set(body["media_format"]) == {"encoding", "sample_rate"}
        self._links, self._token = body["links"], body["token"]
        self._tasks.start_soon(self._listen)
        if self._one_upload:
            self._tasks.start_soon(self._send_lines)

    async def _post(self, payload: bytes, kind: Mapping[str, str]) -> None:
        headers = {**kind, **self._proof}
        self._look_at(
            await self._client.post(self._links["send"], content=payload, headers=headers)
        )

    async def _send_lines(self) -> None:
        headers = {**NDJSON, **self._proof}
        self._look_at(
            await self._client.post(self._links["send"], content=self._lines, headers=headers)
        )
        self._uploaded.set()

    def _look_at(self, response: httpx.Response) -> None:
        if response.status_code == 204:
            return
        failed, detail = checked_refusal(response)
        if failed.error == "connection_closed":
            return  # it says that the call ended first, not why
        if self._one_upload and response.request.headers["content-type"] == NDJSON["content-type"]:
            line, _, detail = detail.partition(": ")
            assert line == matching(r"line \d+")
        self._denied = failed, detail

    async def _listen(self) -> None:
        said = None
        url = f"{self._links['events']}?token={self._token}"
        async with self._client.stream("GET", url) as response:
            assert response.status_code == 200
            assert response.headers["content-type"] == "text/event-stream"
            async for event in server_sent(response):
                match event:
                    case {"event": "end", "data": data}:
                        await self._ended(msgspec.json.decode(data)["code"], said)
                        return
                    case {"id": _, "data": data}:
                        said = heard(data)
                        self._inbox.put(said)
                    case _:
                        raise AssertionError(event)

    async def _ended(self, code: int, said: object) -> None:
        if self._one_upload:
            self._lines.end()
            await self._uploaded.wait()
        if self._denied is not None:
            failed, detail = self._denied
            assert code == REFUSALS[failed.error][1]
            assert said == error(detail)
        self._inbox.put(Closed(code))
        self._inbox.end()


@asynccontextmanager
async def dial_http(
    place: Place, headers: Mapping[str, str], inbox: Inbox, *, one_upload: bool
) -> AsyncGenerator[_HttpWire]:
    """A client of `/http/offer`; the call begins with the first message."""
    async with (
        httpx.AsyncClient(base_url=place.url, headers=headers, trust_env=False) as client,
        anyio.create_task_group() as tasks,
    ):
        yield _HttpWire(client, inbox, tasks, one_upload=one_upload)
        tasks.cancel_scope.cancel()
