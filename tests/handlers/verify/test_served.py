"""The engines of the package behind the endpoints: voices of espeak-ng, over real sockets."""

import json
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import connect

from antiphon import Speech, Stream, echo
from tests.handlers.verify.conftest import RATE, Say
from tests.transports.serving import serving

ENROLLED, OTHER = "en-us+m3", "en-us+f2"
SAMPLES = f"/voice_template_factory/create_voice_template_from_samples?sample_rate={RATE}"


async def test_a_voice_is_more_like_its_own_template_than_anothers(say: Say) -> None:
    """As a client has it: a template by HTTP, then the stream; noise in between has no score."""
    stream = Stream(echo, speech=Speech(voice_activity="compact", speaker_encoder="gmm"))
    noise = np.random.default_rng(3).normal(0, 200, 3 * RATE).astype(np.int16)
    scores: dict[str, float] = {}
    async with (
        serving(stream) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
    ):
        template = (await http.post(SAMPLES, content=say(ENROLLED, 0).tobytes())).text
        for voice in (ENROLLED, OTHER):
            async with connect(f"ws://127.0.0.1:{port}/voice_verify_stream") as client:
                for message in (template, str(RATE), "3"):
                    await client.send(message)
                    assert await client.recv() == "200"
                results: list[Any] = []
                for sound in (noise, say(voice, 1)[: 3 * RATE], noise):
                    await client.send(sound.tobytes())
                    results += json.loads(await client.recv())
            [result] = results
            assert result["audio_interval"]["start_time"] == 3000
            scores[voice] = result["verify_result"]["score"]
    assert scores[ENROLLED] > scores[OTHER] + 0.1
