"""docs/guides/fastrtc.md: every name there is on their side has its line, every one on ours is."""

import inspect
import re

import pytest

import antiphon
from antiphon import (
    AsyncAudioVideoStreamHandler,
    AudioVideoStreamHandler,
    Speech,
    Stream,
    StreamHandler,
    echo,
)
from antiphon.transports.routes import Routes
from tests.documents.pages import page

PAGE = page("docs/guides/fastrtc.md")
THEIRS = {  # `__all__` of fastrtc 0.0.34
    *("AdditionalOutputs", "AlgoOptions", "AsyncAudioVideoStreamHandler", "AsyncStreamHandler"),
    *("AudioEmitType", "AudioVideoStreamHandler", "CartesiaTTSOptions", "CloseStream"),
    *("KokoroTTSOptions", "ModelOptions", "MoonshineSTT", "PauseDetectionModel", "ReplyOnPause"),
    *("ReplyOnStopWords", "SileroVadOptions", "Stream", "StreamHandler", "UIArgs"),
    *("VideoEmitType", "VideoStreamHandler", "Warning", "WebRTC", "WebRTCData", "WebRTCError"),
    *("aggregate_bytes_to_16bit", "async_aggregate_bytes_to_16bit", "audio_to_bytes"),
    *("audio_to_file", "audio_to_float32", "audio_to_int16", "get_current_context"),
    *("get_cloudflare_turn_credentials", "get_cloudflare_turn_credentials_async"),
    *("get_hf_turn_credentials", "get_hf_turn_credentials_async", "get_silero_model"),
    *("get_stt_model", "get_tts_model", "get_turn_credentials", "get_turn_credentials_async"),
    *("get_twilio_turn_credentials", "wait_for_item"),
}
ARGUMENTS = (
    *("handler", "additional_outputs_handler", "mode", "modality", "concurrency_limit"),
    *("time_limit", "allow_extra_tracks", "rtp_params", "rtc_configuration"),
    *("server_rtc_configuration", "track_constraints", "additional_inputs"),
    *("additional_outputs", "ui_args", "verbose"),
)


def table(heading: str) -> list[tuple[str, list[str], str]]:
    """Theirs, ours and what is said of it, of each line below a heading."""
    found = re.search(rf"^## {re.escape(heading)}\n+((?:^\|.*\n)+)", PAGE.text, re.MULTILINE)
    assert found is not None
    rows: list[tuple[str, list[str], str]] = []
    for line in found[1].splitlines()[2:]:
        theirs, ours, note = (cell.strip() for cell in line.strip("|").split("|"))
        names = re.findall(r"`([^`]+)`", ours)
        assert names or note, f"{theirs}: what is left out needs its reason"
        rows.append((theirs.strip("`"), names, note))
    return rows


def ours(heading: str) -> list[str]:
    return [name for _, names, _ in table(heading) for name in names]


def test_every_public_name_of_theirs_has_one_line() -> None:
    named = [theirs for theirs, _, _ in table("Names")]
    assert len(set(named)) == len(named)
    assert set(named) == THEIRS


def test_every_argument_of_their_stream_has_a_line() -> None:
    assert tuple(theirs for theirs, _, _ in table("Arguments of `Stream`")) == ARGUMENTS


@pytest.mark.parametrize("name", sorted(set(ours("Names"))))
def test_a_name_of_ours_is_public(name: str) -> None:
    assert name in {*antiphon.__all__, "Warning"}
    assert hasattr(antiphon, name)


@pytest.mark.parametrize("name", ours("Arguments of `Stream`"))
def test_an_argument_of_ours_is_taken(name: str) -> None:
    assert name in inspect.signature(Stream).parameters


@pytest.mark.parametrize("name", sorted(set(ours("Members of a stream"))))
def test_a_member_of_our_stream_is_there(name: str) -> None:
    assert hasattr(Stream, name)


@pytest.mark.parametrize("name", ours("Members of a handler"))
def test_a_member_of_our_handlers_is_there(name: str) -> None:
    kinds = (StreamHandler, AudioVideoStreamHandler, AsyncAudioVideoStreamHandler)
    wanted = kinds[1:] if name.startswith("video_") else kinds
    assert all(hasattr(kind, name) for kind in wanted)


def test_our_routes_are_served() -> None:
    served = {path for path, _ in Routes(Stream(echo, speech=Speech()).host).patterns}
    assert set(ours("Routes")) <= served


def test_names_that_are_the_same_are_called_the_same() -> None:
    for theirs, names, _ in table("Names"):
        if theirs in antiphon.__all__:
            assert theirs in names
