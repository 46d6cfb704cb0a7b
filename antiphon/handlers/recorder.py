"""Writes what it hears to WAV files, for streams whose client only speaks."""

import wave
from pathlib import Path
from urllib.parse import quote

import anyio.to_thread

from ..core.ports import Call

__all__ = ("Recorder",)

BLOCK = 1.0  # seconds gathered before a thread writes them: a thread hop costs 90 µs


class Recorder:
    """One int16 mono WAV file a call in `folder`, named by the call's id; an existing file is
    replaced. A recording ends after `max_seconds`, and so does its call. When it is written, its
    path and length are published as an output: `{"path": ..., "seconds": ...}`. ValueError for a
    length of nothing.
    """

    def __init__(self, folder: str | Path, *, max_seconds: float = 3600.0) -> None:
        if not max_seconds > 0:
            raise ValueError(f"max_seconds is more than 0, not {max_seconds!r}")
        self._folder = Path(folder)
        self._max_seconds = max_seconds

    async def __call__(self, call: Call) -> None:
        path = self._folder / f"{quote(call.id, safe=' ')}.wav"
        file = await anyio.to_thread.run_sync(_create, path, call.sample_rate)
        block = bytearray()
        left = int(self._max_seconds * call.sample_rate) * 2
        try:
            async for frame in call.audio:
                block += frame.pcm[:left]
                left -= len(frame.pcm)
                if len(block) >= BLOCK * call.sample_rate * 2:
                    await anyio.to_thread.run_sync(file.writeframes, bytes(block))
                    block.clear()
                if left <= 0:
                    break
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_finish, file, bytes(block))
        await call.output({"path": str(path), "seconds": file.getnframes() / call.sample_rate})


def _create(path: Path, sample_rate: int) -> wave.Wave_write:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = wave.open(str(path), "wb")  # noqa: SIM115 - closed by _finish
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(sample_rate)
    return file


def _finish(file: wave.Wave_write, rest: bytes) -> None:
    file.writeframes(rest)
    file.close()
