"""Words instead of tones: speech that is synthesised, and a detector that was trained."""

import os
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.audio.resample import Resampler
from antiphon.core.errors import MissingExtraError
from antiphon.core.models import VoiceActivityModel
from antiphon.handlers.reply_on_pause import ReplyOnPause
from antiphon.handlers.vad.choose import voice_activity_model
from tests.cli.sounds import read_wav, speech
from tests.conformance.talker import RATE, Talker, tone
from tests.conformance.trace import Told, log, start
from tests.conformance.transports import SERVERS, Transport

PITCHES = (1700, 2300)
TURN = [log("started_talking"), log("pause_detected"), log("response_starting")]
LIVE = [transport for transport in SERVERS if transport.name in ("websocket", "webrtc")]


@pytest.fixture(params=["silero", "compact"])
def detector(request: pytest.FixtureRequest) -> VoiceActivityModel:
    """Skips where an engine is not installed, or fails with REQUIRE_VAD=1."""
    try:
        return voice_activity_model(request.param)
    except MissingExtraError as missing:
        if os.environ.get("REQUIRE_VAD") == "1":
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def sentence(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Words, and a second of silence. Skips without espeak-ng."""
    rate, samples = read_wav(speech(tmp_path_factory.mktemp("speech") / "spoken.wav"))
    resampler = Resampler(rate, RATE, live=False)
    words = np.frombuffer(resampler.process(samples.tobytes()) + resampler.flush(), "<i2")
    return np.concatenate((words, np.zeros(RATE, np.int16)))


@pytest.mark.parametrize("transport", LIVE, ids=lambda transport: transport.name)
async def test_words_are_answered_and_interrupt_an_answer(
    transport: Transport, detector: VoiceActivityModel, sentence: Samples
) -> None:
    turns: list[float] = []

    async def tell(turn: tuple[int, Samples]) -> AsyncGenerator[Any]:
        turns.append(turn[1].size / turn[0])
        yield RATE, tone(PITCHES[len(turns) - 1], 5)
        await anyio.sleep_forever()

    async with transport.serving(ReplyOnPause(tell, model=detector)) as site, site.peer() as peer:
        talker = Talker(peer, PITCHES, in_order="messages" in transport.features)
        await peer.say(start())
        await talker.say(sentence)
        await talker.listen(3, 1)
        assert (talker.told, talker.heard) == (TURN, [PITCHES[0]])
        talker.forget()
        await talker.say(sentence)
        await talker.listen(4, 1)
        assert (talker.told, talker.heard) == ([Told({"event": "clear"}), *TURN], [PITCHES[1]])
    spoken = len(sentence) / RATE - 1
    assert all(abs(turn - spoken - 0.6) < 0.6 for turn in turns), turns
