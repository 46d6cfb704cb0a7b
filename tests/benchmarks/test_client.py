"""The load generator's client: what it sends is WebSocket, and what it counts is true."""

import base64
import json

import pytest
from wsproto.frame_protocol import FrameProtocol, Opcode

from benchmarks.client import Answers, Tally, media_frame

FRAMES = 200


def sound_of(frame: bytes) -> bytes:
    """The audio in a client's frame, read by wsproto and json."""
    server = FrameProtocol(client=False, extensions=[])
    server.receive_bytes(frame)
    (message,) = server.received_frames()
    assert message.opcode is Opcode.TEXT
    assert message.message_finished
    assert isinstance(message.payload, str)
    media = json.loads(message.payload)
    assert media["event"] == "media"
    return base64.b64decode(media["media"]["payload"], validate=True)


def answer(sound: bytes, separators: tuple[str, str] = (",", ":")) -> bytes:
    """A server's frame with this audio."""
    media = {"event": "media", "media": {"payload": base64.b64encode(sound).decode()}}
    text = json.dumps(media, separators=separators)
    return bytes(FrameProtocol(client=False, extensions=[]).send_data(text))


def session(number: int = 5) -> tuple[Tally, Answers]:
    tally = Tally(number + 1, FRAMES)
    return tally, Answers(number, tally)


def test_frames_are_20_ms_that_survive_mulaw() -> None:
    sounds = [sound_of(media_frame(5, number)) for number in range(FRAMES)]
    assert {len(sound) for sound in sounds} == {160}
    assert not any(0x7F in sound for sound in sounds)
    assert len(set(sounds)) == FRAMES


def test_frames_of_two_sessions_differ() -> None:
    assert sound_of(media_frame(5, 9)) != sound_of(media_frame(6, 9))


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_each_frame_that_comes_back_is_stamped_once(separators: tuple[str, str]) -> None:
    tally, answers = session()
    for number in range(FRAMES):
        answers.receive(answer(sound_of(media_frame(5, number)), separators), 1.0 + number)
    assert tally.answered == FRAMES
    assert list(tally.back)[-FRAMES:] == [1.0 + number for number in range(FRAMES)]
    assert (tally.altered, tally.disordered, tally.other_texts) == (0, 0, 0)


@pytest.mark.parametrize("size", [1, 7, 250, 5000])
def test_answers_count_however_the_bytes_are_split(size: int) -> None:
    tally, answers = session()
    stream = b"".join(answer(sound_of(media_frame(5, number))) for number in range(30))
    for at in range(0, len(stream), size):
        answers.receive(stream[at : at + size], 1.0)
    assert tally.answered == 30
    assert tally.altered == 0


@pytest.mark.parametrize("place", [0, 3, 6, 100, 159])
def test_one_altered_code_is_seen_wherever_it_is(place: int) -> None:
    tally, answers = session()
    sound = bytearray(sound_of(media_frame(5, 1)))
    sound[place] ^= 0x80
    answers.receive(answer(sound_of(media_frame(5, 0))), 1.0)
    answers.receive(answer(bytes(sound)), 1.0)
    assert (tally.answered, tally.altered) == (1, 1)


def test_another_sessions_frame_is_altered() -> None:
    tally, answers = session()
    answers.receive(answer(sound_of(media_frame(4, 0))), 1.0)
    assert (tally.answered, tally.altered) == (0, 1)


def test_a_shortened_frame_is_altered() -> None:
    tally, answers = session()
    answers.receive(answer(sound_of(media_frame(5, 0))[:-3]), 1.0)
    assert (tally.answered, tally.altered) == (0, 1)


def test_a_repeated_or_overtaken_frame_is_out_of_order() -> None:
    tally, answers = session()
    for number in (0, 2, 1, 2):
        answers.receive(answer(sound_of(media_frame(5, number))), 1.0)
    assert (tally.answered, tally.disordered) == (2, 2)


def test_control_frames_are_handed_over_and_other_texts_counted() -> None:
    tally, answers = session()
    server = FrameProtocol(client=False, extensions=[])
    said = server.ping(b"beat") + server.send_data('{"event":"pong"}') + server.send_data("{}")
    assert answers.receive(bytes(said + server.close(1000)), 1.0) == [
        (0x89, b"beat"),
        (0x88, b"\x03\xe8"),
    ]
    assert answers.ready
    assert tally.other_texts == 1
