"""The way to the disk is bounded."""

from collections.abc import Sequence
from threading import Event

import anyio
import numpy as np

from antiphon.cli.files import Heard, Seen
from antiphon.cli.recording import MAX_PICTURES, MAX_SOUND, Recording
from antiphon.core.audio.frames import AudioFrame
from antiphon.core.video import VideoFrame

PICTURE = VideoFrame(np.zeros((2, 2, 3), np.uint8))
FRAME = AudioFrame(bytes(960), 24000)


class Disk:
    """A writer that writes only while it is `quick`."""

    def __init__(self) -> None:
        self.quick = Event()
        self.written: list[Heard | Seen] = []
        self.closed = False

    def write(self, items: Sequence[Heard | Seen]) -> int:
        assert self.quick.wait(10)
        self.written += items
        return sum(isinstance(item, Seen) and item.picture is not PICTURE for item in items)

    def close(self) -> None:
        self.closed = True


async def test_a_slow_disk_costs_what_comes_and_no_memory() -> None:
    disk = Disk()
    recording = Recording(disk)
    frames = round(MAX_SOUND * 50) + 1
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(recording.run)
        recording.see(PICTURE)
        await anyio.wait_all_tasks_blocked()  # the first picture is on its way, and stays there
        for _ in range(100):
            recording.see(PICTURE)
        for _ in range(frames + 30):
            recording.hear(FRAME)
        assert recording.left_out == 100 - (MAX_PICTURES - 1) + 30
        disk.quick.set()
        tasks.cancel_scope.cancel()
    await recording.close()
    assert disk.closed
    assert len(disk.written) == MAX_PICTURES + frames


async def test_what_has_no_place_in_the_file_is_counted() -> None:
    disk = Disk()
    disk.quick.set()
    recording = Recording(disk)
    assert recording.empty
    recording.see(VideoFrame(np.zeros((2, 2, 3), np.uint8)))
    await recording.close()
    assert (recording.left_out, recording.empty) == (1, False)


async def test_sound_is_where_it_began_and_pictures_where_they_came() -> None:
    disk = Disk()
    disk.quick.set()
    recording = Recording(disk)
    recording.hear(FRAME)
    recording.see(PICTURE)
    await recording.close()
    heard, seen = disk.written
    assert isinstance(heard, Heard)
    assert heard.at == 0
    assert 0 <= seen.at < 1
