"""What clients that talk take down."""

import msgspec
import numpy as np
import pytest

from antiphon.core.audio.g711 import mulaw_decode
from benchmarks.client import TEXT
from benchmarks.talkers import FRAME, WebSocketTalker, heard_in
from benchmarks.utterances import RATE
from benchmarks.voice_load import media_frames

LOUD = np.full(FRAME, 5000, "<i2").tobytes()


class Media(msgspec.Struct, tag_field="event", tag="media"):
    """What a client sends."""

    media: dict[str, bytes]


def codes_in(frame: bytes) -> bytes:
    """Of a masked text frame of 126 to 65,535 bytes, RFC 6455 section 5.2."""
    assert (frame[0], frame[1]) == (TEXT, 0xFE)
    key, masked = frame[4:8], frame[8:]
    assert len(masked) == int.from_bytes(frame[2:4])
    text = bytes(code ^ key[at % 4] for at, code in enumerate(masked))
    return msgspec.json.decode(text, type=Media).media["payload"]


def test_sound_is_sent_as_mulaw_of_20_ms() -> None:
    sound = np.arange(0, 3 * FRAME, dtype=np.int16)
    frames = WebSocketTalker("one", sound).frames
    assert len(frames) == 3
    decoded = np.frombuffer(mulaw_decode(codes_in(frames[1])), "<i2")
    assert np.allclose(decoded, sound[FRAME : 2 * FRAME], rtol=0.04)


@pytest.mark.parametrize("rate", [8000, 24_000, 48_000])
def test_a_quiet_session_sends_20_ms_a_message(rate: int) -> None:
    frames = media_frames(rate, 8.0)
    assert {len(codes_in(frame)) for frame in frames[:3]} == {rate // 50}
    assert len(set(frames)) == len(frames)


def test_silence_is_not_counted_as_sound() -> None:
    told = heard_in([], [], [(1.0, bytes(2 * FRAME)), (1.1, LOUD)], b"", 0.0, RATE)
    assert told.sound == [(1.1, 0.02)]


def test_times_count_from_the_first_sample() -> None:
    told = heard_in([12.5], [13.0], [], b"head", 10.0, RATE)
    assert (told.pauses, told.clears, told.head) == ([2.5], [3.0], b"head")


def test_what_is_said_first_behind_the_pause_stands_for_a_head() -> None:
    sound = [(1.0, bytes(FRAME)), (2.6, LOUD)]
    assert heard_in([12.5], [], sound, b"", 10.0, RATE).head == LOUD
