"""The HTTP calls beside the speech endpoints."""

from typing import Any

import anyio
import httpx
import numpy as np
import pytest

from antiphon import Speech, Stream
from antiphon.transports.requests import Request
from tests.core.loudness import Loudness, loud, quiet
from tests.transports.speech_servers import (
    SUMMARY,
    Server,
    asked,
    backend_of,
    pcm,
    place_of,
    server,
    speech_stream,
    wav,
)

__all__ = ("backend_of", "place_of", "server")

FROM_FILE = "/speech_summary_engine/get_speech_summary_from_file"
FROM_SAMPLES = "/speech_summary_engine/get_speech_summary_from_samples"
SOUND = np.concatenate([quiet(0.3), loud(0.6), quiet(0.31)])
OCTETS = {"content-type": "application/octet-stream"}


EXPECTED = {
    "background_length": 0.6000000238418579,
    "speech_signal_length": 0.6000000238418579,
    "total_length": float(np.float32(1.21)),
    "vad_result": {
        "frame_length_ms": 30.0,
        "frames": [False] * 10 + [True] * 20 + [False] * 10,
    },
}


@pytest.mark.parametrize("part", ["wav_file", "audio_file"])
async def test_a_file_is_summed_up_under_either_name(server: Server, part: str) -> None:
    files = {"other": ("x", b"1"), part: ("a.wav", wav(SOUND))}
    response = await asked(server, speech_stream(), "POST", FROM_FILE, files=files)
    assert (response.status_code, response.json()) == (200, EXPECTED)


async def test_stereo_is_mixed_down_where_the_file_says_so(server: Server) -> None:
    """On a WebSocket nothing tells it from mono of twice the length."""
    files = {"wav_file": ("a.wav", wav(SOUND, np.zeros_like(SOUND)))}
    response = await asked(server, speech_stream(), "POST", FROM_FILE, files=files)
    assert response.json()["total_length"] == EXPECTED["total_length"]


@pytest.mark.parametrize("query", ["?sample_rate=16000", "?channel_type=&sample_rate=16000.0&x=1"])
async def test_samples_are_summed_up_and_queries_of_others_passed_over(
    server: Server, query: str
) -> None:
    response = await asked(
        server, speech_stream(), "POST", FROM_SAMPLES + query, content=pcm(SOUND), headers=OCTETS
    )
    assert (response.status_code, response.json()) == (200, EXPECTED)


async def test_a_whole_file_lists_all_its_frames(server: Server) -> None:
    response = await asked(
        server,
        speech_stream(),
        "POST",
        FROM_SAMPLES + "?sample_rate=8000",
        content=pcm(quiet(90, 8000)),
    )
    assert len(response.json()["vad_result"]["frames"]) == 3000


OFF = Speech(voice_activity=Loudness(), summary=False, verification=False)
SMALL = Speech(voice_activity=Loudness(), max_message=2000)


def nobody(_: Request) -> None:
    """An `authorize` that knows nobody."""


@pytest.mark.parametrize(
    ("stream", "path", "options", "status", "why"),
    [
        (speech_stream(), FROM_SAMPLES, {"content": b""}, 400, "sample_rate is no plain number"),
        (speech_stream(), FROM_SAMPLES + "?sample_rate=1e4", {"content": b""}, 400, "number"),
        (speech_stream(), FROM_SAMPLES + "?sample_rate=4000", {"content": b""}, 400, "8000"),
        (speech_stream(), FROM_SAMPLES + "?sample_rate=8000", {"content": b"1"}, 400, "1 bytes"),
        (speech_stream(), FROM_SAMPLES + "?sample_rate=8000", {"json": {}}, 415, "octet-stream"),
        (speech_stream(), FROM_FILE, {"content": b"RIFF", "headers": OCTETS}, 415, "multipart"),
        (speech_stream(), FROM_FILE, {"files": {"file": wav(SOUND)}}, 400, "wav_file"),
        (speech_stream(), FROM_FILE, {"files": {"wav_file": b"MP3"}}, 400, "not a WAV file"),
        (
            speech_stream(),
            FROM_FILE,
            {"content": b"x", "headers": {"content-type": "multipart/form-data"}},
            400,
            "boundary",
        ),
        (
            speech_stream(SMALL),
            FROM_SAMPLES + "?sample_rate=8000",
            {"content": bytes(2002)},
            413,
            "2000",
        ),
        (speech_stream(OFF), FROM_FILE, {"files": {"wav_file": wav(SOUND)}}, 503, "switched off"),
        (speech_stream(authorize=nobody), FROM_FILE, {"content": b""}, 401, "unauthorized"),
    ],
)
async def test_what_cannot_be_answered_is_an_error_in_json(
    server: Server, stream: Stream, path: str, options: dict[str, Any], status: int, why: str
) -> None:
    response = await asked(server, stream, "POST", path, **options)
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert why in response.json()["error"]


@pytest.mark.parametrize(("method", "path"), [("GET", FROM_FILE), ("POST", "/core/get_build_info")])
async def test_another_method_is_told_the_right_one(server: Server, method: str, path: str) -> None:
    response = await asked(server, speech_stream(), method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == ("POST" if method == "GET" else "GET")


async def test_the_build_says_which_engine_hears(server: Server) -> None:
    response = await asked(server, speech_stream(OFF), "GET", "/core/get_build_info")
    assert response.json()["voice_activity"] == "loudness"
    assert response.json()["components"] == ["speech_endpoint"]
    assert "speaker_encoder" not in response.json()


async def test_the_build_calls_a_demonstration_by_its_name(server: Server) -> None:
    stream = speech_stream(Speech(voice_activity=Loudness(), speaker_encoder="gmm"))
    response = await asked(server, stream, "GET", "/core/get_build_info")
    assert response.json()["components"] == ["speech_endpoint", "speech_summary", "voice_verify"]
    assert response.json()["speaker_encoder"] == "gmm (demonstration)"


async def test_without_speech_nothing_is_there(server: Server) -> None:
    async def handler(_: Any) -> None:
        raise AssertionError("nobody calls")

    assert (await asked(server, Stream(handler), "GET", "/core/get_build_info")).status_code == 404


async def test_a_plain_request_to_a_websocket_is_told_so(server: Server) -> None:
    assert (await asked(server, speech_stream(), "GET", SUMMARY)).status_code == 426


async def test_an_upload_without_end_holds_its_slot_no_longer_than_the_time_limit(
    server: Server,
) -> None:
    stream = speech_stream(time_limit=0.3)
    async with server(stream) as site:
        address, _, port = site.http.removeprefix("http://").partition(":")
        async with await anyio.connect_tcp(address, int(port)) as client:
            head = f"POST {FROM_SAMPLES}?sample_rate=8000 HTTP/1.1\r\nHost: x\r\n"
            await client.send(f"{head}Content-Length: 1000\r\n\r\n".encode() + bytes(10))
            answer = await client.receive()
            assert answer.startswith(b"HTTP/1.1 408 ")
        assert stream.calls == []


PREFLIGHT = {
    "origin": "null",
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
}


async def test_pages_may_read_the_answers_only_where_the_application_says_so(
    server: Server,
) -> None:
    """A body of samples is preflighted; a page opened from a file has the origin `null`."""
    path = FROM_SAMPLES + "?sample_rate=8000"
    for allow in (False, True):
        stream = speech_stream(Speech(voice_activity=Loudness(), allow_cors=allow))
        preflight = await asked(server, stream, "OPTIONS", path, headers=PREFLIGHT)
        answer = await asked(server, stream, "POST", path, headers={"origin": "null"}, content=b"")
        refused = await asked(
            server, stream, "POST", path, headers={"origin": "null"}, content=b"1"
        )
        assert (preflight.status_code, answer.status_code) == (204, 200)
        for response in (preflight, answer, refused):
            assert response.headers.get("access-control-allow-origin") == ("*" if allow else None)
        allowed = preflight.headers.get("access-control-allow-headers", "")
        assert ("content-type" in allowed) == allow


async def test_pages_of_listed_origins_alone_may(server: Server) -> None:
    origins = ["https://mine.test"]
    stream = speech_stream(Speech(voice_activity=Loudness(), allow_cors=True, origins=origins))
    path = FROM_SAMPLES + "?sample_rate=8000"
    mine = await asked(server, stream, "POST", path, headers={"origin": origins[0]}, content=b"")
    theirs = await asked(server, stream, "POST", path, headers={"origin": "null"}, content=b"")
    assert (mine.status_code, theirs.status_code) == (200, 403)
    assert mine.headers["access-control-allow-origin"] == origins[0]
    assert "access-control-allow-origin" not in theirs.headers


async def test_a_long_file_lets_others_be_answered_meanwhile(server: Server) -> None:
    order: list[str] = []
    async with (
        server(speech_stream()) as site,
        httpx.AsyncClient(base_url=site.http, trust_env=False, timeout=20) as client,
        site.client(SUMMARY + "?frames=none") as live,
        anyio.create_task_group() as tasks,
    ):

        async def upload() -> None:
            path = FROM_SAMPLES + "?sample_rate=8000"
            assert (await client.post(path, content=bytes(10_000_000))).status_code == 200
            order.append("file")

        await live.send("8000")
        await live.recv()
        tasks.start_soon(upload)
        while len(order) < 10:
            await live.send(bytes(480))
            await live.recv()
            order.append("frame")
    assert order[:10] == ["frame"] * 10
