"""Candidates that come before their offer; docs/protocol.md has what becomes of them."""

import anyio
import httpx
import pytest

from antiphon import Stream, echo
from antiphon.core.ice import Trickled
from antiphon.transports import webrtc
from tests.transports.serving import client_for, serving
from tests.webrtc.offers import CHROME_TRICKLED, offer


async def trickle(client: httpx.AsyncClient, call_id: str, number: int = 0) -> httpx.Response:
    body = {
        "type": "ice-candidate",
        "webrtc_id": call_id,
        "candidate": CHROME_TRICKLED[number],
    }
    return await client.post("/webrtc/offer", json=body)


async def test_of_early_candidates_only_one_holds_its_request_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A browser has six connections to a server, and the offer has to get through."""
    monkeypatch.setattr(webrtc, "EARLY", 0.2)
    statuses: list[int] = []
    async with serving(Stream(echo)) as port, client_for(port) as client:

        async def send() -> None:
            statuses.append((await trickle(client, "a")).status_code)

        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(send)
    assert statuses == [200] * 5 + [404]


async def test_more_early_candidates_than_a_call_may_have_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webrtc, "MAX_CANDIDATES", 3)
    monkeypatch.setattr(webrtc, "EARLY", 0.2)
    statuses: list[int] = []
    async with serving(Stream(echo)) as port, client_for(port) as client:

        async def send() -> None:
            statuses.append((await trickle(client, "a")).status_code)

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(send)
    assert sorted(statuses) == [200, 200, 404, 422, 422]


async def test_early_candidates_are_taken_when_their_offer_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webrtc, "EARLY", 10.0)
    taken: list[Trickled] = []
    take = webrtc.Peer.trickle

    def watch(peer: webrtc.Peer, trickled: Trickled) -> None:
        taken.append(trickled)
        take(peer, trickled)

    monkeypatch.setattr(webrtc.Peer, "trickle", watch)
    one_is_kept = anyio.Event()
    statuses: list[int] = []
    async with serving(Stream(echo)) as port, client_for(port) as client:

        async def send(number: int) -> None:
            statuses.append((await trickle(client, "a", number)).status_code)
            one_is_kept.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send, 0)
            tasks.start_soon(send, 1)
            await one_is_kept.wait()
            assert (statuses, taken) == ([200], [])
            body = {"type": "offer", "webrtc_id": "a", "sdp": offer("chrome_audio_data")}
            assert (await client.post("/webrtc/offer", json=body)).status_code == 200
    assert statuses == [200, 200]
    assert len(taken) == 2
