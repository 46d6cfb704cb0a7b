import argparse
from pathlib import Path

import pytest

from antiphon.cli.call_options import call_url
from antiphon.cli.main import main
from tests.cli.media import moving_card
from tests.cli.sounds import melody, write_wav


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("ws://127.0.0.1:8000", "ws://127.0.0.1:8000/websocket/offer"),
        ("ws://127.0.0.1:8000/", "ws://127.0.0.1:8000/websocket/offer"),
        ("wss://voice.example", "wss://voice.example/websocket/offer"),
        ("http://[::1]:8000", "http://[::1]:8000/http/offer"),
        ("https://voice.example?key=1", "https://voice.example/http/offer?key=1"),
        ("ws://h/voice/websocket/offer", "ws://h/voice/websocket/offer"),
        ("http://h/voice#part", "http://h/voice"),
        ("webrtc+http://127.0.0.1:8000", "webrtc+http://127.0.0.1:8000/webrtc/offer"),
        ("webrtc+https://h/voice/webrtc/offer", "webrtc+https://h/voice/webrtc/offer"),
    ],
)
def test_a_url_without_a_path_gets_the_standard_one(given: str, called: str) -> None:
    assert call_url(given) == called


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:8000", "ftp://host", "ws://", "ws://host:0", "ws://host:70000"),
        *("ws://host:x", "ws://[::1", "ws://user:secret@host", "ws://host/a b", "ws://höst"),
        *("http://host/websocket/offer", "wss://host/http/offer", "http://host/webrtc/offer"),
        *("webrtc+http://host/http/offer", "webrtc+ws://host", "webrtc://host"),
    ],
)
def test_a_url_that_cannot_be_called_is_wrong_usage(url: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        call_url(url)


def status_of(*arguments: str) -> int:
    try:
        return main(["call", *arguments])
    except SystemExit as end:
        return int(end.code or 0)


URL = "ws://127.0.0.1:1"
WEBRTC = "webrtc+http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "URL"),
        (("ftp://host",), "ws(s)://host"),
        ((URL, "--rate", "4000"), "8000 to 48000"),
        ((URL, "--rate", "high"), "--rate"),
        ((URL, "--encoding", "opus"), "mulaw"),
        ((URL, "--seconds", "0"), "positive"),
        ((URL, "--seconds", "nan"), "positive"),
        ((URL, "--id", "a\nb"), "printable ASCII"),
        ((URL, "--metadata", "[1]"), "JSON object"),
        ((URL, "--metadata", "{"), "no JSON"),
        ((URL, "--input", "oops"), "no JSON"),
        ((URL, "--input", "[" * 100_000), "no JSON"),
        ((URL, "--header", "no colon"), "Name: value"),
        ((URL, "--header", "X: a\r\nY: b"), "Name: value"),
        ((URL, "--header", "Ünicode: b"), "Name: value"),
        ((URL, "--header", "X: ünicode"), "in ASCII"),
        ((URL, "--header", "Host: other"), "Host is what the call itself sets"),
        ((URL, "--header", "content-length: 5"), "content-length is what the call itself sets"),
        ((URL, "--header", "Sec-WebSocket-Key: x"), "Sec-WebSocket-Key is what the call itself"),
        ((URL, "--fast"), "--fast needs --play"),
        ((URL, "--linger", "2"), "--linger needs --play or --video"),
        ((URL, "--video", "in.mp4"), "--video is for webrtc+http(s)://"),
        ((URL, "--modality", "video"), "--modality is for webrtc+http(s)://"),
        ((URL, "--mode", "send"), "--mode is for webrtc+http(s)://"),
        ((WEBRTC, "--play", "in.wav", "--fast"), "--fast is not for WebRTC"),
        ((WEBRTC, "--mode", "receive", "--play", "in.wav"), "--mode receive sends nothing"),
        ((WEBRTC, "--mode", "receive", "--video", "in.mp4"), "--mode receive sends nothing"),
        ((WEBRTC, "--mode", "send", "--record", "out.mp4"), "nothing comes back"),
        ((WEBRTC, "--modality", "video", "--play", "in.wav"), "carries no sound"),
        ((WEBRTC, "--modality", "audio", "--video", "in.mp4"), "carries no pictures"),
        ((WEBRTC, "--modality", "video", "--record", "out.wav"), "--record FILE.mp4"),
        ((WEBRTC, "--modality", "all"), "audio-video"),
        ((WEBRTC, "--video", "/nowhere/in.mp4"), "/nowhere/in.mp4: No such file"),
        ((WEBRTC, "--insecure"), "webrtc+https://"),
        ((URL, "--insecure"), "wss://"),
        ((URL, "--ca", "ca.pem"), "wss://"),
        (("wss://h", "--ca", "ca.pem", "--insecure"), "not allowed with"),
        (("wss://h", "--ca", "/nowhere/ca.pem"), "/nowhere/ca.pem"),
        ((URL, "--play", "/nowhere/in.wav"), "/nowhere/in.wav: No such file"),
        ((URL, "--record", "/nowhere/out.wav"), "/nowhere: No such file"),
        ((URL, "--record", "/"), "Is a directory"),
    ],
)
def test_wrong_usage_is_told_and_has_status_2(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(*arguments) == 2
    assert words in capsys.readouterr().err


def test_a_file_that_is_no_sound_has_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "in.wav"
    path.write_text("no sound")
    assert status_of(URL, "--play", str(path)) == 2
    assert f"{path}: not a WAV file" in capsys.readouterr().err


def test_a_file_that_is_no_video_has_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "in.mp4"
    text.write_text("no pictures")
    sound = write_wav(tmp_path / "sound.mp4", melody(8000, 0.1), 8000)
    for path, words in ((text, "no video that can be read"), (sound, "the file holds no pictures")):
        assert status_of(WEBRTC, "--video", str(path)) == 2
        assert f"{path}: no video" in (told := capsys.readouterr().err)
        assert words in told


def test_the_sound_of_a_silent_video_cannot_be_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = moving_card(tmp_path / "in.mp4", seconds=1, sound=False)
    assert status_of(WEBRTC, "--video", str(card), "--record", str(tmp_path / "out.wav")) == 2
    assert "no sound for a WAV file" in capsys.readouterr().err


def test_the_file_that_is_played_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_wav(tmp_path / "in.wav", melody(8000, 0.1), 8000)
    before = path.read_bytes()
    other = tmp_path / "link.wav"
    other.symlink_to(path)
    assert status_of(URL, "--play", str(path), "--record", str(other)) == 2
    assert "overwrite" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_recording_stays_when_the_call_fails(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    path.write_bytes(b"an older recording")
    assert status_of(URL, "--record", str(path)) == 1
    assert path.read_bytes() == b"an older recording"


@pytest.mark.parametrize("command", ["serve", "call"])
def test_help_teaches_by_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert f"antiphon {command} " in capsys.readouterr().out.split("examples:")[1]


def test_the_program_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("antiphon 0.")
