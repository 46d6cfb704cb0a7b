"""Nobody is listened to before a whistle."""

import numpy as np
import pytest

from examples.stop_word import Loudness, Whistles, stream
from tests.examples.talking import RATE, talking

TONE = (8000 * np.sin(2 * np.pi * 2000 * np.arange(RATE) / RATE)).astype("<i2")


@pytest.mark.parametrize("by", ["memory", "websocket"])
async def test_what_is_said_behind_the_stop_word_is_answered(by: str) -> None:
    async with talking(stream, by) as talker:
        await talker.say("Nobody is listened to.")
        await talker.call.ping()
        assert talker.told == []
        await talker.make(RATE, TONE)
        await talker.silence(0.4)
        await talker.until_told("stopword")
        await talker.say("Six zebras rest.")
        await talker.until_told("fetch_output")
        await talker.until_heard(0.7)
        output = await stream.fetch_latest_output("one")
        assert 0.9 < output.value["seconds"] < 3
        await talker.call.ping()
        kinds = [kind for kind, _ in talker.told]
        assert (kinds.count("stopword"), kinds.count("fetch_output")) == (1, 1)


def test_the_stub_knows_a_whistle_from_other_sounds() -> None:
    noise = np.random.default_rng(1).normal(0, 3000, RATE).astype("<i2")
    assert Whistles().stt((RATE, TONE.reshape(1, -1))) == "Hey, computer!"
    assert Whistles().stt((RATE, noise.reshape(1, -1))) == "something else"


def test_the_detector_counts_what_is_loud() -> None:
    sound = np.concatenate((TONE[: RATE // 2], np.zeros(RATE, "<i2")))
    assert Loudness().vad((RATE, sound), None) == (0.5, [])
