"""Recordings of those who only speak."""

import wave
from pathlib import Path

import numpy as np
import pytest

from antiphon import AudioFrame, Call, Recorder, Stream, connect

SOUND = np.arange(-24_000, 24_000, dtype="<i2").tobytes()  # two seconds at 24 kHz


def read(path: Path) -> tuple[int, bytes]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), file.readframes(file.getnframes())


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def speak(call: Call, sound: bytes = SOUND) -> None:
    for start in range(0, len(sound), 960):
        await call.send_audio(AudioFrame(sound[start : start + 960], 24000))


async def test_what_was_said_is_in_the_file(tmp_path: Path) -> None:
    stream = Stream(Recorder(tmp_path), mode="send")
    async with stream.running():
        async with connect(stream, call_id="mine", encoding="audio/pcm") as call:
            await speak(call)
            await call.ping()
        assert stream.calls == []
    assert read(tmp_path / "mine.wav") == (24_000, SOUND)


async def test_an_id_cannot_leave_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    async with connect(
        Stream(Recorder(folder), mode="send"), call_id="../../x", encoding="audio/pcm"
    ) as call:
        await speak(call, SOUND[:960])
        await call.ping()
    assert names_in(folder) == ["..%2F..%2Fx.wav"]
    assert names_in(tmp_path) == ["calls"]


async def test_a_full_recording_ends_the_call_and_is_published(tmp_path: Path) -> None:
    stream = Stream(Recorder(tmp_path, max_seconds=0.5), mode="send")
    async with (
        stream.running(),
        connect(stream, call_id="long", encoding="audio/pcm") as call,
    ):
        outputs = stream.output_stream("long")
        await speak(call, SOUND[: 24_000 + 960])
        (output,) = [output async for output in outputs]
        assert output.args == ({"path": str(tmp_path / "long.wav"), "seconds": 0.5},)
        told = [message.type async for message in call.messages]
    assert told == ["fetch_output", "end_stream"]
    assert read(tmp_path / "long.wav") == (24_000, SOUND[:24_000])


async def test_a_client_of_a_send_stream_hears_nothing(tmp_path: Path) -> None:
    async def talkative(call: Call) -> None:
        await call.send_audio(AudioFrame(SOUND[:960], 24000))

    async with connect(Stream(talkative, mode="send"), encoding="audio/pcm") as call:
        assert [frame async for frame in call.audio] == []
        (error, *_) = [message async for message in call.messages]
    assert error.type == "error"
    assert "only the client speaks" in error.data


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    async with connect(Stream(Recorder(taken), mode="send")) as call:
        (error, *_) = [message async for message in call.messages]
    assert error.type == "error"
    assert str(taken) in error.data


def test_its_length_must_be_more_than_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Recorder(tmp_path, max_seconds=0)
