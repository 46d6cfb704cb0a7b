"""The way out: pieces, order, tails."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.codecs import codec_for
from antiphon.core.audio.frames import AudioFrame
from antiphon.core.outlet import Outlet
from antiphon.core.playout import MAX_PIECE
from antiphon.core.wire import Kind
from tests.core.pair import ramp, sent_audio, tone

PCM = codec_for("audio/pcm")

Wire = list[tuple[Kind, bytes]]


def play_out(outlet: Outlet, now: float) -> list[tuple[float, tuple[Kind, bytes]]]:
    """All that leaves from now on, with when."""
    leaving: list[tuple[float, tuple[Kind, bytes]]] = []
    while (due := outlet.deadline()) < inf:
        now = max(now, due)
        leaving += [(now, message) for message in outlet.release(now)]
        assert outlet.deadline() > now
    return leaving


@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=5))
def test_the_lead_is_never_exceeded_and_nothing_is_lost_or_repeated(lengths: list[int]) -> None:
    outlet = Outlet(PCM, 24000, lead=0.2)
    outlet.kind = Kind.BINARY
    sent: list[tuple[float, tuple[Kind, bytes]]] = []
    first = 0
    for length in lengths:
        sent += [(0.0, message) for message in outlet.play(ramp(length, 24000, first), 0.0)]
        first += length
    sent += play_out(outlet, 0.0)
    total = 0.0
    for at, (_, payload) in sent:
        assert len(payload) <= MAX_PIECE * 48000
        total += len(payload) / 48000
        assert total - at <= 0.2 + 1e-5
    assert sent_audio([message for _, message in sent]) == ramp(first, 24000).pcm
    assert outlet.end == pytest.approx(first / 24000)


def test_messages_keep_their_place_among_sound_that_waits() -> None:
    outlet = Outlet(PCM, 24000, lead=0.2)
    outlet.kind = Kind.BINARY
    before = outlet.play(ramp(12_000), 0.0)
    assert outlet.hold(b"mark")
    outlet.play(ramp(2400, first=12_000), 0.0)
    wire = before + [message for _, message in play_out(outlet, 0.0)]
    at = wire.index((Kind.TEXT, b"mark"))
    assert sent_audio(wire[:at]) == ramp(12_000).pcm
    assert sent_audio(wire[at + 1 :]) == ramp(2400, first=12_000).pcm


def test_a_message_with_no_sound_before_it_is_not_held() -> None:
    outlet = Outlet(PCM, 24000, lead=0.2)
    assert not outlet.hold(b"mark")
    outlet.play(ramp(480), 0.0)
    assert not outlet.hold(b"mark")


def test_the_tail_of_a_reply_leaves_before_the_listener_runs_out() -> None:
    outlet = Outlet(PCM, 24000, lead=0.2)
    outlet.kind = Kind.BINARY
    sent = [(0.0, message) for message in outlet.play(tone(16_000, 16000), 0.0)]
    sent += play_out(outlet, 0.0)
    samples = len(sent_audio([message for _, message in sent])) // 2
    assert abs(samples - 24_000) <= 1
    end = 0.0
    for at, (_, payload) in sent:
        assert at <= end
        end += len(payload) / 48000


def test_a_source_in_real_time_is_resampled_as_one_stream() -> None:
    sound = tone(16_000, 16000)
    whole = Outlet(PCM, 24000, lead=inf)
    whole.kind = Kind.BINARY
    expected = sent_audio(whole.play(sound, 0.0) + whole.flush(0.0))
    outlet = Outlet(PCM, 24000, lead=0.2)
    outlet.kind = Kind.BINARY
    wire: Wire = []
    for n in range(50):
        now = n * 0.02
        wire += outlet.release(now)
        wire += outlet.play(AudioFrame(sound.pcm[640 * n : 640 * (n + 1)], 16000), now)
    wire += [message for _, message in play_out(outlet, 0.98)]
    assert sent_audio(wire) == expected


@given(st.sampled_from([800, 8000, 16_000]))
def test_a_source_that_is_told_when_to_go_on_is_resampled_as_one_stream(samples: int) -> None:
    sound = tone(48_000, 16000)
    whole = Outlet(PCM, 24000, lead=inf)
    whole.kind = Kind.BINARY
    expected = sent_audio(whole.play(sound, 0.0) + whole.flush(0.0))
    outlet = Outlet(PCM, 24000, lead=0.2)
    outlet.kind = Kind.BINARY
    wire: Wire = []
    now = 0.0
    for first in range(0, 48_000, samples):
        part = AudioFrame(sound.pcm[2 * first : 2 * (first + samples)], 16000)
        wire += outlet.play(part, now)
        while outlet.waiting:
            now = outlet.deadline()
            wire += outlet.release(now)
    wire += [message for _, message in play_out(outlet, now)]
    assert sent_audio(wire) == expected


def test_a_short_sound_comes_out_whole_though_nothing_follows() -> None:
    outlet = Outlet(PCM, 24000, lead=0.2)
    outlet.kind = Kind.BINARY
    wire = outlet.play(tone(160, 8000), 5.0)
    wire += [message for _, message in play_out(outlet, 5.0)]
    assert abs(len(sent_audio(wire)) // 2 - 480) <= 1


def test_what_is_dropped_does_not_come_back() -> None:
    outlet = Outlet(PCM, 24000, lead=0.2)
    outlet.play(tone(16_000, 16000), 0.0)
    outlet.hold(b"mark")
    interruption, kept = outlet.drop(0.1)
    assert kept == [(Kind.TEXT, b"mark")]
    assert interruption.heard == pytest.approx(0.1)
    assert interruption.dropped == pytest.approx(0.9, abs=0.05)
    assert outlet.deadline() == inf
    assert outlet.flush(0.1) == []


def test_clear_forgets_sound_and_messages() -> None:
    outlet = Outlet(PCM, 24000, lead=0.2)
    outlet.play(ramp(24_000), 0.0)
    outlet.hold(b"mark")
    outlet.clear()
    assert not outlet.waiting
    assert outlet.release(10.0) == []
