"""What a start is read as, and the sound that both ends agree on."""

from typing import Any, Literal

import msgspec
import pytest

from antiphon.core.agreement import (
    SessionConfig,
    agree_as_client,
    agree_as_server,
    read_start,
)
from antiphon.core.audio.frames import AudioFrame
from antiphon.core.audio.g711 import alaw_encode, mulaw_encode
from antiphon.core.errors import LocalProtocolError, RemoteProtocolError
from antiphon.core.messages import MediaFormat, Start
from antiphon.core.wire import Kind
from tests.core.pair import ramp, sent_audio, tone

CONFIG = SessionConfig(input_sample_rate=16000, output_sample_rate=24000)


@pytest.mark.parametrize(
    ("given", "call_id"),
    [
        ({"websocket_id": "a"}, "a"),
        ({"websocket_id": 42}, "42"),
        ({"webrtc_id": "b"}, "b"),
        ({"websocket_id": "a", "webrtc_id": "b"}, "a"),
    ],
)
def test_an_id_is_a_text_or_a_number_under_either_name(given: Any, call_id: str) -> None:
    assert read_start(Start(**given)).call_id == call_id


def test_a_start_without_an_id_is_not_decodable() -> None:
    with pytest.raises(RemoteProtocolError, match="websocket_id") as caught:
        read_start(Start())
    assert caught.value.code == 1007


@pytest.mark.parametrize("call_id", ["", "x" * 129, "tab\t", "é"])
def test_an_illegal_id_is_against_the_policy(call_id: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_start(Start(websocket_id=call_id))
    assert caught.value.code == 1008


def test_a_start_tells_all_that_came_with_it() -> None:
    wanted = MediaFormat("audio/pcm", 8000)
    requested = read_start(
        Start(websocket_id="a", media_format=wanted, metadata={"k": 1}, inputs=[1, 2])
    )
    assert requested.media_format == wanted
    assert requested.metadata == {"k": 1}
    assert requested.inputs == (1, 2)
    assert read_start(Start(websocket_id="a")).inputs is None
    assert read_start(Start(websocket_id="a", inputs={"x": 1})).inputs == ({"x": 1},)


def test_without_a_format_sound_is_mulaw_at_the_handlers_rates() -> None:
    agreement = agree_as_server(None, CONFIG)
    assert agreement.media_format is None
    assert agreement.bytes_per_sample == 1
    assert agreement.decoder is not None
    sound = tone(320, 16000)
    frame = agreement.decoder.decode(mulaw_encode(sound.pcm))
    assert frame is not None
    assert (len(frame), frame.sample_rate) == (320, 16000)
    leaving = agreement.outlet.play(ramp(480, 24000), 0.0)
    assert sent_audio(leaving) == mulaw_encode(ramp(480, 24000).pcm)


@pytest.mark.parametrize(
    ("encoding", "width"), [("audio/x-mulaw", 1), ("audio/x-alaw", 1), ("audio/pcm", 2)]
)
def test_a_named_format_holds_in_both_directions(encoding: str, width: int) -> None:
    agreement = agree_as_server(MediaFormat(encoding, 16000), CONFIG)
    assert agreement.bytes_per_sample == width
    leaving = agreement.outlet.play(ramp(320, 16000), 0.0)
    assert len(sent_audio(leaving)) == 320 * width
    assert agreement.decoder is not None
    heard = agreement.decoder.decode(sent_audio(leaving))
    assert heard is not None
    assert len(heard) == 320


def test_alaw_is_alaw() -> None:
    outlet = agree_as_server(MediaFormat("audio/x-alaw", 8000), CONFIG).outlet
    assert sent_audio(outlet.play(ramp(160, 8000), 0.0)) == alaw_encode(ramp(160, 8000).pcm)


def test_a_server_hears_every_format_at_its_own_rate() -> None:
    decoder = agree_as_server(MediaFormat("audio/pcm", 8000), CONFIG).decoder
    assert decoder is not None
    frames = [decoder.decode(tone(160, 8000).pcm) for _ in range(50)]
    heard = [frame for frame in frames if frame is not None]
    assert {frame.sample_rate for frame in heard} == {16000}
    assert 16000 - 800 <= sum(map(len, heard)) <= 16000


BAD_FORMATS = [
    MediaFormat("audio/opus", 48000),
    MediaFormat("", 8000),
    MediaFormat("audio/pcm", 3999),
    MediaFormat("audio/pcm", 192_001),
    MediaFormat("audio/pcm", 0),
    MediaFormat("audio/pcm", -8000),
]


@pytest.mark.parametrize("wanted", BAD_FORMATS)
def test_a_format_that_is_not_served_is_against_the_policy(wanted: MediaFormat) -> None:
    with pytest.raises(RemoteProtocolError, match="media_format") as caught:
        agree_as_server(wanted, CONFIG)
    assert caught.value.code == 1008


@pytest.mark.parametrize("wanted", [None, *BAD_FORMATS])
def test_a_clients_own_bad_format_is_its_own_error(wanted: MediaFormat | None) -> None:
    with pytest.raises(LocalProtocolError):
        agree_as_client(wanted, CONFIG)


def test_a_client_hears_at_the_rate_on_the_wire() -> None:
    agreement = agree_as_client(MediaFormat("audio/pcm", 8000), CONFIG)
    assert agreement.decoder is not None
    frame = agreement.decoder.decode(ramp(160, 8000).pcm)
    assert frame is not None
    assert (frame.pcm, frame.sample_rate) == (ramp(160, 8000).pcm, 8000)


@pytest.mark.parametrize(
    ("mode", "listens"), [("send-receive", True), ("send", True), ("receive", False)]
)
def test_a_server_in_mode_receive_does_not_listen(
    mode: Literal["send-receive", "send", "receive"], *, listens: bool
) -> None:
    agreement = agree_as_server(None, msgspec.structs.replace(CONFIG, mode=mode))
    assert (agreement.decoder is not None) is listens


@pytest.mark.parametrize("rate", [3999, 192_001, 0])
def test_a_rate_that_cannot_be_resampled_cannot_be_configured(rate: int) -> None:
    with pytest.raises(ValueError, match="sample rate"):
        SessionConfig(input_sample_rate=rate)
    with pytest.raises(ValueError, match="sample rate"):
        SessionConfig(output_sample_rate=rate)


def test_sound_leaves_as_json_until_the_link_says_otherwise() -> None:
    outlet = agree_as_server(None, CONFIG).outlet
    assert [kind for kind, _ in outlet.play(AudioFrame(bytes(960), 24000), 0.0)] == [Kind.TEXT]
    outlet.kind = Kind.BINARY
    assert [kind for kind, _ in outlet.play(AudioFrame(bytes(960), 24000), 0.0)] == [Kind.BINARY]
