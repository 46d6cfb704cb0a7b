"""What `/webrtc/offer` refuses: docs/protocol.md. A refusal holds nothing."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest

from antiphon import Call, Request, connect
from antiphon.core.ports import Handler
from antiphon.transports import webrtc
from tests.transports.serving import cancelled_on_exit
from tests.webrtc.offers import FIREFOX_TRICKLED
from tests.webrtc.peer import RtcPeer, calling, post_offer
from tests.webrtc.serving import Holdings, Scene, failed, held, on_webrtc

CANDIDATE = {
    "candidate": "candidate:1 1 udp 2113937151 192.0.2.17 50913 typ host",
    "sdpMid": "0",
    "sdpMLineIndex": 0,
}


async def sound_offer(call_id: str = "one", **fields: Any) -> dict[str, Any]:
    """An offer of sound whose peer connection is closed again: only its text is of use."""
    async with calling() as peer:
        peer.add_sound()
        peer.add_channel()
        return await peer.offer(call_id, **fields)


def trickled(candidate: Any, call_id: str = "one") -> dict[str, Any]:
    """The body that trickles a candidate."""
    return {"type": "ice-candidate", "webrtc_id": call_id, "candidate": candidate}


async def loaded(scene: Scene) -> Holdings:
    """What is held when aiortc is imported and the connection to the server is open."""
    assert failed(await scene.post({"type": "offer", "webrtc_id": "x", "sdp": 7}))[0] == 422
    return Holdings()


BODIES: list[Any] = [
    pytest.param(b"", 400, "invalid_body", id="nothing"),
    pytest.param(b"\xff", 400, "invalid_body", id="no UTF-8"),
    pytest.param(b'{"type":' * 5000, 400, "invalid_body", id="deep"),
    pytest.param(b"[]", 422, "invalid_field", id="a list"),
    pytest.param(b"{}", 422, "invalid_field", id="no type"),
    pytest.param(b'{"type":"offer","sdp":"v=0"}', 422, "invalid_field", id="no id"),
    pytest.param(b'{"type":"offer","webrtc_id":"a"}', 422, "invalid_field", id="no sdp"),
    pytest.param(
        b'{"type":"offer","webrtc_id":"a","sdp":null}', 422, "invalid_field", id="sdp null"
    ),
    pytest.param(
        b'{"type":"answer","webrtc_id":"a","sdp":"v=0"}', 422, "invalid_field", id="an answer"
    ),
    pytest.param(
        b'{"type":"offer","webrtc_id":"","sdp":"v=0"}', 422, "invalid_field", id="empty id"
    ),
    pytest.param(
        b'{"type":"offer","webrtc_id":"a","sdp":"v=0","metadata":7}',
        422,
        "invalid_field",
        id="metadata 7",
    ),
    pytest.param(
        b'{"type":"offer","webrtc_id":"a","sdp":"garbage"}', 400, "invalid_sdp", id="garbage"
    ),
    pytest.param(
        b'{"type":"ice-candidate","webrtc_id":"a","candidate":{"candidate":"x","sdpMid":"0"}}',
        400,
        "invalid_candidate_format",
        id="a candidate of one word",
    ),
    pytest.param(
        b'{"type":"ice-candidate","webrtc_id":"a","candidate":7}',
        422,
        "invalid_field",
        id="7 as candidate",
    ),
    pytest.param(
        b'{"type":"ice-candidate","webrtc_id":"a"}', 422, "invalid_field", id="no candidate"
    ),
]


@pytest.mark.parametrize(("body", "status", "error"), BODIES)
async def test_a_body_that_cannot_be_read_is_refused_and_opens_nothing(
    body: bytes, status: int, error: str
) -> None:
    async with on_webrtc(cancelled_on_exit) as scene:
        before = await loaded(scene)
        response = await scene.client.post("/webrtc/offer", content=body)
        assert failed(response) == (status, error)
        assert not scene.slots.claimed
        await held(before)


def with_candidates(sdp: str, count: int) -> str:
    line = "a=candidate:1 1 udp 2113937151 192.0.2.17 50913 typ host\r\n"
    return sdp + line * count


def with_sections(sdp: str, count: int) -> str:
    section = sdp[sdp.index("m=") :]
    return sdp + section * count


def replaced(sdp: str, old: str, new: str) -> str:
    assert old in sdp
    return sdp.replace(old, new)


def half(sdp: str) -> str:
    return sdp[: len(sdp) // 2]


def with_half_a_line(sdp: str) -> str:
    return sdp + "m=audio 9\r\n"


def with_other_fingerprints(sdp: str) -> str:
    return "\r\n".join(
        "a=fingerprint:sha-256 " + ":".join(["00"] * 32)
        if line.startswith("a=fingerprint")
        else line
        for line in sdp.split("\r\n")
    )


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(partial(with_candidates, count=10_000), id="10,000 candidates"),
        pytest.param(partial(with_sections, count=300), id="300 m-lines"),
        pytest.param(partial(replaced, old="a=mid:0", new="a=mid:1"), id="one name twice"),
        pytest.param(partial(replaced, old="a=ice-pwd", new="a=x"), id="no password"),
        pytest.param(partial(replaced, old="a=fingerprint", new="a=x"), id="no fingerprint"),
        pytest.param(half, id="half"),
        pytest.param(with_half_a_line, id="half an m-line"),
    ],
)
async def test_a_broken_offer_is_refused_and_holds_nothing(
    spoil: Callable[[str], str],
) -> None:
    async with on_webrtc(cancelled_on_exit, concurrency_limit=1, connecting_limit=1) as scene:
        before = await loaded(scene)
        offer = await sound_offer()
        response = await scene.post({**offer, "sdp": spoil(offer["sdp"])})
        assert failed(response) == (400, "invalid_sdp")
        await scene.free()
        await held(before)
        async with connect(scene.webrtc, call_id="one"):
            pass


async def test_more_bytes_than_a_message_may_have_are_refused() -> None:
    async with on_webrtc(cancelled_on_exit, max_message=4096) as scene:
        offer = await sound_offer(metadata={"filler": "x" * 4096})
        assert failed(await scene.post(offer)) == (413, "body_too_large")


async def test_a_candidate_without_an_offer_is_unknown_after_its_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("antiphon.transports.webrtc.EARLY", 0.05)
    async with on_webrtc(cancelled_on_exit) as scene:
        before = await loaded(scene)
        assert failed(await scene.post(trickled(CANDIDATE))) == (404, "unknown_connection")
        await held(before)


def test_64_candidates_may_wait_for_offers() -> None:
    assert webrtc.MAX_EARLY == 64


async def test_no_more_candidates_than_may_wait_for_offers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Few, so that the last is posted long before the first has waited its time.
    monkeypatch.setattr(webrtc, "MAX_EARLY", 4)
    async with on_webrtc(cancelled_on_exit) as scene, anyio.create_task_group() as tasks:
        await loaded(scene)
        statuses: list[int] = []
        answered = anyio.Event()

        async def trickle(number: int) -> None:
            response = await scene.post(trickled(CANDIDATE, f"early {number}"))
            statuses.append(response.status_code)
            answered.set()

        for number in range(5):
            tasks.start_soon(trickle, number)
        with anyio.fail_after(10):
            await answered.wait()
        assert statuses == [404]
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("first", ["webrtc", "websocket", "http"])
async def test_an_id_in_use_on_any_transport_is_refused(first: str) -> None:
    async with on_webrtc(cancelled_on_exit) as scene:
        url = scene.webrtc if first == "webrtc" else f"{scene.url}/{first}/offer"
        url = url.replace("http", "ws", 1) if first == "websocket" else url
        async with connect(url, call_id="one"):
            before = await loaded(scene)
            response = await scene.post(await sound_offer())
            assert failed(response) == (409, "connection_already_exists")
            await held(before)
            assert [call.transport for call in scene.stream.calls] == [first]


async def test_one_call_too_many_is_told_the_limit_and_when_to_come_again() -> None:
    async with on_webrtc(cancelled_on_exit, concurrency_limit=1) as scene:
        async with connect(scene.webrtc):
            before = await loaded(scene)
            response = await scene.post(await sound_offer())
            assert failed(response) == (429, "concurrency_limit_reached")
            assert response.json()["meta"]["limit"] == 1
            assert response.headers["retry-after"] == "1"
            await held(before)
        await scene.free()


async def test_a_call_that_ended_takes_no_candidates() -> None:
    async def leave(call: Call) -> None:
        async for _ in call.messages:
            return

    async with on_webrtc(leave) as scene, calling() as peer:
        peer.add_sound()
        peer.add_channel()
        await post_offer(scene.client, peer)
        await peer.until_open()
        assert (await scene.post(trickled(CANDIDATE))).status_code == 200
        peer.send('{"event": "message", "data": 1}')
        await scene.free()
        response = await scene.post(trickled(CANDIDATE))
        assert failed(response) in ((410, "connection_closed"), (404, "unknown_connection"))


@pytest.mark.parametrize(
    ("modality", "sound", "pictures", "channel"),
    [
        ("audio", True, True, True),
        ("audio", False, True, True),
        ("video", True, False, True),
        ("video", False, False, True),
    ],
)
async def test_a_modality_that_is_not_served_is_refused(
    modality: str, sound: bool, pictures: bool, channel: bool
) -> None:
    async with on_webrtc(cancelled_on_exit, modality=modality) as scene, calling() as peer:
        if sound:
            peer.add_sound()
        if pictures:
            peer.add_pictures()
        if channel:
            peer.add_channel()
        assert failed(await scene.post(await peer.offer())) == (415, "unsupported_modality")
        assert not scene.slots.claimed


async def test_two_tracks_of_a_kind_are_refused() -> None:
    async with on_webrtc(cancelled_on_exit) as scene, calling() as peer:
        peer.add_sound()
        peer.add_sound("recvonly")
        assert failed(await scene.post(await peer.offer())) == (415, "unsupported_modality")


async def test_a_stranger_is_refused_before_anything_is_read() -> None:
    def nobody(request: Request) -> None:
        return None

    async with on_webrtc(cancelled_on_exit, authorize=nobody, max_message=1024) as scene:
        for content in (b"garbage", b"x" * 5000, b""):
            response = await scene.client.post("/webrtc/offer", content=content)
            assert failed(response) == (401, "unauthorized")
        response = await scene.client.get("/webrtc/configuration")
        assert failed(response) == (401, "unauthorized")


async def test_a_page_of_another_origin_is_refused() -> None:
    async with on_webrtc(cancelled_on_exit) as scene:
        headers = {"origin": "https://evil.test"}
        response = await scene.client.post("/webrtc/offer", content=b"", headers=headers)
        assert failed(response) == (403, "forbidden_origin")
        response = await scene.client.get("/webrtc/configuration", headers=headers)
        assert failed(response) == (403, "forbidden_origin")


async def test_a_configuration_is_for_those_who_are_authorized() -> None:
    def by_name(request: Request) -> str | None:
        return request.headers.get("x-name")

    servers = {"iceServers": [{"urls": "stun:stun.test:3478"}]}
    options: Any = {"authorize": by_name, "rtc_configuration": lambda: servers}
    async with on_webrtc(cancelled_on_exit, **options) as scene:
        assert failed(await scene.client.get("/webrtc/configuration"))[0] == 401
        response = await scene.client.get("/webrtc/configuration", headers={"X-Name": "Ada"})
        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-store"
        (server,) = response.json()["iceServers"]
        assert "stun:stun.test:3478" in server["urls"]


async def test_a_candidate_needs_the_token_of_its_call_where_tokens_are_required() -> None:
    async with on_webrtc(cancelled_on_exit, require_token=True) as scene, calling() as peer:
        peer.add_sound()
        answer = await post_offer(scene.client, peer)
        url = "/webrtc/offer"
        body = trickled(CANDIDATE)
        for headers in ({}, {"authorization": "Bearer wrong"}):
            response = await scene.client.post(url, json=body, headers=headers)
            assert failed(response) == (401, "unauthorized")
        proof = {"authorization": f"Bearer {answer['token']}"}
        assert (await scene.client.post(url, json=body, headers=proof)).status_code == 200
        response = await scene.client.post(url, json=body, params={"token": answer["token"]})
        assert response.status_code == 200


async def never_called(call: Call) -> None:
    raise AssertionError("no handler runs without a connection")


@pytest.mark.parametrize("handler", [never_called])
@pytest.mark.parametrize("why", ["fingerprint", "digest", "no ICE", "no DTLS"])
async def test_a_peer_that_never_connects_holds_nothing_for_long(
    monkeypatch: pytest.MonkeyPatch, handler: Handler, why: str
) -> None:
    monkeypatch.setattr("antiphon.transports.rtc_link.CONNECTING", 0.3)
    async with on_webrtc(handler, concurrency_limit=1) as scene:
        before = await loaded(scene)
        async with calling() as peer:
            await half_open(scene, peer, why)
            await scene.free()
        await held(before)


async def half_open(scene: Scene, peer: RtcPeer, why: str) -> None:
    """Ask for a call that cannot be: its answer is no use."""
    peer.add_sound()
    peer.add_channel()
    offer = await peer.offer()
    if why == "fingerprint":
        offer["sdp"] = with_other_fingerprints(offer["sdp"])
    if why == "digest":
        offer["sdp"] = re.sub("fingerprint:sha-[0-9]+", "fingerprint:sha-7", offer["sdp"])
    response = await scene.post(offer)
    assert response.status_code == 200, response.text
    assert scene.slots.slots == 1
    if why in ("fingerprint", "digest"):
        await peer.take(response.json())
    elif why == "no DTLS":
        # ICE succeeds: our offer names one fingerprint, and nobody begins the handshake.
        answer = response.json()
        answer["sdp"] = with_other_fingerprints(answer["sdp"])
        await peer.take(answer)


async def test_candidates_of_all_forms_are_taken() -> None:
    async with on_webrtc(cancelled_on_exit) as scene, calling() as peer:
        peer.add_sound()
        peer.add_channel()
        await post_offer(scene.client, peer)
        for candidate in (*FIREFOX_TRICKLED, {"candidate": ""}, {"candidate": "", "sdpMid": "1"}):
            response = await scene.post(trickled(candidate))
            assert (response.status_code, response.json()) == (200, {"status": "success"})
        await peer.until_open()


async def test_more_than_64_candidates_of_a_call_are_refused_and_it_goes_on() -> None:
    async with on_webrtc(cancelled_on_exit) as scene, calling() as peer:
        peer.add_channel()
        await post_offer(scene.client, peer)
        for _ in range(64):
            assert (await scene.post(trickled({"candidate": ""}))).status_code == 200
        assert failed(await scene.post(trickled(CANDIDATE))) == (422, "policy_violation")
        await peer.until_open()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_call_is_connected_by_trickled_candidates_alone(when: str) -> None:
    async with on_webrtc(cancelled_on_exit) as scene, calling() as peer:
        await loaded(scene)
        peer.add_channel()
        offer = await peer.offer()
        lines = offer["sdp"].split("\r\n")
        found = [line.removeprefix("a=") for line in lines if line.startswith("a=candidate")]
        offer["sdp"] = "\r\n".join(line for line in lines if not line.startswith("a=candidate"))
        async with anyio.create_task_group() as tasks:

            async def trickle() -> None:
                for text in found:
                    body = trickled({"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0})
                    assert (await scene.post(body)).status_code == 200

            if when == "before":
                tasks.start_soon(trickle)
                await anyio.wait_all_tasks_blocked()
            response = await scene.post(offer)
            await peer.take(response.json())
            if when == "after":
                tasks.start_soon(trickle)
        await peer.until_open()


async def test_a_refused_address_is_never_tried() -> None:
    """The client is on this machine, but names only what leads to a cloud's secrets."""
    tried: list[str] = []
    good_tried = anyio.Event()
    async with on_webrtc(cancelled_on_exit) as scene, calling() as peer:
        peer.add_channel()
        offer = await peer.offer()
        lines = offer["sdp"].split("\r\n")
        lines = [line for line in lines if not line.startswith("a=candidate")]
        lines.insert(-1, "a=candidate:1 1 udp 2113937151 169.254.169.254 80 typ host")
        with pytest.MonkeyPatch.context() as patch:

            async def note(self: Any, candidate: Any) -> None:
                if candidate is not None:
                    tried.append(candidate.host)
                    good_tried.set()

            patch.setattr("aioice.Connection.add_remote_candidate", note)
            response = await scene.post({**offer, "sdp": "\r\n".join(lines)})
            assert response.status_code == 200
            bad = {**CANDIDATE, "candidate": "candidate:1 1 udp 1 169.254.169.254 80 typ host"}
            assert (await scene.post(trickled(bad))).status_code == 200
            good = {**CANDIDATE, "candidate": "candidate:1 1 udp 1 192.0.2.1 80 typ host"}
            assert (await scene.post(trickled(good))).status_code == 200
            with anyio.fail_after(5):
                await good_tried.wait()
        assert tried == ["192.0.2.1"]
