import numpy as np
import pytest

from antiphon.cli.echo_probe import EchoProbe
from antiphon.core.audio.frames import Samples
from antiphon.core.audio.g711 import mulaw_decode, mulaw_encode
from tests.cli.sounds import melody

RATE = 8000
SOUND = melody(RATE, 2.0)


def probed(sent: Samples, heard: Samples) -> bool:
    probe = EchoProbe(RATE)
    for start in range(0, max(len(sent), len(heard)), 160):
        probe.sent(sent[start : start + 160].tobytes())
        probe.heard(heard[start : start + 160].tobytes())
    return probe.found


def delayed(samples: Samples, seconds: float) -> Samples:
    return np.concatenate((np.zeros(round(seconds * RATE), "<i2"), samples))


@pytest.mark.parametrize("delay", [0.0, 0.2, 3.0])
def test_a_late_echo_is_found(delay: float) -> None:
    assert probed(SOUND, delayed(SOUND, delay))


def test_an_echo_through_g711_at_half_the_level_is_found() -> None:
    coded = mulaw_decode(mulaw_encode(SOUND.tobytes()))
    assert probed(SOUND, delayed((np.frombuffer(coded, "<i2") // 2).astype("<i2"), 0.1))


def test_an_echo_that_lost_frames_is_found() -> None:
    assert probed(SOUND, np.concatenate((SOUND[:2400], SOUND[3200:])))


def test_silence_before_the_first_sound_does_no_harm() -> None:
    late = delayed(SOUND, 5.0)
    assert probed(late, delayed(late, 0.1))


@pytest.mark.parametrize(
    "answer", [np.zeros(16000, "<i2"), np.zeros(0, "<i2"), melody(RATE, 2.0)[::-1].copy()]
)
def test_another_answer_is_no_echo(answer: Samples) -> None:
    assert not probed(SOUND, answer)


def test_silence_is_never_an_echo() -> None:
    assert not probed(np.zeros(16000, "<i2"), np.zeros(16000, "<i2"))
