import msgspec
import pytest

from antiphon.cli.summary import (
    Ending,
    NetworkFigures,
    RoundTrip,
    Summary,
    VideoFigures,
    lost_frames,
    percentile,
    round_trip_of,
    show,
)

ECHO = Summary(
    url="ws://127.0.0.1:8000/websocket/offer",
    id="abc",
    seconds=3.5,
    frames_out=100,
    frames_in=98,
    audio_seconds_out=2.0,
    audio_seconds_in=1.96,
    dropped_frames=1,
    echo=True,
    lost_frames=2,
    loss=0.02,
    round_trip_ms=RoundTrip(count=10, p50=1.0, p95=2.0, p99=3.0),
    ended=Ending(by="server", code=1000, reason="bye"),
)


@pytest.mark.parametrize(
    ("values", "share", "wanted"),
    [
        ([5.0], 0.5, 5.0),
        ([5.0], 0.99, 5.0),
        ([3.0, 1.0, 2.0, 4.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
    ],
)
def test_percentiles_are_values_that_were_measured(
    values: list[float], share: float, wanted: float
) -> None:
    assert percentile(values, share) == wanted


def test_round_trips_are_told_in_milliseconds() -> None:
    assert round_trip_of([0.001, 0.002, 0.003]) == RoundTrip(count=3, p50=2.0, p95=3.0, p99=3.0)
    assert round_trip_of([]) is None


@pytest.mark.parametrize(
    ("missing", "wanted"),
    [(0.0, 0), (0.02, 1), (0.04, 2), (0.0107, 0), (0.0299, 0), (0.1107, 4), (-0.1, 0)],
)
def test_whole_frames_are_lost_and_a_resamplers_tail_is_not(missing: float, wanted: int) -> None:
    assert lost_frames(5.0, 5.0 - missing, 0.02) == wanted


def test_the_text_tells_all_figures() -> None:
    text = show(ECHO)
    for part in ("100 frames", "98 frames", "2 frames, 2.00%", "1 frames dropped", "p99 3.0 ms"):
        assert part in text
    assert "the server (1000: bye)" in text


@pytest.mark.parametrize(("echo", "why"), [(True, "cut short"), (False, "no echo")])
def test_a_loss_that_nobody_can_know_is_told_as_that(echo: bool, why: str) -> None:
    unknown = msgspec.structs.replace(ECHO, echo=echo, loss=None, lost_frames=None)
    assert f"not known: {'the call was ' if echo else 'the answer is '}{why}" in show(unknown)


SEEN = VideoFigures(
    frames_out=90,
    frames_in=88,
    fps_out=30.02,
    fps_in=None,
    size_out=(320, 240),
    size_in=None,
    skipped_out=3,
    dropped_in=4,
)


def test_pictures_are_told_beside_the_sound() -> None:
    text = show(msgspec.structs.replace(ECHO, video=SEEN))
    assert "video out  90 pictures, 30.0 a second, 320 x 240; 3 too late to send" in text
    assert "video in   88 pictures; 4 dropped here" in text
    assert "100 frames" in text


def test_of_a_call_without_sound_only_pictures_are_told() -> None:
    text = show(msgspec.structs.replace(ECHO, video=SEEN, frames_out=0, frames_in=0))
    assert "video in" in text
    assert "of sound" not in text


def test_what_the_network_lost_takes_the_place_of_what_an_echo_lacks() -> None:
    network = NetworkFigures(packets=98, lost=2, concealed_ms=40.0, jitter_ms=1.25)
    text = show(msgspec.structs.replace(ECHO, network=network, loss=None))
    assert "2 packets of sound, 2.00%, 40 ms concealed; " in text
    assert "\njitter     1.2 ms" in text
    assert max(map(len, text.splitlines())) < 80


def test_what_was_not_recorded_is_told() -> None:
    assert "recording" not in show(ECHO)
    assert "7 frames left out" in show(msgspec.structs.replace(ECHO, not_recorded=7))
