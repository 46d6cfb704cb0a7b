"""`antiphon call` over WebRTC as a process, against real servers."""

import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from antiphon.cli.echo_probe import EchoProbe
from antiphon.cli.meter import level
from antiphon.cli.summary import Summary
from antiphon.core.audio.frames import Samples
from tests.cli.media import moving_card, watched
from tests.cli.sounds import melody, read_wav, speech, write_wav
from tests.processes import Server, run_antiphon, serving, start_antiphon

pytestmark = pytest.mark.alone

APP = """
from antiphon import Stream

async def counted(call):
    sent = 0
    async for picture in call.video:
        await call.send_video(picture)
        sent += 1
        if sent in (10, 80):
            await call.log(f"{sent} pictures")

stream = Stream(counted, modality="audio-video")
"""


def webrtc(server: Server) -> str:
    return f"webrtc+{server.http}"


@pytest.fixture(scope="module")
def video_server() -> Iterator[Server]:
    with serving("--modality", "audio-video") as server:
        yield server


def test_a_spoken_sentence_comes_back_as_it_was(echo_server: Server, tmp_path: Path) -> None:
    file, out = speech(tmp_path / "in.wav"), tmp_path / "out.wav"
    sound = ("--play", str(file), "--record", str(out), "--json")
    done = run_antiphon("call", webrtc(echo_server), *sound)
    assert done.returncode == 0, done.stderr
    summary = msgspec.json.decode(done.stdout, type=Summary)
    assert (summary.ended.by, summary.ended.code) == ("client", 1000)
    network = summary.network
    assert network is not None
    assert (network.lost, network.concealed_ms) == (0, 0)
    assert network.packets >= summary.frames_out
    (rate, spoken), (recorded_rate, heard) = read_wav(file), read_wav(out)
    assert recorded_rate == 24000
    seconds = len(spoken) / rate
    assert seconds - 0.3 < len(heard) / recorded_rate < seconds + 2
    assert energy(heard, recorded_rate) == pytest.approx(energy(spoken, rate), rel=0.25)
    sent = np.interp(
        np.arange(int(seconds * 24000)) / 24000, np.arange(len(spoken)) / rate, spoken
    ).astype("<i2")
    assert share_found(sent, heard) >= 0.8


def energy(sound: Samples, rate: int) -> float:
    """Of the whole, so that silence around it does not count."""
    return float(np.sum(sound.astype(np.float64) ** 2)) / rate


def share_found(sent: Samples, heard: Samples) -> float:
    """Which share of the loud fifths of a second is found in what was heard. They are looked for
    one by one: a machine that is held up for a moment tears real-time sound apart.
    """
    probes = [EchoProbe(24000) for _ in range(0, len(sent) - 4800, 4800)]
    found: list[bool] = []
    for number, probe in enumerate(probes):
        piece = sent[number * 4800 : (number + 1) * 4800].tobytes()
        if level(piece) > -35:
            probe.sent(piece)
            probe.heard(heard.tobytes())
            found.append(probe.found)
    assert len(found) >= 3
    return sum(found) / len(found)


def test_pictures_and_sound_come_back_in_time_with_each_other(
    video_server: Server, tmp_path: Path
) -> None:
    card, out = moving_card(tmp_path / "in.mp4", seconds=3), tmp_path / "out.mp4"
    files = ("--video", str(card), "--record", str(out), "--json")
    done = run_antiphon("call", webrtc(video_server), *files)
    assert done.returncode == 0, done.stderr
    figures = msgspec.json.decode(done.stdout, type=Summary).video
    assert figures is not None
    assert figures.size_out == figures.size_in == (320, 240)
    assert figures.frames_out + figures.skipped_out == 60
    shown = watched(out)
    assert shown.size == (320, 240)
    assert 0.6 * 60 <= len(shown.times) <= figures.frames_in
    assert shown.times == sorted(set(shown.times))
    assert shown.bars[0] < 0.2 < 0.8 < shown.bars[-1]
    assert all(later > sooner - 0.02 for sooner, later in pairwise(shown.bars))
    assert len(shown.flashes) >= 2
    for flash in shown.flashes[-2:]:
        assert min(abs(flash - beep) for beep in shown.beeps) < 0.15
    assert shown.sound_seconds > 3


def test_pictures_of_odd_sides_are_sent_even_and_that_is_told(
    video_server: Server, tmp_path: Path
) -> None:
    card = moving_card(tmp_path / "in.mp4", size=(161, 121), seconds=1, sound=False)
    out = tmp_path / "out.mp4"
    files = ("--video", str(card), "--record", str(out))
    done = run_antiphon("call", webrtc(video_server), *files)
    assert done.returncode == 0
    assert "the pictures of 161 x 121 are sent as 160 x 120" in done.stderr
    assert "video in" in done.stdout
    shown = watched(out)
    assert (shown.size, shown.sound_seconds) == ((160, 120), 0)
    assert len(shown.times) >= 0.7 * 20


@pytest.mark.parametrize(
    ("number", "log", "least"),
    [(signal.SIGINT, "10 pictures", 8), (signal.SIGKILL, "80 pictures", 20)],
)
def test_a_recording_that_is_cut_short_can_be_played(
    tmp_path: Path, number: signal.Signals, log: str, least: int
) -> None:
    card, out = moving_card(tmp_path / "in.mp4", seconds=8), tmp_path / "out.mp4"
    files = ("--video", str(card), "--record", str(out))
    with serving("--grace", "0.2", app=APP, folder=tmp_path) as server:
        arguments = ["call", webrtc(server), *files]
        with start_antiphon(arguments) as process:
            assert process.stderr is not None
            while (line := process.stderr.readline()) != f"log: {log}\n":
                assert line, "the call ended too soon"
            process.send_signal(number)
            process.communicate(timeout=10)
    assert process.returncode == (130 if number is signal.SIGINT else -number)
    shown = watched(out)
    assert len(shown.times) >= least
    assert shown.bars[-1] > shown.bars[0]


def test_a_recording_over_a_websocket_may_be_mp4(echo_server: Server, tmp_path: Path) -> None:
    file = write_wav(tmp_path / "in.wav", melody(24000, 0.5), 24000)
    out = tmp_path / "out.mp4"
    files = ("--play", str(file), "--record", str(out), "--quiet")
    assert run_antiphon("call", echo_server.websocket, *files).returncode == 0
    assert out.stat().st_size > 1000


def test_a_disk_that_is_full_ends_the_call(video_server: Server, tmp_path: Path) -> None:
    card = moving_card(tmp_path / "in.mp4", seconds=2, sound=False)
    out = tmp_path / "out.mp4"
    out.symlink_to("/dev/full")
    done = run_antiphon(
        "call", webrtc(video_server), "--video", str(card), "--record", str(out), "--quiet"
    )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--modality", "audio-video"), "video is offered, and this stream's modality is audio"),
        (("--modality", "video"), "--modality says what to offer"),
    ],
)
def test_a_modality_that_the_server_refuses_is_told(
    echo_server: Server, options: tuple[str, ...], words: str
) -> None:
    done = run_antiphon("call", webrtc(echo_server), *options)
    assert done.returncode == 1
    assert "unsupported_modality" in done.stderr
    assert words in done.stderr


def test_a_websocket_to_a_stream_of_pictures_is_told_of_webrtc(video_server: Server) -> None:
    done = run_antiphon("call", video_server.websocket)
    assert done.returncode == 1
    assert "pictures go over webrtc+http(s)://" in done.stderr
