"""Voice verification on sockets: docs/speech.md. Traps of clients in the field."""

import json
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.to_thread
import msgspec
import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.speech.template import MAX_TEMPLATE, Embedding
from antiphon.transports.opus import opus_encoder
from antiphon.transports.speech_threads import THREADS
from tests.core.loudness import quiet
from tests.transports.opus_streams import SPEECH
from tests.transports.serving import WatchedDirectory
from tests.transports.speech_servers import (
    SUMMARY,
    VERIFY,
    Server,
    ask,
    backend_of,
    chunks,
    pcm,
    pipeline,
    place_of,
    said_and_closed,
    server,
)
from tests.transports.voices import FOREIGN, MINE, THEIRS, Gate, Heavy, mine, theirs, verify_stream

__all__ = ("backend_of", "place_of", "server")


Talk = Callable[..., Awaitable[list[str]]]


def results(answer: str) -> list[dict[str, Any]]:
    """An answer to sound: always an array."""
    return msgspec.json.decode(answer, type=list[dict[str, Any]])


@pytest.mark.parametrize("talk", [ask, pipeline])
async def test_the_python_example_gets_0_to_9_results(server: Server, talk: Talk) -> None:
    """A whole file of 44,032 samples is one message, ten times; it waits for each answer, or reads
    when all is sent.
    """
    async with server(verify_stream()) as site, site.client(VERIFY) as client:
        answers = await talk(client, MINE, "16000", "10", "3", *[pcm(mine(2.752))] * 10)
    assert answers[:4] == ["200"] * 4
    assert answers[4] == "[]"
    assert np.cumsum([len(results(a)) for a in answers[4:]]).tolist() == list(range(10))
    assert answers[5].startswith(
        '[{"audio_interval":{"end_sample":48000,"end_time":3000,"sample_rate":16000,'
        '"start_sample":0,"start_time":0},"verify_result":{"probability":0.99'
    )


@pytest.mark.parametrize("rate", [44_100, 48_000])
async def test_the_javascript_example_waits_for_nothing(server: Server, rate: int) -> None:
    """All parameters when the socket opens, sound of 4096 samples behind them; every answer to
    sound is an array, for it is looped over.
    """
    sound = chunks(pcm(mine(3.5, rate)), 8192)
    parameters = [f' "{MINE}"\n', str(rate), "10", "3"]
    async with server(verify_stream()) as site, site.client(VERIFY) as client:
        answers = await pipeline(client, *parameters, *sound)
    assert [json.loads(answer) for answer in answers[:4]] == [200] * 4
    found = [result for answer in answers[4:] for result in results(answer)]
    assert [result["audio_interval"]["end_sample"] for result in found] == [3 * rate]


@pytest.mark.parametrize(
    ("parameters", "windows"), [(["1"], [0, 1, 3, 4, 5]), (["10", "1"], [0, 1, 2, 3, 4, 5])]
)
@pytest.mark.parametrize("size", [960, 12_266, 200_000])
async def test_a_client_may_read_after_each_message_or_last(
    server: Server, size: int, parameters: list[str], windows: list[int]
) -> None:
    """A second of memory forgets a voice in the pause behind it, ten do not."""
    sound = pcm(mine(1.7), quiet(1.5), theirs(2.1), mine(0.8))
    messages: list[str | bytes] = [MINE, "16000", *parameters, *chunks(sound, size)]
    async with server(verify_stream()) as site:
        async with site.client(VERIFY) as client:
            waiting = await ask(client, *messages)
        async with site.client(VERIFY) as client:
            assert await pipeline(client, *messages) == waiting
    found = [result for answer in waiting[2 + len(parameters) :] for result in results(answer)]
    starts = [result["audio_interval"]["start_time"] for result in found]
    assert starts == [1000 * window for window in windows]


async def test_three_parameters_mean_windows_of_3_s_and_a_fourth_says_so(server: Server) -> None:
    sound = pcm(mine(3))
    async with server(verify_stream()) as site:
        for parameters, count in ((("10",), 1), (("0.5",), 6), (("10", "1.5"), 2)):
            async with site.client(VERIFY) as client:
                answers = await ask(client, MINE, "16000", *parameters, sound)
            assert len(results(answers[-1])) == count


async def test_scores_are_those_of_the_voice_in_the_context(server: Server) -> None:
    async with server(verify_stream()) as site, site.client(VERIFY) as client:
        answers = await ask(client, MINE, "16000", "2", "1", pcm(mine(1), theirs(2)))
    scores = [result["verify_result"]["score"] for result in results(answers[-1])]
    assert scores == pytest.approx([1.0, 0.5**0.5, 0.0], abs=0.03)


@pytest.mark.parametrize("noise", [0, 900])
async def test_silence_noise_and_too_little_speech_get_no_score(server: Server, noise: int) -> None:
    sound = np.full(16_000, noise, np.int16)
    async with server(verify_stream()) as site, site.client(VERIFY) as client:
        answers = await ask(client, MINE, "16000", "10", "3", pcm(sound), b"", pcm(mine(0.4)))
        answers += await pipeline(client, *[pcm(sound)] * 10)
    assert answers[4:] == ["[]"] * 13


BAD = (
    *("8000", "not base64 !", f"{MINE}*{MINE}", FOREIGN, f"{MINE[:-8]}AAAA{MINE[-4:]}"),
    *(MINE + "A" * MAX_TEMPLATE, "A" * 10_000_000, ""),
)


async def test_a_template_that_is_none_is_refused_asked_for_again_and_never_logged(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """`8000` is base64 too; a decoder that passes junk over would find `MINE` in the third."""
    caplog.set_level(logging.DEBUG, "antiphon")
    async with server(verify_stream()) as site:
        for bad in BAD:
            async with site.client(VERIFY) as client:
                said = await ask(client, bad, MINE, "16000", "3")
                assert said == ["500", "200", "200", "200"]
    logged = [r.getMessage() for r in caplog.records if r.name == "antiphon"]
    assert sum("a message: template is" in text for text in logged) == len(BAD)
    assert not any(bad[:40] in text for text in logged for bad in (*BAD[:-1], MINE))


async def test_who_sends_a_bad_template_and_waits_for_nothing_is_never_heard(
    server: Server,
) -> None:
    """`16000` is no template, so the count comes out short, and all sound is refused."""
    messages: list[str | bytes] = ["8000", "16000", "10", "3", *[pcm(mine(3))] * 3]
    async with server(verify_stream()) as site, site.client(VERIFY) as client:
        assert await pipeline(client, *messages) == ["500"] * 7


async def test_what_is_out_of_range_is_refused_and_asked_for_again(server: Server) -> None:
    said = {
        "7999": "500",
        "192001": "500",
        "nan": "500",
        "16_000": "500",
        "16000.0": "200",
        "0.4": "500",
        "601": "500",
        "inf": "500",
        "1e1": "500",
        "10": "200",
        "0.49": "500",
        "10.1": "500",
        "\uff13": "500",
        "3": "200",
    }
    async with server(verify_stream()) as site, site.client(VERIFY) as client:
        assert await ask(client, MINE, *said, "3", pcm(mine(3)[:-1])) == [
            *("200", *said.values(), "500", "[]")
        ]


async def test_intervals_are_at_the_clients_rate_and_their_times_cut_off(server: Server) -> None:
    """The vendor's own: 24,150 samples at 8 kHz are 3,018 ms and three quarters."""
    async with server(verify_stream()) as site, site.client(VERIFY) as client:
        answers = await ask(client, MINE, "8000", "10", "3.01875", pcm(mine(7, 8000)))
    assert [result["audio_interval"] for result in results(answers[-1])] == [
        {
            "start_sample": start,
            "end_sample": end,
            "start_time": start // 8,
            "end_time": end // 8,
            "sample_rate": 8000,
        }
        for start, end in ((0, 24_150), (24_150, 48_300))
    ]


@pytest.mark.parametrize("rate", [8000, 11_025, 96_000, 192_000])
async def test_every_rate_of_the_other_endpoints_is_served(server: Server, rate: int) -> None:
    async with server(verify_stream()) as site, site.client(VERIFY) as client:
        answers = await ask(client, MINE, str(rate), "10", "1", pcm(mine(1, rate)))
    [result] = results(answers[-1])
    assert result["audio_interval"]["end_sample"] == rate
    assert result["verify_result"]["score"] == 1.0


async def test_packets_of_opus_are_heard_at_the_declared_rate(server: Server) -> None:
    rate = 16_000
    tone = np.rint(30_000 * np.sin(np.arange(3 * rate) * 2 * np.pi * 300 / rate)).astype(np.int16)
    encoder = opus_encoder(rate, SPEECH)
    packets = [encoder.encode(piece) for piece in chunks(pcm(tone), 640)]
    path = VERIFY + "_opus"
    async with server(verify_stream()) as site, site.client(path) as client:
        answers = await ask(client, MINE, "44100", str(rate), "10", "1")
        answers += await pipeline(client, *packets, b"", b"OggS" + bytes(60))
    assert answers[:5] == ["200", "500", "200", "200", "200"]
    assert answers[-2:] == ["[]", "500"]
    with_results = [at for at, answer in enumerate(answers[5:-2]) if answer != "[]"]
    assert with_results == [49, 99, 149]


async def test_half_a_sample_is_refused_and_text_behind_the_parameters_too(server: Server) -> None:
    async with server(verify_stream()) as site, site.client(VERIFY) as client:
        answers = await ask(client, MINE, "16000", "1", b"\0\0\0", pcm(mine(1)), "3", b"")
    assert answers[3] == "500"
    assert len(results(answers[4])) == 1
    assert answers[5:] == ["500", "[]"]


async def test_no_voice_is_listened_to_on_the_event_loop(server: Server) -> None:
    encoder = Heavy()
    async with server(verify_stream(encoder)) as site, site.client(VERIFY) as client:
        await ask(client, MINE, "16000", "1", pcm(mine(3)))
    assert len(encoder.heard) == 3
    assert threading.get_ident() not in encoder.threads


async def test_a_flood_of_voices_leaves_other_calls_their_threads_and_keeps_its_order(
    server: Server,
) -> None:
    """While every thread that verification may have is stuck, the rest goes on."""
    gate = Gate()
    answers: list[list[str]] = []
    async with server(verify_stream(gate)) as site, anyio.create_task_group() as tasks:

        async def flood() -> None:
            async with site.client(VERIFY) as client:
                messages: list[str | bytes] = [
                    MINE,
                    "16000",
                    "1",
                    pcm(mine(1)),
                    b"",
                    pcm(theirs(1)),
                ]
                answers.append(await pipeline(client, *messages))

        for _ in range(2 * THREADS + 1):
            tasks.start_soon(flood)
        await gate.entered(THREADS)
        async with site.client(SUMMARY) as live:
            assert len(await ask(live, "16000", *[pcm(mine(0.03))] * 10)) == 11
        assert await anyio.to_thread.run_sync(lambda: "free") == "free"
        assert not gate.inside.acquire(blocking=False)
        gate.open.set()
    assert len(answers) == 2 * THREADS + 1
    for said in answers:
        assert said[:3] + said[4:5] == ["200", "200", "200", "[]"]
        starts = [results(said[at])[0]["audio_interval"]["start_time"] for at in (3, 5)]
        assert starts == [0, 1000]


class Broken(Heavy):
    """Fails at a voice of full scale."""

    def embedding(self, speech: Samples, sample_rate: int) -> Embedding:
        if speech.max() == 32_767:
            raise RuntimeError("the engine is broken")
        return super().embedding(speech, sample_rate)


async def test_an_engine_that_fails_begins_anew_and_hits_nobody_else(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    bad = pcm(np.full(16_000, 32_767, np.int16))
    async with (
        server(verify_stream(Broken())) as site,
        site.client(VERIFY) as client,
        site.client(VERIFY) as other,
    ):
        for each in (client, other):
            await ask(each, MINE, "16000", "1", pcm(mine(1)))
        assert await ask(client, bad) == ["500"]
        [anew], [on] = await ask(client, pcm(mine(1))), await ask(other, pcm(mine(1)))
    assert results(anew)[0]["audio_interval"]["start_sample"] == 0
    assert results(on)[0]["audio_interval"]["start_sample"] == 16_000
    assert "the engine is broken" in caplog.text


async def test_a_long_message_lets_others_be_answered_meanwhile(server: Server) -> None:
    order: list[str] = []
    async with (
        server(verify_stream()) as site,
        site.client(VERIFY) as busy,
        site.client(SUMMARY + "?frames=none") as live,
        anyio.create_task_group() as tasks,
    ):

        async def read() -> None:
            assert len(results(str(await busy.recv()))) == 1000
            order.append("all of it")

        await ask(busy, MINE, "16000", "0.5")
        await ask(live, "16000")
        await busy.send(pcm(theirs(500)))
        tasks.start_soon(read)
        for _ in range(20):
            await ask(live, pcm(quiet(0.03)))
            order.append("a frame")
    assert order == ["a frame"] * 20 + ["all of it"]


async def test_a_client_that_goes_while_it_is_listened_to_leaves_nothing_behind(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    gate, directory = Gate(), WatchedDirectory()
    async with server(verify_stream(gate, stream={"directory": directory})) as site:
        client = await site.client(VERIFY)
        for message in (MINE, "16000", "1", pcm(mine(1)), pcm(theirs(1))):
            await client.send(message)
        await gate.entered(1)
        client.transport.abort()
        gate.open.set()
        await directory.until(0)
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_nobody_listens_on_to_a_client_that_has_gone(server: Server) -> None:
    """Who tries again would wait for all that was sent before."""
    if not server.own:
        pytest.skip("an ASGI server tells of it when it is asked for the next message")
    gate, directory = Gate(), WatchedDirectory()
    async with server(verify_stream(gate, stream={"directory": directory})) as site:
        client = await site.client(VERIFY)
        for message in (MINE, "16000", "1", pcm(mine(30))):
            await client.send(message)
        await gate.entered(1)
        client.transport.abort()
        gate.open.set()
        await directory.until(0)
    assert len(gate.heard) < 30


async def test_who_waits_for_an_answer_is_not_idle(server: Server) -> None:
    gate = Gate()
    stream = verify_stream(gate, stream={"idle_timeout": 0.4})
    async with server(stream) as site, site.client(VERIFY) as client:
        for message in (MINE, "16000", "1", pcm(mine(1))):
            await client.send(message)
        await gate.entered(1)
        await anyio.sleep(0.6)
        gate.open.set()
        assert [len(str(await client.recv())) > 3 for _ in range(4)] == [False] * 3 + [True]
        assert (await said_and_closed(client))[1:] == (1000, "nothing was said for too long")


async def test_two_streams_do_not_share_a_memory(server: Server) -> None:
    async with (
        server(verify_stream()) as site,
        site.client(VERIFY) as one,
        site.client(VERIFY) as other,
    ):
        await ask(one, MINE, "16000", "10", "1", pcm(mine(1.5)))
        await ask(other, THEIRS, "16000", "10", "1", pcm(theirs(0.5)))
        [first], [second] = await ask(one, pcm(mine(0.5))), await ask(other, pcm(theirs(0.5)))
    assert [results(first)[0]["verify_result"]["score"]] == [1.0]
    assert results(second)[0]["audio_interval"]["end_sample"] == 16_000
    assert results(second)[0]["verify_result"]["score"] == 1.0
