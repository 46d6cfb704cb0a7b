"""A peer over WebRTC: plain aiortc, with a data channel alone or with sound on a track."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import numpy as np
from anyio.abc import TaskGroup

from antiphon.core.audio.codecs import codec_for
from tests.conformance.http_wire import checked_refusal
from tests.conformance.peer import Inbox
from tests.conformance.places import Place
from tests.conformance.trace import Closed, Item, Sound, heard
from tests.webrtc.peer import RtcPeer, calling, ear

__all__ = ("dial_data_channel", "dial_tracks")

LOUD = 300  # of 32768: what is softer is what Opus makes of silence
MULAW = codec_for("audio/x-mulaw")


class _RtcWire:
    """One peer; its call begins with its offer when it has a track, else with its `start`."""

    def __init__(self, client: httpx.AsyncClient, rtc: RtcPeer, inbox: Inbox) -> None:
        self._client = client
        self._rtc = rtc
        self._inbox = inbox
        self._refused = False

    async def offer(self, call_id: Any, fields: Mapping[str, Any]) -> None:
        body = await self._rtc.offer(call_id, **fields)
        response = await self._client.post("/webrtc/offer", json=body)
        if response.status_code != 200:
            self._refused = True
            self._inbox.put(checked_refusal(response)[0])
            self._inbox.put(Closed(None))
            self._inbox.end()
            return
        answer = response.json()
        assert set(answer) == {"sdp", "type", "webrtc_id", "token"}
        assert answer["webrtc_id"] == str(call_id)
        await self._rtc.take(answer)

    async def text(self, payload: bytes) -> None:
        await self._send(payload.decode())

    async def samples(self, payload: bytes) -> None:
        await self._send(payload)

    async def _send(self, data: str | bytes) -> None:
        await self._rtc.until_open()
        if not self._refused:
            self._rtc.send(data)

    async def vanish(self) -> None:
        self._rtc.vanish()

    async def listen(self) -> None:
        """Note what comes over the data channel, to its end."""
        async for data in self._rtc.told:
            item: Item = Sound(data, binary=True) if isinstance(data, bytes) else heard(data)
            self._inbox.put(item)
        if not self._refused:
            self._inbox.put(Closed(None))
            self._inbox.end()


class _TrackWire(_RtcWire):
    """The first message, a start, is the offer; raw samples, mu-law, are spoken on the track."""

    def __init__(
        self, client: httpx.AsyncClient, rtc: RtcPeer, inbox: Inbox, tasks: TaskGroup
    ) -> None:
        super().__init__(client, rtc, inbox)
        self._tasks = tasks
        self._offered = False

    async def text(self, payload: bytes) -> None:
        if self._refused:
            return
        if self._offered:
            await super().text(payload)
            return
        self._offered = True
        start = json.loads(payload)
        assert start["event"] == "start", "a call on tracks begins with its offer"
        fields = {name: start[name] for name in ("metadata", "inputs") if name in start}
        named = start["websocket_id"] if "websocket_id" in start else start["webrtc_id"]
        await self.offer(named, fields)
        if not self._refused:
            self._tasks.start_soon(self._hear)

    async def samples(self, payload: bytes) -> None:
        self._rtc.voice.say(np.frombuffer(MULAW.decode(payload), "<i2"))

    async def _hear(self) -> None:
        async for samples in ear(await self._rtc.track("audio")):
            if np.abs(samples).max() > LOUD:
                self._inbox.put(Sound(MULAW.encode(samples.tobytes()), binary=True))


@asynccontextmanager
async def _dialled(
    place: Place, headers: Mapping[str, str]
) -> AsyncGenerator[tuple[httpx.AsyncClient, RtcPeer, TaskGroup]]:
    async with (
        httpx.AsyncClient(base_url=place.url, headers=headers, trust_env=False) as client,
        calling() as rtc,
        anyio.create_task_group() as tasks,
    ):
        rtc.add_channel("any label")
        yield client, rtc, tasks
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def dial_data_channel(
    place: Place, headers: Mapping[str, str], inbox: Inbox
) -> AsyncGenerator[_RtcWire]:
    """A client of `/webrtc/offer` without sound; the call begins with its `start`."""
    async with _dialled(place, headers) as (client, rtc, tasks):
        wire = _RtcWire(client, rtc, inbox)
        tasks.start_soon(wire.listen)
        await wire.offer(f"peer {id(rtc)}", {})
        yield wire


@asynccontextmanager
async def dial_tracks(
    place: Place, headers: Mapping[str, str], inbox: Inbox
) -> AsyncGenerator[_RtcWire]:
    """A client of `/webrtc/offer` with an audio track; its call begins with the first message."""
    async with _dialled(place, headers) as (client, rtc, tasks):
        rtc.add_sound()
        wire = _TrackWire(client, rtc, inbox, tasks)
        tasks.start_soon(wire.listen)
        yield wire
