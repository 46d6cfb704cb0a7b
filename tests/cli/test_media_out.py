"""Recordings of pictures and sound, decoded again."""

from pathlib import Path

import numpy as np
import pytest

from antiphon.cli.files import Heard, Seen
from antiphon.cli.media_out import FIRST_PICTURE, Mp4Writer, PictureTimes, SoundTimes
from antiphon.core.video import VideoFrame
from tests.cli.media import watched

LOUD = (np.sin(np.arange(480) * (2 * np.pi * 1000 / 24000)) * 12000).astype("<i2").tobytes()


def picture(shade: int, time: float, size: tuple[int, int] = (64, 48)) -> Seen:
    pixels = np.full((size[1], size[0], 3), shade, np.uint8)
    return Seen(VideoFrame(pixels, time=time), time)


def test_sound_that_is_a_little_late_is_joined_on() -> None:
    times = SoundTimes()
    assert times.silence_before(0.0, 0.02) == 0
    assert times.silence_before(0.16, 0.02) == 0
    assert times.silence_before(0.04, 0.02) == 0


def test_a_pause_is_kept_and_so_is_what_came_before_the_first_sound() -> None:
    times = SoundTimes()
    assert times.silence_before(0.1, 0.02) == pytest.approx(0.1)
    assert times.silence_before(1.12, 0.02) == pytest.approx(1.0)
    assert times.silence_before(1.14, 0.02) == 0


def test_pictures_keep_the_senders_rhythm_and_the_fastest_ones_place() -> None:
    times = PictureTimes()
    came = ((0.0, 0.30), (0.1, 0.35), (0.2, 0.60), (0.3, 0.56))
    assert [times.ticks(time, at) for time, at in came] == [27000, 31500, 40500, 49500]


def test_pictures_only_go_forward_and_a_sender_may_begin_anew() -> None:
    times = PictureTimes()
    assert times.ticks(50.0, 0.0) == 0
    assert times.ticks(50.0, 0.0) == 1
    assert times.ticks(0.0, 3.0) == 3 * 90_000


def test_pauses_of_sound_are_silence_and_pictures_are_in_time(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    writer = Mp4Writer(str(path), 24000, pictures=True)
    beeps = [Heard(LOUD, start + number * 0.02) for start in (0.5, 1.5) for number in range(10)]
    shades = [picture(255 if number in (10, 30) else 0, number / 20) for number in range(40)]
    assert writer.write(sorted([*beeps, *shades], key=lambda item: item.at)) == 0
    writer.close()
    shown = watched(path)
    assert len(shown.times) == 40
    assert shown.flashes == pytest.approx([0.5, 1.5], abs=0.01)
    assert shown.beeps == pytest.approx([0.5, 1.5], abs=0.05)


def test_pictures_of_another_size_are_scaled_to_the_first(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    writer = Mp4Writer(str(path), None, pictures=True)
    writer.write([picture(9, 0.0), picture(9, 0.1, (32, 96)), picture(9, 0.2, (640, 480))])
    writer.close()
    shown = watched(path)
    assert (shown.size, len(shown.times), shown.sound_seconds) == ((64, 48), 3, 0)


def test_sound_does_not_wait_for_ever_for_a_first_picture(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    writer = Mp4Writer(str(path), 24000, pictures=True)
    writer.write([Heard(LOUD, number * 0.02) for number in range(round(FIRST_PICTURE * 50))])
    before = path.stat().st_size
    late = FIRST_PICTURE + 0.02
    assert writer.write([Heard(LOUD, late + number * 0.02) for number in range(100)]) == 0
    assert before == 0 < path.stat().st_size
    assert writer.write([picture(9, late), picture(9, late + 0.1)]) == 2
    writer.close()


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Mp4Writer(str(tmp_path / "nowhere" / "out.mp4"), 24000, pictures=False)
