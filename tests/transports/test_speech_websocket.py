"""The speech endpoints on sockets: docs/speech.md. Traps of clients in the field."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import anyio
import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from antiphon import Speech, Stream, echo
from antiphon.core.audio.frames import Samples
from antiphon.transports import speech_call
from antiphon.transports.opus import opus_encoder
from antiphon.transports.requests import Request
from tests.core.loudness import Loudness, loud, quiet
from tests.transports.opus_streams import SPEECH
from tests.transports.serving import WatchedDirectory
from tests.transports.speech_servers import (
    ENDPOINT,
    SUMMARY,
    VERIFY,
    Server,
    Site,
    ask,
    backend_of,
    chunks,
    pcm,
    pipeline,
    place_of,
    said_and_closed,
    server,
    speech_stream,
    summary_of,
)

__all__ = ("backend_of", "place_of", "server")

UTTERANCE = pcm(quiet(0.2), loud(1.2), quiet(0.7), loud(0.1))
PARAMETERS = ("1000", "600", "16000")


@pytest.mark.parametrize("size", [960, 8192, 12_266, len(UTTERANCE)])
async def test_a_client_may_read_after_each_message_or_last(server: Server, size: int) -> None:
    """One answer to each, in order, either way; the answers are text, bare."""
    messages: list[str | bytes] = [*PARAMETERS, *chunks(UTTERANCE, size)]
    async with server(speech_stream()) as site:
        async with site.client(ENDPOINT) as client:
            waiting = await ask(client, *messages)
        async with site.client(ENDPOINT) as client:
            assert await pipeline(client, *messages) == waiting
    assert waiting[:3] == ["200", "200", "200"]
    assert set(waiting[3:]) <= {"true", "false"}
    assert "true" in waiting


async def test_a_summary_counts_frames_as_the_published_example(server: Server) -> None:
    async with server(speech_stream()) as site, site.client(SUMMARY) as client:
        answers = await pipeline(client, "16000", *[pcm(loud(1.0)[:6133])] * 8)
    counts = [
        len(summary_of(answer)["current_speech_summary"]["vad_result"]["frames"])
        for answer in answers[1:]
    ]
    assert counts == [12, 25, 38, 51, 63, 76, 89, 102]


async def test_the_client_in_javascript_finds_the_array_it_looks_for(server: Server) -> None:
    async with server(speech_stream()) as site, site.client(SUMMARY) as client:
        _, empty, spoken = await ask(client, "48000", b"", pcm(loud(0.1, 48_000)))
    assert summary_of(empty)["speech_events"] == []
    assert [event["is_voice"] for event in summary_of(spoken)["speech_events"]] == [True]


@pytest.mark.parametrize(("asked", "listed"), [("", 10), ("?frames=new", 5), ("?frames=none", 0)])
async def test_a_client_says_which_frames_it_wants(server: Server, asked: str, listed: int) -> None:
    async with server(speech_stream()) as site, site.client(SUMMARY + asked) as client:
        answers = await ask(client, "16000", pcm(loud(0.15)), pcm(loud(0.15)))
    frames = summary_of(answers[-1])["current_speech_summary"]["vad_result"]["frames"]
    assert len(frames) == listed


class Counting(Loudness):
    """Tells when it has heard so many frames."""

    def __init__(self, frames: int) -> None:
        self.heard = anyio.Event()
        self._left = frames

    def detector(self, sample_rate: int) -> Loudness:
        self.frame_samples = sample_rate * 3 // 100
        return self

    def probability(self, frame: Samples) -> float:
        self._left -= 1
        if self._left == 0:
            self.heard.set()
        return super().probability(frame)


async def test_megabytes_of_unread_answers_keep_nobody_from_being_heard(server: Server) -> None:
    """A server that reads no more while an answer waits hangs up on those who send first."""
    model = Counting(2400)
    messages: list[str | bytes] = ["8000", pcm(quiet(60, 8000)), *[pcm(quiet(0.03, 8000))] * 400]
    async with (
        server(speech_stream(Speech(voice_activity=model))) as site,
        site.client(SUMMARY) as client,
    ):
        for message in messages:
            await client.send(message)
        await model.heard.wait()
        answers = [await client.recv() for _ in messages]
    assert sum(map(len, answers)) > 5_000_000
    assert summary_of(answers[-1])["speech_info"]["total_length_ms"] == 60_000 + 400 * 30


async def test_who_leaves_more_than_8_mib_unread_is_closed_with_a_reason(server: Server) -> None:
    directory = WatchedDirectory()
    async with (
        server(speech_stream(directory=directory)) as site,
        site.client(SUMMARY) as client,
    ):
        await client.send("8000")
        await client.send(pcm(quiet(60, 8000)))
        for _ in range(2000):
            await client.send(pcm(quiet(0.03, 8000)))
        await directory.until(0)
        answers, code, reason = await said_and_closed(client)
    assert (code, reason) == (1008, "8388608 bytes of answers wait to be read")
    assert sum(map(len, answers)) > 8 * 1024 * 1024
    assert len(answers) < 2000


async def test_a_message_over_the_limit_is_closed_with_1009(server: Server) -> None:
    stream = speech_stream(Speech(voice_activity=Loudness(), max_message=2048))
    async with server(stream) as site, site.client(SUMMARY) as client:
        assert await ask(client, "16000", bytes(2048)) != []
        await client.send(bytes(2050))
        assert (await said_and_closed(client))[1] == 1009


async def test_a_whole_file_may_be_one_message(server: Server) -> None:
    """More than the messages of other calls may have."""
    sound = pcm(loud(1.2), quiet(100))
    assert len(sound) > 3 * 1024 * 1024
    async with server(speech_stream()) as site, site.client(ENDPOINT) as client:
        assert await pipeline(client, *PARAMETERS, sound) == ["200", "200", "200", "true"]


async def test_a_long_message_lets_others_be_answered_meanwhile(server: Server) -> None:
    order: list[str] = []
    async with (
        server(speech_stream()) as site,
        site.client(SUMMARY + "?frames=none") as busy,
        site.client(ENDPOINT) as live,
        anyio.create_task_group() as tasks,
    ):

        async def read() -> None:
            await busy.recv()
            order.append("all of it")

        await ask(busy, "8000")
        await ask(live, *PARAMETERS)
        await busy.send(bytes(16_000_000))
        tasks.start_soon(read)
        for _ in range(20):
            assert await ask(live, pcm(quiet(0.03))) == ["false"]
            order.append("a frame")
    assert order == ["a frame"] * 20 + ["all of it"]


async def test_what_is_no_parameter_gets_500_however_long(server: Server) -> None:
    async with server(speech_stream()) as site, site.client(SUMMARY) as client:
        assert await ask(client, "x" * 10_000_000, "nan", "16000") == ["500", "500", "200"]


async def test_sixteen_refusals_in_a_row_close_with_1008(server: Server) -> None:
    async with server(speech_stream()) as site, site.client(SUMMARY) as client:
        for _ in range(20):
            await client.send("x")
        answers, code, reason = await said_and_closed(client)
    assert (answers, code) == (["500"] * 16, 1008)
    assert "in a row" in reason


def packets(sound: Samples, rate: int) -> list[bytes]:
    """Of 20 ms, made by our encoder."""
    encoder = opus_encoder(rate, SPEECH)
    size = 2 * rate // 50
    return [encoder.encode(piece) for piece in chunks(pcm(sound), size)]


@pytest.mark.parametrize("rate", [8000, 12_000, 16_000, 24_000, 48_000])
async def test_a_packet_a_message_is_decoded_at_the_declared_rate(
    server: Server, rate: int
) -> None:
    tone = np.rint(12_000 * np.sin(np.arange(rate) * 2 * np.pi * 300 / rate)).astype(np.int16)
    sent = packets(np.concatenate([tone, np.zeros(rate, np.int16)]), rate)
    async with server(speech_stream()) as site, site.client(SUMMARY + "_opus") as client:
        answers = await pipeline(client, str(rate), *sent)
    last = summary_of(answers[-1])
    assert last["current_speech_summary"]["total_length"] == 2.0
    assert last["speech_info"]["speech_length_ms"] in range(930, 1110)


async def test_the_endpoint_detector_takes_opus_too(server: Server) -> None:
    tone = np.rint(12_000 * np.sin(np.arange(24_000) * 2 * np.pi * 300 / 16_000)).astype(np.int16)
    sent = packets(np.concatenate([tone, np.zeros(16_000, np.int16)]), 16_000)
    async with server(speech_stream()) as site, site.client(ENDPOINT + "_opus") as client:
        answers = await pipeline(client, *PARAMETERS, *sent)
    assert "true" not in answers[: 3 + 75 + 28]
    assert answers[-1] == "true"


async def test_what_is_no_packet_is_refused_and_adds_nothing(server: Server) -> None:
    [packet, *_] = packets(loud(0.02), 16_000)

    def length(answer: str) -> float:
        value: float = summary_of(answer)["current_speech_summary"]["total_length"]
        return value

    async with server(speech_stream()) as site, site.client(SUMMARY + "_opus") as client:
        assert await ask(client, "44100", "16000") == ["500", "200"]
        empty, first = await ask(client, b"", packet)
        # An empty message is no lost packet: 120 ms would be made up for it.
        assert [length(empty), length(first)] == [0.0, pytest.approx(0.02)]
        assert await ask(client, b"OggS" + bytes(60), b"\xff\xff" * 40) == ["500", "500"]
        # Packets have no length: of two in one message the second is lost, or noise.
        _, after = await ask(client, packet + packet, b"")
        assert length(after) == pytest.approx(0.04)


async def test_samples_sent_for_packets_are_answered_one_by_one_and_break_nothing(
    server: Server,
) -> None:
    """Some of them pass for packets."""
    [packet, *_] = packets(loud(0.02), 16_000)
    async with server(speech_stream()) as site, site.client(SUMMARY + "_opus") as client:
        await ask(client, "16000")
        noise = np.random.default_rng(1).integers(-9000, 9000, 12_800).astype(np.int16)
        samples = chunks(pcm(noise), 640)
        said = await ask(client, *[message for chunk in samples for message in (chunk, b"")])
        before, after = (
            summary_of(answer)["current_speech_summary"]["total_length"]
            for answer in (said[-1], *await ask(client, packet))
        )
    assert "500" in said[::2]
    assert "500" not in said[1::2]
    assert after - before == pytest.approx(0.02, abs=1e-5)


async def test_half_a_sample_is_refused_or_waits_as_the_application_says(server: Server) -> None:
    async with server(speech_stream()) as site, site.client(SUMMARY) as client:
        assert (await ask(client, "16000", b"\0\0\0"))[1] == "500"
    carried = Speech(voice_activity=Loudness(), carry_odd_byte=True)
    async with server(speech_stream(carried)) as site, site.client(SUMMARY) as client:
        answers = await ask(client, "16000", bytes(961), bytes(959))
    info = [summary_of(answer)["speech_info"]["total_length_ms"] for answer in answers[1:]]
    assert info == [30.0, 60.0]


async def test_a_latch_is_the_applications_choice(server: Server) -> None:
    sound = [pcm(loud(1.2), quiet(0.7)), pcm(loud(0.3))]
    for latch, said in ((False, ["true", "false"]), (True, ["true", "true"])):
        speech = Speech(voice_activity=Loudness(), endpoint_latch=latch)
        async with server(speech_stream(speech)) as site, site.client(ENDPOINT) as client:
            assert (await ask(client, *PARAMETERS, *sound))[3:] == said


class Broken(Loudness):
    """Fails at full scale."""

    def detector(self, sample_rate: int) -> "Broken":
        return Broken()

    def probability(self, frame: Samples) -> float:
        if frame.max() == 32_767:
            raise RuntimeError("the engine is broken")
        return super().probability(frame)


@pytest.mark.parametrize("blocking", [False, True])
async def test_an_engine_that_fails_begins_anew_and_hits_nobody_else(
    server: Server, blocking: bool, caplog: pytest.LogCaptureFixture
) -> None:
    model = Broken()
    model.blocking = blocking
    stream = speech_stream(Speech(voice_activity=model))
    bad = pcm(np.full(480, 32_767, np.int16))
    async with (
        server(stream) as site,
        site.client(SUMMARY) as client,
        site.client(SUMMARY) as other,
    ):
        await ask(client, "16000", pcm(loud(0.3)))
        await ask(other, "16000", pcm(loud(0.3)))
        assert await ask(client, bad) == ["500"]
        [anew] = await ask(client, pcm(loud(0.03)))
        [on] = await ask(other, pcm(loud(0.03)))
    assert summary_of(anew)["speech_info"]["total_length_ms"] == 30
    assert summary_of(on)["speech_info"]["total_length_ms"] == 330
    assert "the engine is broken" in caplog.text


class Picky(Loudness):
    """As a user's own engine may be."""

    def detector(self, sample_rate: int) -> Loudness:
        if sample_rate != 16_000:
            raise ValueError("16 kHz alone")
        return super().detector(sample_rate)


async def test_a_rate_that_the_engine_does_not_have_is_refused_and_asked_for_again(
    server: Server,
) -> None:
    stream = speech_stream(Speech(voice_activity=Picky()))
    async with server(stream) as site, site.client(SUMMARY) as client:
        said = await ask(client, "8000", "16000", pcm(loud(0.03)))
    assert said[:2] == ["500", "200"]
    assert summary_of(said[2])["speech_info"]["speech_length_ms"] == 30


async def refused(site: Site, path: str, **options: Any) -> tuple[int, str]:
    """Status and error of a handshake."""
    with pytest.raises(InvalidStatus) as info:
        await site.client(path, **options)
    response = info.value.response
    return response.status_code, json.loads(response.body or b"")["meta"]["error"]


def nobody(_: Request) -> None:
    """An `authorize` that knows nobody."""


OFF = Speech(voice_activity=Loudness(), endpoint=False, verification=False)
PAGE = {"origin": "https://page.test"}


@pytest.mark.parametrize(
    ("stream", "path", "headers", "status", "error"),
    [
        (Stream(echo), ENDPOINT, {}, 404, "not_found"),
        (Stream(echo), VERIFY, {}, 404, "not_found"),
        (speech_stream(), "/speech_endpoint_detector/", {}, 404, "not_found"),
        (speech_stream(), "/core/get_build_info", {}, 404, "not_found"),
        (speech_stream(OFF), ENDPOINT, {}, 503, "not_enabled"),
        (speech_stream(OFF), ENDPOINT + "_opus", {}, 503, "not_enabled"),
        (speech_stream(OFF), VERIFY, {}, 503, "not_enabled"),
        (speech_stream(OFF), VERIFY + "_opus", {}, 503, "not_enabled"),
        (speech_stream(), SUMMARY + "?frames=some", {}, 422, "invalid_field"),
        (speech_stream(authorize=nobody), SUMMARY, {}, 401, "unauthorized"),
        (
            speech_stream(Speech(voice_activity=Loudness(), origins=["https://mine.test"])),
            SUMMARY,
            PAGE,
            403,
            "forbidden_origin",
        ),
    ],
)
async def test_what_is_not_served_is_refused_before_the_upgrade(
    server: Server, stream: Stream, path: str, headers: dict[str, str], status: int, error: str
) -> None:
    async with server(stream) as site:
        assert await refused(site, path, additional_headers=headers) == (status, error)
        assert stream.calls == []


async def test_any_origin_may_ask_unless_the_application_lists_some(server: Server) -> None:
    """Clients of this API send one of their own making, or `null`."""
    for origin in ("null", "http://0.0.0.0:8080", "https://page.test"):
        async with (
            server(speech_stream()) as site,
            site.client(SUMMARY, additional_headers={"origin": origin}) as client,
        ):
            assert await ask(client, "16000") == ["200"]


async def test_no_extension_and_no_subprotocol_is_agreed(server: Server) -> None:
    if not server.own:
        pytest.skip("uvicorn agrees to extensions by itself: `--no-ws-per-message-deflate`")
    async with (
        server(speech_stream()) as site,
        site.client(
            SUMMARY, compression="deflate", additional_headers={"Sec-WebSocket-Protocol": "x"}
        ) as client,
    ):
        assert client.response is not None
        assert "sec-websocket-extensions" not in client.response.headers
        assert "sec-websocket-protocol" not in client.response.headers
        assert await ask(client, "16000") == ["200"]


async def test_a_connection_holds_a_slot_from_its_handshake_to_its_end(server: Server) -> None:
    directory = WatchedDirectory()
    stream = speech_stream(concurrency_limit=1, directory=directory)
    async with server(stream) as site:
        async with site.client(SUMMARY):
            [info] = stream.calls
            assert (info.transport, info.metadata) == ("websocket", {"path": SUMMARY})
            assert await refused(site, ENDPOINT) == (429, "concurrency_limit_reached")
        await directory.until(0)
        async with site.client(ENDPOINT) as client:
            assert await ask(client, "1000") == ["200"]
        await directory.until(0)
    assert set(directory.claimed.values()) == set(directory.released.values()) == {1}


async def test_hanging_up_closes_with_the_reason(server: Server) -> None:
    stream = speech_stream()
    async with server(stream) as site, site.client(SUMMARY) as client:
        await ask(client, "16000")
        stream.set_input(stream.calls[0].id, "ignored")
        stream.hang_up(stream.calls[0].id, "enough")
        assert (await said_and_closed(client))[1:] == (1000, "enough")


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        ({"time_limit": 0.2}, 1000, "the time limit is reached"),
        ({"idle_timeout": 0.2}, 1000, "nothing was said for too long"),
        ({}, 1008, "the parameters did not come within 0.3 s"),
    ],
)
async def test_a_connection_that_takes_too_long_is_closed(
    server: Server,
    options: dict[str, Any],
    code: int,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speech_call, "PARAMETERS_TIMEOUT", 0.3)
    async with server(speech_stream(**options)) as site, site.client(ENDPOINT) as client:
        await ask(client, "1000")
        assert (await said_and_closed(client))[1:] == (code, reason)


async def test_a_client_that_talks_is_not_idle(server: Server) -> None:
    async with server(speech_stream(idle_timeout=0.5)) as site, site.client(SUMMARY) as client:
        await ask(client, "16000")
        with anyio.move_on_after(1.2):
            while True:
                await ask(client, bytes(960))
                await anyio.sleep(0.02)
        assert summary_of((await ask(client, b""))[0])["speech_length"] == 0


async def test_a_shutdown_closes_with_1001(server: Server) -> None:
    if not server.own:
        pytest.skip("uvicorn closes WebSockets by itself, with 1012")
    async with server(speech_stream()) as site:
        client = await site.client(SUMMARY)
        await ask(client, "16000")
    assert (await said_and_closed(client))[1] == 1001


async def test_a_client_that_goes_amid_its_sound_leaves_nothing_behind(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    directory = WatchedDirectory()
    async with server(speech_stream(directory=directory)) as site:
        client = await site.client(SUMMARY)
        await client.send("16000")
        for _ in range(10):
            await client.send(bytes(200_000))
        client.transport.abort()
        await directory.until(0)
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_the_reason_of_a_refusal_is_logged_once_and_nothing_that_was_sent(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "antiphon")
    async with server(speech_stream()) as site, site.client(SUMMARY) as client:
        await ask(client, "my secret", "another secret", "16000")
    notes = [r.getMessage() for r in caplog.records if "a message" in r.getMessage()]
    assert len(notes) == 1
    assert "sample_rate is no plain number" in notes[0]
    assert "secret" not in caplog.text


async def test_messages_in_fragments_are_whole_ones(server: Server) -> None:
    async def fragments() -> AsyncIterator[bytes]:
        for piece in chunks(UTTERANCE, 999):
            yield piece

    async with server(speech_stream()) as site, site.client(ENDPOINT) as client:
        await ask(client, *PARAMETERS)
        await client.send(fragments())
        assert await client.recv() == "true"
