"""Video files as they are sent."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from antiphon.cli.files import FileError
from antiphon.cli.media_in import MediaReader
from tests.cli.media import BEEP, moving_card


def test_pictures_come_with_their_times_and_in_one_size(tmp_path: Path) -> None:
    reader = MediaReader(str(moving_card(tmp_path / "in.mp4", size=(161, 121), seconds=1)))
    pictures = list(reader.pictures())
    assert (reader.stored_size, reader.size) == ((161, 121), (160, 120))
    assert {(picture.width, picture.height) for picture in pictures} == {(160, 120)}
    assert [picture.time for picture in pictures] == pytest.approx([n / 20 for n in range(20)])


def test_sound_is_given_at_the_calls_rate(tmp_path: Path) -> None:
    reader = MediaReader(str(moving_card(tmp_path / "in.mp4", seconds=1)))
    assert reader.has_sound
    frames = list(reader.frames(24000))
    assert {len(frame.samples) for frame in frames[:-1]} == {480}
    sound = np.concatenate([frame.samples for frame in frames])
    assert len(sound) == pytest.approx(24000, abs=1100)
    beep = sound[480:3360].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(beep * np.hanning(len(beep))))
    assert np.argmax(spectrum) * 24000 / len(beep) == pytest.approx(BEEP, abs=10)
    assert np.abs(beep).max() == pytest.approx(12000, rel=0.1)


@pytest.mark.parametrize(
    ("rotation", "size", "corner"), [(0, (64, 32), 0), (90, (32, 64), 1), (180, (64, 32), 2)]
)
def test_pictures_are_turned_as_the_file_says(
    tmp_path: Path, rotation: int, size: tuple[int, int], corner: int
) -> None:
    path = tmp_path / "in.mp4"
    container: Any = av.open(str(path), "w")
    stream = container.add_stream("libx264", rate=10, width=64, height=32)
    stream.pix_fmt = "yuv420p"
    stream.set_display_rotation(rotation)
    card = np.zeros((32, 64, 3), np.uint8)
    card[:16, :32] = 255  # what is at the top left turns counterclockwise
    for _ in range(3):
        container.mux(stream.encode(av.VideoFrame.from_ndarray(card, "bgr24")))
    container.mux(stream.encode(None))
    container.close()
    reader = MediaReader(str(path))
    assert reader.size == size
    for frame in reader.pictures():
        half = frame.height // 2, frame.width // 2
        grey = frame.bgr.mean(axis=2)
        quarters = (
            grey[: half[0], : half[1]],
            grey[half[0] :, : half[1]],
            grey[half[0] :, half[1] :],
            grey[: half[0], half[1] :],
        )
        bright = [float(quarter.mean()) for quarter in quarters]
        assert bright.index(max(bright)) == corner


def test_a_file_that_breaks_off_is_told(tmp_path: Path) -> None:
    path = moving_card(tmp_path / "in.mp4", seconds=1)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(FileError, match="no video"):
        MediaReader(str(path))
