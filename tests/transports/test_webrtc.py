"""Calls over WebRTC by a client that is not ours: docs/protocol.md."""

import json
import re
from typing import Any

import anyio
import httpx
import numpy as np
import pytest
from aiortc import RTCRtpSender
from aiortc.sdp import SessionDescription

from antiphon import AudioFrame, Call, echo
from antiphon.core.events import Message
from antiphon.transports import rtc_hooks
from tests.conformance.handlers import Probe, wait
from tests.conformance.test_sound import pitch, tone
from tests.transports.serving import cancelled_on_exit, errors_in
from tests.webrtc.peer import RATE, RtcPeer, calling, ear, post_offer
from tests.webrtc.serving import Holdings, Scene, held, on_webrtc

PATIENCE = 5.0
SPOKEN = tone(440, 0.3)


async def told(peer: RtcPeer) -> Any:
    """The next message from the server."""
    with anyio.fail_after(PATIENCE):
        return json.loads(await peer.told.take())


async def opened(scene: Scene, peer: RtcPeer, **fields: Any) -> None:
    """Ask for a call with sound and a data channel, and wait until it is there."""
    peer.add_sound()
    peer.add_channel()
    await post_offer(scene.client, peer, **fields)
    await peer.until_open()


async def parrot(call: Call) -> None:
    """Tell every message back."""
    async for message in call.messages:
        await call.send(message.data)


def message(data: Any) -> str:
    """A message to the handler."""
    return json.dumps({"event": "message", "data": data})


async def heard_loud(peer: RtcPeer, samples: int) -> Any:
    """What is heard of a sound, once so much of it came."""
    heard = np.zeros(0, "<i2")
    with anyio.fail_after(PATIENCE):
        async for part in ear(await peer.track("audio")):
            if np.abs(part).max() > 1000:
                heard = np.concatenate((heard, part))
            if len(heard) >= samples:
                return heard
    raise AssertionError("the track ended")


async def test_metadata_and_inputs_of_the_offer_reach_the_handler() -> None:
    async def introduce(call: Call) -> None:
        await call.send([call.id, call.transport, dict(call.metadata), list(call.inputs)])
        await wait(call)

    async with on_webrtc(introduce) as scene, calling() as peer:
        await opened(scene, peer, metadata={"name": "Zoë"}, inputs=[1, "two"])
        assert (await told(peer))["data"] == ["one", "webrtc", {"name": "Zoë"}, [1, "two"]]


async def test_the_bare_word_handshake_is_no_message() -> None:
    async with on_webrtc(parrot) as scene, calling() as peer:
        await opened(scene, peer)
        peer.send("handshake")
        peer.send(message("hello"))
        assert await told(peer) == {"type": "message", "data": "hello"}


async def test_what_a_handler_says_before_the_channel_is_open_arrives() -> None:
    async def talk(call: Call) -> None:
        for number in range(20):
            await call.send(number)

    async with on_webrtc(talk) as scene, calling() as peer:
        await opened(scene, peer)
        assert [(await told(peer))["data"] for _ in range(20)] == list(range(20))
        assert (await told(peer))["type"] == "end_stream"


async def test_a_second_data_channel_is_closed_and_the_first_goes_on() -> None:
    async with on_webrtc(parrot) as scene, calling() as peer:
        await opened(scene, peer)
        second = peer.add_channel("second")
        closed = anyio.Event()
        second.on("close", closed.set)
        with anyio.fail_after(PATIENCE):
            await closed.wait()
        peer.send(message("still here"))
        assert (await told(peer))["data"] == "still here"


@pytest.mark.parametrize(
    "options", [{"ordered": False}, {"maxRetransmits": 0}, {"maxPacketLifeTime": 500}]
)
async def test_a_channel_without_order_or_reliability_carries_messages(
    options: dict[str, Any],
) -> None:
    async with on_webrtc(parrot) as scene, calling() as peer:
        peer.add_channel("loose", **options)
        await post_offer(scene.client, peer)
        await peer.until_open()
        peer.send(json.dumps({"event": "start", "websocket_id": "loose"}))
        if options.get("ordered") is False:
            await anyio.wait_all_tasks_blocked()
        peer.send(message(7))
        assert (await told(peer))["data"] == 7


async def test_a_message_bigger_than_the_peer_takes_is_left_out_and_the_call_goes_on() -> None:
    async def talk(call: Call) -> None:
        await call.send("x" * 70_000)
        await call.send("small")
        await wait(call)

    async with on_webrtc(talk) as scene, calling() as peer:
        peer.add_sound()
        peer.add_channel()
        offer = await peer.offer()
        offer["sdp"], found = re.subn(
            "max-message-size:[0-9]+", "max-message-size:1000", offer["sdp"]
        )
        assert found == 1
        await peer.take((await scene.post(offer)).json())
        assert (await told(peer))["data"] == "small"


async def test_a_peer_without_a_data_channel_is_heard_and_hears() -> None:
    async with on_webrtc(echo) as scene, calling() as peer:
        peer.add_sound()
        await post_offer(scene.client, peer)
        peer.voice.say(SPOKEN)
        assert pitch(await heard_loud(peer, RATE // 5)) == pytest.approx(440, abs=15)


@pytest.mark.parametrize("how", ["stop", "close", "channel"])
async def test_a_client_that_hangs_up_frees_its_slot_and_all_that_it_held(how: str) -> None:
    handler = Probe()
    async with on_webrtc(handler) as scene:
        await scene.client.get("/health")
        before = Holdings()
        async with calling() as peer:
            await opened(scene, peer)
            match how:
                case "stop":
                    peer.send('{"event": "stop"}')
                case "close":
                    await peer.connection.close()
                case _:
                    peer.send("gibberish")
            with anyio.fail_after(1):
                await scene.slots.until(0)
        assert handler.left == ["cancelled"]
        await held(before)


@pytest.mark.parametrize("how", ["hang_up", "time_limit", "handler", "idle"])
async def test_a_server_that_hangs_up_says_so_and_closes_the_connection(how: str) -> None:
    options: dict[str, Any] = {
        "time_limit": {"time_limit": 0.3},
        "idle": {"idle_timeout": 0.3},
    }.get(how, {})

    async def leave(call: Call) -> None:
        if how == "handler":
            await call.hang_up("that is all")
        await wait(call)

    async with on_webrtc(leave, **options) as scene:
        await scene.client.get("/health")
        before = Holdings()
        async with calling() as peer:
            peer.add_sound("recvonly" if how == "idle" else "sendrecv")
            peer.add_channel()
            await post_offer(scene.client, peer)
            if how == "hang_up":
                await peer.until_open()
                scene.stream.hang_up("one", "that is all")
            farewell = await told(peer)
            assert farewell["type"] == "end_stream"
            assert farewell["data"] == {
                "time_limit": "the time limit of 0.3 s is over",
                "idle": "nothing was said for 0.3 s",
            }.get(how, "that is all")
            await peer.until_closed()
            await scene.free()
        await held(before)


async def test_a_server_that_shuts_down_says_goodbye_and_closes_all_connections() -> None:
    async with calling() as talking, calling() as silent:
        async with on_webrtc(cancelled_on_exit) as scene:
            await opened(scene, talking)
            silent.add_channel()
            await post_offer(scene.client, silent, "two")
            await silent.until_open()
        with anyio.fail_after(PATIENCE):
            farewells = [json.loads(text)["data"] async for text in talking.told]
        assert farewells[-1] == "the server is shutting down"
        await silent.until_closed()
        await talking.connection.close()
        await silent.connection.close()
        assert Holdings().peers == 0


@pytest.mark.parametrize("sound", [True, False])
async def test_a_client_that_vanishes_is_noticed_by_its_silence(
    monkeypatch: pytest.MonkeyPatch, sound: bool
) -> None:
    monkeypatch.setattr("antiphon.transports.webrtc.PING", 0.2)
    handler = Probe()
    async with on_webrtc(handler) as scene:
        await scene.client.get("/health")
        before = Holdings()
        async with calling() as peer:
            if sound:
                peer.add_sound()
            peer.add_channel()
            await post_offer(scene.client, peer)
            await peer.until_open()
            if not sound:
                peer.send('{"event": "start", "websocket_id": "one"}')
            await handler.until_began()
            peer.vanish()
            await scene.free()
            assert handler.left == ["cancelled"]
        await held(before)


async def test_a_silent_client_that_answers_checks_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.transports.webrtc.PING", 0.3)
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.1)
    async with on_webrtc(parrot) as scene, calling() as peer:
        peer.add_channel()
        await post_offer(scene.client, peer)
        await peer.until_open()
        peer.send('{"event": "start", "websocket_id": "one"}')
        await anyio.sleep(0.9)
        peer.send(message("here"))
        assert (await told(peer))["data"] == "here"


async def test_sound_flows_where_no_codec_but_g711_is_offered() -> None:
    async with on_webrtc(echo) as scene, calling() as peer:
        peer.add_sound()
        (transceiver,) = peer.connection.getTransceivers()
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        transceiver.setCodecPreferences([c for c in codecs if c.mimeType == "audio/PCMU"])
        answer = await post_offer(scene.client, peer)
        assert "PCMU" in answer["sdp"]
        assert "opus" not in answer["sdp"]
        peer.voice.say(SPOKEN)
        assert pitch(await heard_loud(peer, RATE // 5)) == pytest.approx(440, abs=15)


@pytest.mark.parametrize("name", ["JITTER_BUFFER", "DECODER_QUEUE", "RECEIVE_WINDOW"])
async def test_an_aiortc_that_has_changed_inside_still_carries_sound(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    monkeypatch.setattr(rtc_hooks, name, "_moved_away")
    monkeypatch.setattr(rtc_hooks, "_told", set[str]())
    async with on_webrtc(echo) as scene, calling() as peer:
        peer.add_sound()
        await post_offer(scene.client, peer)
        peer.voice.say(SPOKEN)
        assert pitch(await heard_loud(peer, RATE // 5)) == pytest.approx(440, abs=15)
    assert any("this version of aiortc has changed inside" in text for text in errors_in(caplog))


KINDS = {"audio": {"audio"}, "video": {"video"}, "audio-video": {"audio", "video"}}
CLIENT = {"send-receive": "sendrecv", "send": "sendonly", "receive": "recvonly"}
ANSWER = {"send-receive": "sendrecv", "send": "recvonly", "receive": "sendonly"}


class Exchange:
    """A handler that shows and says what its mode allows, and notes what it gets."""

    def __init__(self, modality: str, mode: str) -> None:
        self._kinds = KINDS[modality]
        self._mode = mode
        self.got: set[str] = set()
        self._changed = anyio.Event()

    async def __call__(self, call: Call) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen, call)
            tasks.start_soon(self._watch, call)
            if self._mode != "send" and "audio" in self._kinds:
                tasks.start_soon(self._speak, call)
            if self._mode != "send" and "video" in self._kinds:
                tasks.start_soon(self._show, call)

    async def until(self, kinds: set[str]) -> None:
        """Wait until all of these came."""
        with anyio.fail_after(PATIENCE):
            while not kinds <= self.got:
                await self._changed.wait()

    async def _listen(self, call: Call) -> None:
        async for frame in call.audio:
            if np.abs(frame.samples).max() > 1000:
                self._note("audio")

    async def _watch(self, call: Call) -> None:
        async for picture in call.video:
            assert (picture.width, picture.height) == (64, 48)
            self._note("video")

    async def _speak(self, call: Call) -> None:
        while True:
            await call.send_audio(AudioFrame(tone(440, 0.1).tobytes(), RATE))

    async def _show(self, call: Call) -> None:
        brightness = 0
        while True:
            brightness = (brightness + 10) % 200
            await call.send_video(np.full((48, 64, 3), brightness, np.uint8))
            await anyio.sleep(0.03)

    def _note(self, kind: str) -> None:
        self.got.add(kind)
        changed, self._changed = self._changed, anyio.Event()
        changed.set()


def directions(sdp: str) -> dict[str, str]:
    """The directions of the tracks in a description."""
    media = SessionDescription.parse(sdp).media
    return {section.kind: section.direction or "" for section in media if section.rtp.codecs}


@pytest.mark.parametrize("mode", CLIENT)
@pytest.mark.parametrize("modality", KINDS)
async def test_media_flow_where_modality_and_mode_say_and_nowhere_else(
    modality: Any, mode: Any
) -> None:
    handler = Exchange(modality, mode)
    kinds = KINDS[modality]
    async with on_webrtc(handler, modality=modality, mode=mode) as scene, calling() as peer:
        if "audio" in kinds:
            peer.add_sound(CLIENT[mode])
        if "video" in kinds:
            peer.add_pictures(CLIENT[mode])
        answer = await post_offer(scene.client, peer)
        assert directions(answer["sdp"]) == dict.fromkeys(kinds, ANSWER[mode])
        peer.voice.say(tone(700, 2))
        await handler.until(kinds if mode != "receive" else set())
        await seen_and_heard(peer, kinds if mode != "send" else set())
        assert handler.got == (kinds if mode != "receive" else set())
        assert set(peer.tracks) == (kinds if mode != "send" else set())


@pytest.mark.parametrize("mode", CLIENT)
async def test_a_client_that_offers_both_ways_gets_no_more_than_the_mode(mode: Any) -> None:
    async with on_webrtc(Exchange("audio", mode), mode=mode) as scene, calling() as peer:
        peer.add_sound()
        answer = await post_offer(scene.client, peer)
        assert directions(answer["sdp"]) == {"audio": ANSWER[mode]}
        await seen_and_heard(peer, {"audio"} if mode != "send" else set())


async def seen_and_heard(peer: RtcPeer, kinds: set[str]) -> None:
    """The peer gets a loud tone and bright pictures."""
    if "audio" in kinds:
        assert pitch(await heard_loud(peer, RATE // 10)) == pytest.approx(440, abs=30)
    if "video" in kinds:
        track: Any = await peer.track("video")
        with anyio.fail_after(PATIENCE):
            picture = await track.recv()
        assert (picture.width, picture.height) == (64, 48)


async def test_sound_in_messages_needs_no_track() -> None:
    """Raw samples on the data channel, answered with raw samples."""
    async with on_webrtc(echo) as scene, calling() as peer:
        peer.add_channel()
        await post_offer(scene.client, peer)
        await peer.until_open()
        peer.send('{"event": "start", "websocket_id": "one"}')
        peer.send(bytes(range(1, 127)))
        with anyio.fail_after(PATIENCE):
            assert await peer.told.take() == bytes(range(1, 127))


async def test_sound_in_messages_of_a_call_with_tracks_is_a_broken_rule() -> None:
    async with on_webrtc(echo) as scene, calling() as peer:
        await opened(scene, peer)
        peer.send(bytes(160))
        assert (await told(peer))["data"] == (
            "the sound of this call travels on its tracks, not in messages"
        )
        await peer.until_closed()
        await scene.free()


async def test_a_message_reaches_the_handler_as_on_every_transport() -> None:
    got: list[Message] = []

    async def take(call: Call) -> None:
        got.append(await anext(call.messages))

    async with on_webrtc(take) as scene, calling() as peer:
        await opened(scene, peer)
        peer.send(message({"ü": None}))
        await peer.until_closed()
    assert got == [Message("message", {"ü": None})]


@pytest.mark.parametrize("patience", [0.0, 0.002, 0.005, 0.01, 0.02])
async def test_a_client_that_leaves_while_its_offer_is_answered_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, patience: float
) -> None:
    monkeypatch.setattr("antiphon.transports.rtc_link.CONNECTING", 0.1)
    async with on_webrtc(cancelled_on_exit) as scene, calling() as peer:
        peer.add_sound()
        body = await peer.offer()
        await scene.client.get("/health")
        before = Holdings()
        async with httpx.AsyncClient(base_url=scene.url) as client:
            with anyio.move_on_after(patience):
                await client.post("/webrtc/offer", json=body)
        await held(before)
        assert scene.slots.slots == 0
    assert errors_in(caplog) == []
