"""Endpoints: docs/speech.md, "Where an utterance ends"."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.frames import Samples
from antiphon.core.speech.endpoint import EndpointDetector, EndpointRule
from antiphon.core.speech.frames import VoiceFrames
from tests.core.loudness import RATE, Loudness, loud, quiet


def detector(
    speech: int, silence: int, *, rate: int = RATE, latch: bool = False
) -> EndpointDetector:
    rule = EndpointRule(speech, silence, latch=latch)
    return EndpointDetector(VoiceFrames(Loudness(), rate), rule)


def met(rule: EndpointRule, voices: str) -> list[int]:
    """At which frames: `#` is speech."""
    return [at for at, voice in enumerate(voices) if rule.hear(voice == "#")]


def test_1000_and_600_ms_take_34_frames_of_speech_and_20_of_silence() -> None:
    assert met(EndpointRule(1000, 600), "#" * 33 + "." * 40) == []
    assert met(EndpointRule(1000, 600), "#" * 34 + "." * 40) == [53]


def test_short_pauses_and_early_coughs_count_as_they_come() -> None:
    assert met(EndpointRule(90, 90), "#....##.." + "..") == [9]


def test_silence_before_enough_speech_is_no_endpoint_however_long() -> None:
    assert met(EndpointRule(60, 60), "#" + "." * 100 + "#..") == [103]


def test_no_minimum_of_speech_still_needs_a_frame_of_it() -> None:
    assert met(EndpointRule(0, 60), "....#..") == [6]


def test_no_silence_still_needs_a_frame_of_it() -> None:
    assert met(EndpointRule(60, 0), "####.") == [4]


def test_speech_behind_an_endpoint_begins_the_next_utterance() -> None:
    rule = EndpointRule(60, 60)
    assert met(rule, "##....#...##..") == [3, 13]
    assert rule.ended
    rule.hear(True)
    assert not rule.ended


def test_a_latch_stays_where_it_is() -> None:
    rule = EndpointRule(60, 60, latch=True)
    assert met(rule, "##....###...") == [3]
    assert rule.ended


def test_a_result_tells_an_endpoint_anywhere_in_its_message() -> None:
    """Speech behind it does not hide it: only the last state would lose it."""
    hears = detector(60, 60)
    hears.receive(np.concatenate([loud(0.3), quiet(0.3), loud(0.3)]))
    assert not hears.ended
    assert [hears.result(), hears.result()] == [b"true", b"false"]


def test_a_result_stays_true_until_somebody_speaks() -> None:
    hears = detector(60, 60)
    told: list[bytes] = []
    for sound in (loud(0.3), quiet(0.09), quiet(0.03), quiet(0.0), loud(0.03)):
        hears.receive(sound)
        told.append(hears.result())
    assert told == [b"false", b"true", b"true", b"true", b"false"]


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
def test_an_endpoint_at_600_ms_is_met_585_to_616_ms_after_the_last_speech(rate: int) -> None:
    """Whatever the phase: 20 of them within a frame."""
    late: list[float] = []
    for phase in range(20):
        spoken = np.concatenate([quiet(phase * 0.0015, rate), loud(1.2, rate)])
        hears = detector(1000, 600, rate=rate)
        [at] = hears.receive(np.concatenate([spoken, np.zeros(2 * rate, np.int16)]))
        late.append(1000 * (at - len(spoken)) / rate)
    assert 585 <= min(late) <= max(late) <= 616
    assert np.mean(late) == pytest.approx(600, abs=2)


SPOKEN: Samples = np.concatenate(
    [quiet(0.111), loud(0.4), quiet(0.07), loud(0.2), quiet(0.5), loud(0.3), quiet(0.6)]
)


@given(cuts=st.lists(st.integers(0, 5000), max_size=30), latch=st.booleans())
def test_any_cutting_meets_the_endpoints_at_the_same_samples(cuts: list[int], latch: bool) -> None:
    whole = detector(200, 300, latch=latch).receive(SPOKEN)
    assert len(whole) == (1 if latch else 2)
    hears = detector(200, 300, latch=latch)
    found: list[int] = []
    at = 0
    for size in [*cuts, len(SPOKEN)]:
        found += hears.receive(SPOKEN[at : at + size])
        at += size
    assert found == whole
