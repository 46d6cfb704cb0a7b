"""The HTTP calls of verification: templates made and compared."""

import base64
import json
import threading
from typing import Any

import httpx
import numpy as np
import pytest

from antiphon import Speech
from antiphon.core.speech.template import MAX_TEMPLATE, parse_template
from tests.core.loudness import Loudness, quiet
from tests.transports.speech_servers import (
    VERIFY,
    Server,
    ask,
    asked,
    backend_of,
    pcm,
    place_of,
    server,
    speech_stream,
    wav,
)
from tests.transports.voices import FOREIGN, MINE, THEIRS, Heavy, mine, theirs, verify_stream

__all__ = ("backend_of", "place_of", "server")

FROM_FILE = "/voice_template_factory/create_voice_template_from_file"
FROM_SAMPLES = "/voice_template_factory/create_voice_template_from_samples"
MATCH = "/voice_template_matcher/match_voice_templates"
OCTETS = {"content-type": "application/octet-stream"}
VOICE = np.concatenate([quiet(0.6), mine(0.9), quiet(0.6), mine(0.6)])
DAMAGED = f"{MINE[:-8]}AAAA{MINE[-4:]}"


def figures(response: httpx.Response) -> list[float]:
    """Of a template that was answered; the body is bare base64, in plain text."""
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    text = response.content.decode("ascii")
    assert base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    return [float(figure) for figure in parse_template(text).embedding]


@pytest.mark.parametrize("query", ["?sample_rate=16000", "?channel_type=&sample_rate=16000.0&x=1"])
async def test_samples_make_a_template_and_queries_of_others_are_passed_over(
    server: Server, query: str
) -> None:
    encoder = Heavy()
    response = await asked(
        *(server, verify_stream(encoder), "POST", FROM_SAMPLES + query),
        content=pcm(VOICE),
        headers=OCTETS,
    )
    assert figures(response) == [1.0, 0.0]
    # The pauses are left out, and it was not the event loop that listened.
    assert encoder.heard == [pytest.approx(1.5 * 16_000, abs=960)]
    assert threading.get_ident() not in encoder.threads


@pytest.mark.parametrize("part", ["wav_file", "audio_file"])
async def test_a_file_makes_the_same_template_under_either_name(server: Server, part: str) -> None:
    files = {part: ("a.wav", wav(VOICE))}
    response = await asked(server, verify_stream(), "POST", FROM_FILE, files=files)
    assert figures(response) == [1.0, 0.0]


async def test_stereo_is_mixed_down_where_the_file_says_so(server: Server) -> None:
    """Half as strong, this is another voice."""
    files = {"wav_file": ("a.wav", wav(VOICE, np.zeros_like(VOICE)))}
    response = await asked(server, verify_stream(), "POST", FROM_FILE, files=files)
    assert figures(response) == [0.0, 1.0]


@pytest.mark.parametrize("rate", [8000, 192_000])
async def test_every_rate_of_the_streams_makes_templates(server: Server, rate: int) -> None:
    path = f"{FROM_SAMPLES}?sample_rate={rate}"
    response = await asked(server, verify_stream(), "POST", path, content=pcm(theirs(0.7, rate)))
    assert figures(response) == [0.0, 1.0]


async def test_what_was_answered_is_taken_by_the_stream_and_the_matcher(server: Server) -> None:
    """Clients hand the body on as it came."""
    async with (
        server(verify_stream()) as site,
        httpx.AsyncClient(base_url=site.http, trust_env=False) as client,
        site.client(VERIFY) as socket,
    ):
        path = FROM_SAMPLES + "?sample_rate=16000"
        text = (await client.post(path, content=pcm(mine(1)))).text
        answers = await ask(socket, text, "16000", "1", pcm(mine(1)))
        response = await client.post(MATCH, json={"template1": text, "template2": text})
    assert json.loads(answers[-1])[0]["verify_result"]["score"] == 1.0
    assert response.json() == {"probability": pytest.approx(0.9933, abs=1e-4), "score": 1.0}


@pytest.mark.parametrize("other", [MINE, f'"{MINE}"', f" {MINE}\n"])
async def test_a_match_is_a_probability_and_a_score(server: Server, other: str) -> None:
    pair = {"template1": THEIRS, "template2": other, "channel_type": "MIC"}
    response = await asked(server, verify_stream(), "POST", MATCH, json=pair)
    assert response.status_code == 200
    assert response.json() == {"probability": pytest.approx(0.0067, abs=1e-4), "score": 0.0}


async def test_no_template_is_kept_from_one_call_to_the_next(server: Server) -> None:
    async with (
        server(verify_stream()) as site,
        httpx.AsyncClient(base_url=site.http, trust_env=False) as client,
    ):
        path = FROM_SAMPLES + "?sample_rate=16000"
        said = [
            (await client.post(path, content=pcm(voice(1)))).text for voice in (mine, theirs, mine)
        ]
    assert said == [MINE, THEIRS, MINE]


SAMPLES = FROM_SAMPLES + "?sample_rate=16000"
UNANSWERED: list[tuple[str, dict[str, Any], int, str]] = [
    (SAMPLES, {"content": pcm(mine(0.4), quiet(3))}, 400, "0.39 s of speech; 0.5 s are needed"),
    (SAMPLES, {"content": b""}, 400, "0.00 s of speech"),
    (SAMPLES, {"content": pcm(quiet(9))}, 400, "0.00 s of speech"),
    (SAMPLES, {"content": b"odd"}, 400, "3 bytes"),
    (FROM_SAMPLES, {"content": b""}, 400, "sample_rate is no plain number"),
    (FROM_FILE, {"content": b"RIFF", "headers": OCTETS}, 415, "multipart"),
    (FROM_FILE, {"files": {"wav_file": wav(mine(0.4))}}, 400, "0.39 s of speech"),
    (MATCH, {"content": b"{}"}, 400, "template1"),
    (MATCH, {"content": b"{"}, 400, "no pair of templates"),
    (MATCH, {"content": b"\xff"}, 400, "no pair of templates"),
    (MATCH, {"content": b'{"x":' + b"[" * 99_999}, 400, "no pair of templates"),
    (MATCH, {"json": {"template1": MINE, "template2": 1}}, 400, "template2"),
    (MATCH, {"data": {"template1": MINE}}, 415, "application/json"),
    (MATCH, {"content": bytes(3 * MAX_TEMPLATE)}, 413, "132096"),
    *(
        (MATCH, {"json": {"template1": MINE, "template2": text}}, 400, f"template2: {why}")
        for text, why in (
            ("8000", "the voice template is refused: it is not one of antiphon's"),
            ("not base64 !", "the voice template is refused: it is not base64"),
            (FOREIGN, "the voice template is refused: engine 'other' made it; here is 'loudness'"),
            (DAMAGED, "the voice template is refused: it is damaged"),
            ("A" * (MAX_TEMPLATE + 1), "the voice template is refused: 65537 characters"),
        )
    ),
]


async def test_what_cannot_be_answered_is_an_error_in_json(server: Server) -> None:
    async with (
        server(verify_stream()) as site,
        httpx.AsyncClient(base_url=site.http, trust_env=False) as client,
    ):
        for path, options, status, why in UNANSWERED:
            response = await client.post(path, **options)
            assert (response.status_code, list(response.json())) == (status, ["error"])
            assert why in response.json()["error"]
            assert MINE not in response.text


async def test_a_body_over_the_limit_is_413(server: Server) -> None:
    stream = verify_stream(max_message=2000)
    response = await asked(server, stream, "POST", SAMPLES, content=bytes(2002))
    assert (response.status_code, response.json()) == (413, {"error": "at most 2000 bytes"})


async def test_what_is_switched_off_is_503(server: Server) -> None:
    async with (
        server(speech_stream(Speech(voice_activity=Loudness(), verification=False))) as site,
        httpx.AsyncClient(base_url=site.http, trust_env=False) as client,
    ):
        for path in (SAMPLES, FROM_FILE, MATCH):
            response = await client.post(path, content=b"")
            assert response.status_code == 503
            assert "switched off" in response.json()["error"]


async def test_pages_may_use_these_calls_only_where_the_application_says_so(
    server: Server,
) -> None:
    """The example in JavaScript makes its template in a page: the browser asks first."""
    asks = {"origin": "null", "access-control-request-method": "POST"}
    for allow in (False, True):
        async with (
            server(verify_stream(allow_cors=allow)) as site,
            httpx.AsyncClient(base_url=site.http, trust_env=False) as client,
        ):
            for path in (SAMPLES, FROM_FILE, MATCH):
                preflight = await client.request("OPTIONS", path, headers=asks)
                refused = await client.post(path, headers={"origin": "null"})
                assert (preflight.status_code, refused.status_code // 100) == (204, 4)
                for response in (preflight, refused):
                    allowed = response.headers.get("access-control-allow-origin")
                    assert allowed == ("*" if allow else None)


async def test_another_method_is_told_the_right_one(server: Server) -> None:
    response = await asked(server, verify_stream(), "GET", MATCH)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
