"""Verification behind the handshake: the same bytes, however cut, get the same answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.dialects.parameters import Answer, SpeechSession, verification_form
from antiphon.core.speech.template import Template, template_text
from antiphon.core.speech.verification import VoiceVerification, read_template
from antiphon.core.speech.verify_stream import VerifyStream
from antiphon.core.speech.voiced import DetectedSpeech
from antiphon.core.speech.work import Work
from antiphon.core.wire import Kind
from tests.core.loudness import Loudness
from tests.core.speech.encoders import ByLoudness

RATE = 8000
TEMPLATE = Template(ByLoudness.engine, ByLoudness.model_hash, np.array([1, 0], np.float32))
PARAMETERS = (template_text(TEMPLATE), f"{RATE}", "2", "0.7")
SOUND = (
    np.concatenate(
        [
            np.full(round(seconds * RATE), strength)
            for seconds, strength in ((1.1, 20_000), (0.8, 0), (1, 5000), (1.3, 3), (0.9, 30_000))
        ]
    )
    .astype("<i2")
    .tobytes()
)


class Heavy(ByLoudness):
    """Not to be asked on an event loop."""

    blocking = True


class Talk:
    """A session; how often it has left work behind is counted."""

    def __init__(self, encoder: ByLoudness) -> None:
        self._encoder = encoder
        form = verification_form(lambda text: read_template(text, encoder))
        self._session = SpeechSession(form, self._start)
        self.worked = 0

    def _start(self, values: Mapping[str, Any]) -> VerifyStream:
        rate = values["sample_rate"]
        verification = VoiceVerification(
            *(values["template"], self._encoder, DetectedSpeech(Loudness(), rate)),
            sample_rate=rate,
            context=values["context"],
            window=values["window"],
        )
        return VerifyStream(verification, self._encoder)

    def say(self, *messages: str | bytes) -> list[Any]:
        return [self._say(message) for message in messages]

    def _say(self, message: str | bytes) -> Any:
        kind = Kind.TEXT if isinstance(message, str) else Kind.BINARY
        step = self._session.receive(
            kind, message.encode() if isinstance(message, str) else message
        )
        while not isinstance(step, Answer):
            if isinstance(step, Work):
                self.worked += 1
                step.run()
            step = self._session.go_on()
        return msgspec.json.decode(step.text)


def cut(sizes: Sequence[int]) -> list[bytes]:
    """Pieces of so many samples, and the rest."""
    edges = [min(2 * edge, len(SOUND)) for edge in np.cumsum([0, *sizes]).tolist()]
    return [SOUND[a:b] for a, b in zip(edges, [*edges[1:], len(SOUND)], strict=True)]


@given(st.lists(st.integers(0, 9000), max_size=30), st.sampled_from([ByLoudness, Heavy]))
def test_any_cutting_of_the_same_bytes_gives_the_same_results_at_the_same_samples(
    sizes: list[int], encoder: type[ByLoudness]
) -> None:
    whole, pieces = Talk(ByLoudness()), Talk(encoder())
    [expected] = whole.say(*PARAMETERS, SOUND)[4:]
    pieces.say(*PARAMETERS)
    at = 0
    found: list[Any] = []
    for piece in cut(sizes):
        before, at = at, at + len(piece) // 2
        [results] = pieces.say(piece)
        ends = [result["audio_interval"]["end_sample"] for result in results]
        assert all(before < end <= at for end in ends)
        found += results
    assert found == expected
    # A window with too little speech has the score of the one before it, and no longer.
    starts = [result["audio_interval"]["start_time"] for result in found]
    assert starts == [0, 700, 2100, 2800, 4200]


def test_a_heavy_encoder_leaves_work_behind_a_light_one_none() -> None:
    heavy, light = Talk(Heavy()), Talk(ByLoudness())
    assert heavy.say(*PARAMETERS, SOUND) == light.say(*PARAMETERS, SOUND)
    assert (heavy.worked, light.worked) == (7, 0)


def test_results_are_told_once_and_an_empty_list_is_one_too() -> None:
    talk = Talk(Heavy())
    assert talk.say(*PARAMETERS, b"", SOUND[: 2 * 5599]) == [200] * 4 + [[], []]
    assert [len(results) for results in talk.say(SOUND[:2], b"")] == [1, 0]


@pytest.mark.parametrize("strength", [0, 3])
def test_silence_and_noise_get_no_score_however_long(strength: int) -> None:
    talk = Talk(Heavy())
    message = np.full(20 * RATE, strength, "<i2").tobytes()
    assert talk.say(*PARAMETERS, message)[4:] == [[]]
