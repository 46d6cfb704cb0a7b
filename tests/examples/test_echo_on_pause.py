"""What is said comes back."""

import pytest

from examples.echo_on_pause import stream
from tests.examples.talking import talking


@pytest.mark.parametrize("by", ["memory", "websocket"])
async def test_a_sentence_comes_back_after_the_pause(by: str) -> None:
    async with talking(stream, by) as talker:
        for times in (1, 2):
            await talker.say("Six zebras rest.")
            await talker.until_told("log", "response_starting", times)
            await talker.until_heard(0.7 * times)
        assert [what for kind, what in talker.told if kind == "log"] == [
            "started_talking",
            "pause_detected",
            "response_starting",
        ] * 2
