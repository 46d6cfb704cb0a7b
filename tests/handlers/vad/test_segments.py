from collections.abc import Sequence
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.handlers.vad.segments import SileroVadOptions, speech_segments

MS = 16  # samples


def options(**changes: Any) -> SileroVadOptions:
    exact: dict[str, Any] = {
        "min_speech_duration_ms": 0,
        "min_silence_duration_ms": 0,
        "speech_pad_ms": 0,
    }
    return SileroVadOptions(**exact | changes)


def found(probabilities: Sequence[float], chosen: SileroVadOptions) -> list[tuple[int, int]]:
    """Segments in ms, of frames of 10 ms."""
    edges = [160 * index for index in range(len(probabilities) + 1)]
    return [
        (one["start"] // MS, one["end"] // MS)
        for one in speech_segments(probabilities, edges, chosen)
    ]


def test_a_segment_goes_from_the_first_voiced_frame_to_behind_the_last() -> None:
    assert found([0, 0.5, 0.9, 0.1, 0, 0.8], options()) == [(10, 30), (50, 60)]


def test_speech_goes_on_a_little_below_the_threshold_but_does_not_begin_there() -> None:
    assert found([0.4, 0.6, 0.4, 0.36, 0.34, 0.4, 0], options()) == [(10, 40)]


def test_the_threshold_is_that_of_the_options() -> None:
    assert found([0.5, 0.7, 0.8, 0.5], options(threshold=0.75)) == [(20, 30)]


def test_short_pauses_end_no_segment() -> None:
    voiced = [1, 0, 0, 1, 0, 0, 0, 1]
    assert found(voiced, options(min_silence_duration_ms=30)) == [(0, 40), (70, 80)]


def test_short_segments_are_left_out() -> None:
    assert found([1, 0, 1, 1, 0, 1], options(min_speech_duration_ms=20)) == [(20, 40)]


def test_long_speech_is_cut_in_a_pause_or_else_where_it_is_too_long() -> None:
    voiced = [1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1]
    cut = options(min_silence_duration_ms=100, max_speech_duration_s=0.05)
    assert found(voiced, cut) == [(0, 30), (40, 90), (90, 110)]


def test_padding_ends_at_the_edges_and_neighbours_share_what_is_between() -> None:
    voiced = [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert found(voiced, options(speech_pad_ms=40)) == [(0, 30), (30, 90)]


def test_no_sound_has_no_speech() -> None:
    assert speech_segments([], [0], SileroVadOptions()) == []


def test_defaults_and_order_are_those_of_fastrtc() -> None:
    assert SileroVadOptions() == SileroVadOptions(0.5, 250, inf, 2000, 1024, 400)


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 1.5},
        {"threshold": -0.1},
        {"threshold": float("nan")},
        {"max_speech_duration_s": 0},
        {"max_speech_duration_s": float("nan")},
        {"min_speech_duration_ms": -1},
        {"min_silence_duration_ms": -1},
        {"speech_pad_ms": -1},
    ],
)
def test_what_is_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        options(**wrong)


@given(
    st.lists(st.floats(0, 1), max_size=60),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(0, 100),
    st.floats(0.0001, 0.2) | st.just(inf),
)
def test_segments_are_in_order_apart_and_within_the_sound(
    probabilities: list[float], shortest: int, pause: int, pad: int, longest: float
) -> None:
    chosen = options(
        min_speech_duration_ms=shortest,
        min_silence_duration_ms=pause,
        speech_pad_ms=pad,
        max_speech_duration_s=longest,
    )
    edges = [160 * index for index in range(len(probabilities) + 1)]
    last = 0
    for one in speech_segments(probabilities, edges, chosen):
        assert last <= one["start"] < one["end"] <= edges[-1]
        assert one["end"] - one["start"] <= max(1, longest * 16_000) + 2 * pad * MS
        last = one["end"]
