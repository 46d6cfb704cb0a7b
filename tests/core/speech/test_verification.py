import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.frames import Samples
from antiphon.core.errors import TemplateRefused
from antiphon.core.models import SpeakerEncoder
from antiphon.core.speech.template import Template
from antiphon.core.speech.verification import (
    VerifyStreamResult,
    VoiceVerification,
    check_template,
    match,
)
from antiphon.core.speech.voiced import SpeechFrames
from tests.core.speech.encoders import ByLoudness, LoudFrames

RATE = 8000
TEMPLATE = Template(ByLoudness.engine, ByLoudness.model_hash, np.array([1, 0], np.float32))


def sound(*parts: tuple[float, int], rate: int = RATE) -> Samples:
    """Stretches of (seconds, strength), 0 is silence."""
    return np.concatenate(
        [np.full(round(seconds * rate), value, "<i2") for seconds, value in parts]
    )


def verification(
    window: float = 1.0,
    context: float = 3.0,
    *,
    rate: int = RATE,
    encoder: SpeakerEncoder | None = None,
) -> VoiceVerification:
    port: SpeechFrames = LoudFrames(rate)
    return VoiceVerification(
        TEMPLATE, encoder or ByLoudness(), port, sample_rate=rate, context=context, window=window
    )


def answered(one: VoiceVerification, samples: Samples) -> list[VerifyStreamResult]:
    windows = one.receive(samples)
    found = (one.score(window, one.embedding(window)) for window in windows)
    return [result for result in found if result is not None]


def in_chunks(
    one: VoiceVerification, samples: Samples, sizes: Sequence[int]
) -> Iterator[tuple[int, VerifyStreamResult]]:
    """Each answer with the number of samples after which it came."""
    position = 0
    for size in sizes:
        piece = samples[position : position + size]
        position += len(piece)
        for result in answered(one, piece):
            yield position, result


def test_the_json_has_the_published_shape_and_order() -> None:
    one = verification(3.0, 10.0, rate=16_000)
    result = answered(one, sound((3, 20_000), rate=16_000))
    assert msgspec.json.encode(result).startswith(
        b'[{"audio_interval":{"end_sample":48000,"end_time":3000,"sample_rate":16000,'
        b'"start_sample":0,"start_time":0},"verify_result":{"probability":0.99'
    )
    assert msgspec.json.encode(result).endswith(b',"score":1.0}}]')


def test_nothing_is_answered_until_a_window_is_whole() -> None:
    one = verification()
    assert answered(one, sound((0.9999, 20_000))) == []
    assert len(answered(one, sound((0.0002, 20_000)))) == 1
    assert answered(one, np.empty(0, "<i2")) == []


def test_ten_messages_of_the_vendors_example_bring_0_to_9_results() -> None:
    one = verification(3.0, 10.0, rate=16_000)
    counts = [len(answered(one, np.full(44_032, 20_000, "<i2"))) for _ in range(10)]
    assert np.cumsum(counts).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("rate", "window", "ends"),
    [
        (8000, 3.01875, [24_150, 48_300, 72_450]),
        (11_025, 0.7, [7717, 15_435, 23_152]),
        (44_100, 0.505, [22_270, 44_541, 66_811]),
        (16_000, 0.9, [14_400, 28_800, 43_200]),
    ],
)
def test_windows_end_on_the_floor_of_their_time(rate: int, window: float, ends: list[int]) -> None:
    one = verification(window, 10.0, rate=rate)
    found = answered(one, sound((10, 20_000), rate=rate))
    intervals = [result.audio_interval for result in found]
    assert [interval.end_sample for interval in intervals[:3]] == ends
    assert intervals[0].start_sample == 0
    assert all(one.end_sample == two.start_sample for one, two in pairwise(intervals))
    assert all(one.end_time == one.end_sample * 1000 // rate for one in intervals)
    assert all(one.start_time == one.start_sample * 1000 // rate for one in intervals)
    assert {one.sample_rate for one in intervals} == {rate}


def test_a_stream_that_began_before_is_counted_from_its_own_beginning() -> None:
    one = VoiceVerification(
        *(TEMPLATE, ByLoudness(), LoudFrames(RATE)),
        sample_rate=RATE,
        context=1.0,
        window=0.7,
        start=1001,
    )
    intervals = [result.audio_interval for result in answered(one, sound((1.5, 20_000)))]
    assert [(i.start_sample, i.end_sample) for i in intervals] == [(1001, 6601), (6601, 12_201)]
    assert [(i.start_time, i.end_time) for i in intervals] == [(125, 825), (825, 1525)]


def test_a_time_of_3018_75_ms_is_cut_to_3018() -> None:
    found = answered(verification(3.01875, 10.0), sound((4, 20_000)))
    assert found[0].audio_interval.end_time == 3018


def test_the_context_is_as_many_windows_as_fit_in_it_whatever_floats_make_of_it() -> None:
    one = verification(0.6, 1.8)  # 1.8 // 0.6 is 2.0
    results = answered(one, sound((1.8, 20_000), (0.6, 100)))
    assert [round(result.verify_result.score, 3) for result in results] == [1, 1, 1, 0.894]


def test_old_windows_are_forgotten() -> None:
    results = answered(verification(0.9, 2.7), sound((2.7, 20_000), (3.6, 100)))
    scores = [round(result.verify_result.score, 3) for result in results]
    assert scores == [1, 1, 1, 0.894, 0.447, 0, 0]


def test_windows_weigh_as_much_as_they_hold_speech() -> None:
    samples = sound((0.96, 20_000), (0.04, 0), (0.6, 100), (0.4, 0))
    result = answered(verification(), samples)[1]
    assert result.verify_result.score == pytest.approx(0.96 / np.hypot(0.96, 0.6), abs=0.02)


def test_silence_has_no_score_and_speech_before_it_keeps_its_own_as_long_as_the_context() -> None:
    results = answered(verification(), sound((2, 0), (1, 20_000), (5, 0), (1, 20_000)))
    assert [result.audio_interval.start_time for result in results] == [2000, 3000, 4000, 8000]
    assert {result.verify_result.score for result in results} == {1.0}


def test_less_than_half_a_second_of_speech_is_not_shown_to_the_encoder() -> None:
    encoder = ByLoudness()
    too_little = sound((0.48, 20_000), (0.52, 0))
    assert answered(verification(encoder=encoder), too_little) == []
    assert encoder.heard == []
    enough = sound((0.51, 20_000), (0.49, 0))
    assert len(answered(verification(encoder=encoder), enough)) == 1
    assert encoder.heard == [round(0.51 * RATE)]


def test_the_shortest_window_is_answered_if_two_thirds_of_it_are_speech() -> None:
    results = answered(
        verification(0.5, 0.5), sound((0.36, 20_000), (0.14, 0), (0.3, 20_000), (1, 0))
    )
    assert [result.audio_interval.start_time for result in results] == [0]


@given(
    st.lists(st.integers(0, 5000), max_size=40),
    st.sampled_from([0.5, 0.7, 1.0]),
    st.sampled_from([RATE, 11_025]),
)
def test_any_cutting_gives_the_same_answers_at_the_same_samples(
    sizes: list[int], window: float, rate: int
) -> None:
    samples = sound((1.1, 20_000), (0.3, 0), (1, 100), (1.3, 0), (0.9, 30_000), rate=rate)
    whole = answered(verification(window, 1.4, rate=rate), samples)
    cut = list(in_chunks(verification(window, 1.4, rate=rate), samples, [*sizes, len(samples)]))
    assert [result for _, result in cut] == whole
    ends = np.cumsum([0, *sizes, len(samples)])
    for position, result in cut:
        first = int(np.searchsorted(ends, result.audio_interval.end_sample))
        assert position == min(int(ends[first]), len(samples))


def test_sound_may_come_in_while_a_thread_listens_to_an_earlier_window() -> None:
    samples = sound((2, 20_000), (1, 100))
    one, other = verification(), verification()
    windows = [*one.receive(samples[:RATE]), *one.receive(samples[RATE:])]
    embeddings = [one.embedding(window) for window in reversed(windows)][::-1]
    late = [one.score(window, found) for window, found in zip(windows, embeddings, strict=True)]
    assert late == answered(other, samples)


def test_the_longest_context_takes_little_memory_and_no_more_with_time() -> None:
    encoder = ByLoudness()
    one = verification(0.5, 600.0, encoder=encoder)
    second = sound((1, 20_000))
    tracemalloc.start()
    for _ in range(900):
        answered(one, second)
    encoder.heard.clear()
    taken = tracemalloc.get_traced_memory()[0]
    for _ in range(200):
        answered(one, second)
    encoder.heard.clear()
    grown = tracemalloc.get_traced_memory()[0] - taken
    tracemalloc.stop()
    assert taken < 1_000_000
    assert grown < 20_000


@pytest.mark.parametrize(
    ("window", "context", "word"),
    [
        (0.4, 3.0, "window"),
        (61.0, 600.0, "window"),
        (float("nan"), 3.0, "window"),
        (3.0, 2.9, "context"),
        (3.0, 600.5, "context"),
        (3.0, float("nan"), "context"),
        (3.0, float("inf"), "context"),
    ],
)
def test_lengths_out_of_range_are_named(window: float, context: float, word: str) -> None:
    with pytest.raises(ValueError, match=f"a {word} of"):
        verification(window, context)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (Template("gmm", TEMPLATE.model_hash, TEMPLATE.embedding), "engine 'gmm'"),
        (Template("loudness", bytes(16), TEMPLATE.embedding), "other weights"),
        (Template("loudness", TEMPLATE.model_hash, np.ones(3, np.float32)), "3 figures"),
    ],
)
def test_a_template_of_another_engine_or_of_other_weights_is_refused(
    template: Template, reason: str
) -> None:
    encoder, frames = ByLoudness(), LoudFrames(RATE)
    with pytest.raises(TemplateRefused, match=reason):
        check_template(template, encoder)
    with pytest.raises(TemplateRefused, match=reason):
        match(TEMPLATE, template, encoder)
    with pytest.raises(TemplateRefused, match=reason):
        VoiceVerification(template, encoder, frames, sample_rate=RATE, context=3.0, window=3.0)


def test_a_match_is_the_cosine_whatever_the_lengths_and_its_probability() -> None:
    def template(*figures: float) -> Template:
        return Template("loudness", ByLoudness.model_hash, np.array(figures, np.float32))

    encoder = ByLoudness()
    assert match(template(1e-30, 0), template(2e30, 0), encoder).score == 1.0
    assert match(template(1, 0), template(-3, 0), encoder).score == -1.0
    assert match(template(1, 1), template(0, 2), encoder).score == pytest.approx(0.5**0.5)
    half = match(template(1, 0), template(1, 3**0.5), encoder)
    assert half.score == pytest.approx(0.5, abs=1e-6)
    assert half.probability == pytest.approx(0.5, abs=1e-5)
