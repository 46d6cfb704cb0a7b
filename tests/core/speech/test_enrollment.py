"""One speaker's recording, in any cutting, as a template."""

import numpy as np
import pytest

from antiphon.core.errors import TooLittleSpeech
from antiphon.core.speech.enrollment import MOST_SPEECH, Enrollment, create_template
from antiphon.core.speech.verification import match
from tests.core.speech.encoders import ByLoudness, LoudFrames
from tests.core.speech.test_verification import RATE, TEMPLATE, sound


def test_a_template_is_made_of_the_speech_alone() -> None:
    encoder = ByLoudness()
    samples = sound((0.6, 0), (0.6, 20_000), (3, 0))
    template = create_template(samples, RATE, encoder, LoudFrames(RATE))
    assert encoder.heard == [round(0.6 * RATE)]
    assert match(template, TEMPLATE, encoder).score == 1.0


@pytest.mark.parametrize("speech", [0, 0.03, 0.48])
def test_less_than_half_a_second_of_speech_makes_no_template(speech: float) -> None:
    samples = sound((speech, 20_000), (2, 0))
    with pytest.raises(TooLittleSpeech, match=f"{speech:.2f} s of speech"):
        create_template(samples, RATE, ByLoudness(), LoudFrames(RATE))


@pytest.mark.parametrize("size", [1, 100, 240, 999, 100_000])
def test_any_cutting_gives_the_same_template(size: int) -> None:
    samples = sound((0.7, 20_000), (0.2, 0), (0.5, 100))
    enrollment = Enrollment(ByLoudness(), LoudFrames(RATE), sample_rate=RATE)
    for start in range(0, len(samples), size):
        enrollment.receive(samples[start : start + size])
    whole = create_template(samples, RATE, ByLoudness(), LoudFrames(RATE))
    assert np.array_equal(enrollment.template().embedding, whole.embedding)
    assert enrollment.seconds == pytest.approx(1.2, abs=0.03)


def test_no_more_than_a_minute_of_speech_is_kept() -> None:
    """An encoder takes longer for more, and a template is no better for it."""
    encoder = ByLoudness()
    enrollment = Enrollment(encoder, LoudFrames(RATE), sample_rate=RATE)
    for _ in range(7):
        enrollment.receive(sound((10, 20_000)))
    enrollment.template()
    assert encoder.heard == [pytest.approx(MOST_SPEECH * RATE, abs=0.03 * RATE)]
    assert enrollment.seconds == pytest.approx(60, abs=0.03)
