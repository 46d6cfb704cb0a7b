"""The summary, digit by digit as the document "WebSocket API usage" shows it."""

import json
import os
import wave
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.frames import Samples
from antiphon.core.models import VoiceActivityModel
from antiphon.core.speech.frames import VoiceFrames
from antiphon.core.speech.summary import FRAMES_KEPT, Summary, SummaryFrames
from antiphon.handlers.vad.compact import CompactModel
from tests.core.loudness import Loudness, loud, quiet
from tests.core.memory import kept_by

RATE = 16_000
CHUNK = 6133  # samples: an eighth of the vendor's `genuine.wav`
PUBLISHED = """{
  "current_background_length": 0.0,
  "speech_length": 0.029999999329447746,
  "current_speech_summary": {
    "background_length": 0.33000001311302185,
    "speech_signal_length": 0.029999999329447746,
    "total_length": 0.38331249356269836,
    "vad_result": {
      "frame_length_ms": 30.0,
      "frames": [false, false, false, false, false, false, false, false, false, false, false, true]
    }
  }
}"""
FRAMES_AFTER_EACH = [12, 25, 38, 51, 63, 76, 89, 102]


def summary(
    listed: SummaryFrames = "all",
    *,
    rate: int = RATE,
    model: VoiceActivityModel | None = None,
    kept: int = FRAMES_KEPT,
) -> Summary:
    return Summary(VoiceFrames(model or Loudness(), rate), listed, kept=kept)


def told(of: Summary) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(of.result())
    return value


def frames_of(of: Summary) -> tuple[int, list[bool]]:
    """The first frame that is listed, and whether each is speech."""
    found = told(of)["current_speech_summary"]["vad_result"]
    return found.get("first_frame", 0), found["frames"]


def test_the_published_answer_comes_out_digit_by_digit() -> None:
    sound = np.zeros(CHUNK, np.int16)
    sound[11 * 480 : 12 * 480] = 20_000
    hears = summary()
    hears.receive(sound)
    text = hears.result().decode()
    compact = "".join(PUBLISHED.split())
    assert text.startswith(compact[:-1] + ","), "the published fields, and others behind them"


def genuine() -> Samples:
    path = os.environ.get("ANTIPHON_GENUINE_WAV")
    if path is None:
        pytest.skip("ANTIPHON_GENUINE_WAV does not name the vendor's genuine.wav")
    with wave.open(path) as file:
        assert (file.getframerate(), file.getnframes()) == (RATE, 8 * CHUNK)
        return np.frombuffer(file.readframes(8 * CHUNK), "<i2")


def test_the_published_file_gives_every_figure_that_no_detector_decides() -> None:
    hears = summary(model=CompactModel())
    counts: list[int] = []
    totals: list[float] = []
    for part in np.split(genuine(), 8):
        hears.receive(part)
        found = told(hears)["current_speech_summary"]
        counts.append(len(found["vad_result"]["frames"]))
        totals.append(found["total_length"])
        both = found["background_length"] + found["speech_signal_length"]
        assert both == pytest.approx(0.03 * counts[-1], abs=1e-6)
    assert counts == FRAMES_AFTER_EACH
    assert (totals[0], totals[-1]) == (0.38331249356269836, 3.066499948501587)


def test_frames_are_counted_when_they_are_whole_the_total_at_once() -> None:
    hears = summary()
    counts: list[int] = []
    for chunk in range(1, 9):
        hears.receive(loud(1.0)[:CHUNK])
        found = told(hears)["current_speech_summary"]
        counts.append(len(found["vad_result"]["frames"]))
        assert found["total_length"] == float(np.float32(chunk * CHUNK / RATE))
    assert counts == FRAMES_AFTER_EACH


@pytest.mark.parametrize(
    ("frames", "shown"),
    [
        (1, 0.029999999329447746),
        (11, 0.33000001311302185),
        (45, 1.350000023841858),
        (57, 1.7100000381469727),
        (437, 13.109999656677246),
    ],
)
def test_seconds_are_float32_made_wide(frames: int, shown: float) -> None:
    hears = summary()
    hears.receive(loud(frames * 0.03))
    assert told(hears)["speech_length"] == shown
    hears.receive(quiet(frames * 0.03))
    found = told(hears)
    assert found["current_background_length"] == shown
    assert found["current_speech_summary"]["background_length"] == shown
    assert (
        found["speech_length"] == found["current_speech_summary"]["speech_signal_length"] == shown
    )


def test_an_empty_stream_has_a_summary_too() -> None:
    assert told(summary()) == {
        "current_background_length": 0.0,
        "speech_length": 0.0,
        "current_speech_summary": {
            "background_length": 0.0,
            "speech_signal_length": 0.0,
            "total_length": 0.0,
            "vad_result": {"frame_length_ms": 30.0, "frames": []},
        },
        "speech_info": {
            "total_length_ms": 0.0,
            "speech_length_ms": 0.0,
            "background_length_ms": 0.0,
        },
        "speech_events": [],
    }


def test_silence_is_counted_from_the_last_speech() -> None:
    hears = summary()
    found: list[float] = []
    for sound in (quiet(0.06), loud(0.03), quiet(0.03), quiet(0.03), loud(0.03)):
        hears.receive(sound)
        found.append(round(told(hears)["current_background_length"], 2))
    assert found == [0.06, 0.0, 0.03, 0.06, 0.0]


def test_milliseconds_of_whole_frames_add_up_where_seconds_do_not() -> None:
    hears = summary()
    hears.receive(loud(0.1))
    found = told(hears)
    assert found["speech_info"] == {
        "total_length_ms": 90.0,
        "speech_length_ms": 90.0,
        "background_length_ms": 0.0,
    }
    assert found["current_speech_summary"]["total_length"] > 0.099


def test_events_are_runs_at_the_rate_of_the_stream_and_times_are_cut_down() -> None:
    hears = summary(rate=11_025)
    hears.receive(np.concatenate([quiet(0.0901, 11_025), loud(0.0601, 11_025)]))
    assert told(hears)["speech_events"] == [
        {
            "is_voice": False,
            "audio_interval": {
                "start_sample": 0,
                "end_sample": 992,
                "start_time": 0,
                "end_time": 89,
                "sample_rate": 11_025,
            },
        },
        {
            "is_voice": True,
            "audio_interval": {
                "start_sample": 992,
                "end_sample": 1653,
                "start_time": 89,
                "end_time": 149,
                "sample_rate": 11_025,
            },
        },
    ]


def test_the_newest_frames_are_listed_and_where_they_begin() -> None:
    hears = summary()
    hears.receive(np.concatenate([loud(0.03), quiet(60 - 0.03)]))
    assert frames_of(hears) == (0, [True] + [False] * 1999)
    hears.receive(loud(0.03))
    assert frames_of(hears) == (1, [False] * 1999 + [True])
    assert "first_frame" not in summary().result().decode()


def hear_words(words: int) -> Summary:
    hears = summary(kept=10)
    word = np.concatenate([loud(0.09), quiet(0.06)])
    for _ in range(words):
        hears.receive(word)
    return hears


def test_five_times_the_words_keep_no_more_memory() -> None:
    kept: list[Summary] = []
    few = kept_by(lambda: kept.append(hear_words(202)))
    many = kept_by(lambda: kept.append(hear_words(1010)))
    assert many - few < 40_000  # what 808 words more would leave behind are 180 kB


def test_lengths_stay_exact_when_frames_are_forgotten() -> None:
    hears = hear_words(2200)
    found = told(hears)
    assert found["speech_info"]["speech_length_ms"] == 2200 * 90
    assert found["speech_info"]["background_length_ms"] == 2200 * 60
    assert len(found["speech_events"]) == 100
    assert found["current_speech_summary"]["vad_result"]["first_frame"] == 10_990


def test_new_lists_what_the_last_message_brought() -> None:
    hears = summary("new")
    hears.receive(np.concatenate([loud(0.06), quiet(0.03)]))
    assert frames_of(hears) == (0, [True, True, False])
    hears.receive(quiet(0.02))
    assert frames_of(hears) == (3, [])
    hears.receive(np.concatenate([quiet(0.01), loud(0.03)]))
    found = told(hears)
    vad = found["current_speech_summary"]["vad_result"]
    assert (vad["first_frame"], vad["frames"]) == (3, [False, True])
    assert [event["is_voice"] for event in found["speech_events"]] == [False, True]


def test_none_lists_no_frame_and_no_event() -> None:
    hears = summary("none")
    hears.receive(loud(0.09))
    assert frames_of(hears) == (3, [])
    assert told(hears)["speech_events"] == []
    assert told(hears)["speech_info"]["speech_length_ms"] == 90


@given(cuts=st.lists(st.integers(0, 3000), max_size=20))
def test_any_cutting_comes_to_the_same_summary(cuts: list[int]) -> None:
    sound = np.concatenate([quiet(0.11), loud(0.4), quiet(0.2), loud(0.05)])
    whole, cut = summary(), summary()
    whole.receive(sound)
    at = 0
    for size in [*cuts, len(sound)]:
        cut.receive(sound[at : at + size])
        cut.result()
        at += size
    assert cut.result() == whole.result()
