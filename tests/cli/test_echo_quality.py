"""What comes back from a real server's echo is what went out, sample for sample."""

from pathlib import Path

import anyio
import numpy as np
import numpy.typing as npt
import pytest
import soxr  # pyright: ignore[reportMissingTypeStubs]  # it ships none

from antiphon import Stream, connect, echo
from antiphon.cli.wav import WavReader
from antiphon.core.audio.codecs import codec_for
from antiphon.core.audio.frames import Samples
from antiphon.core.audio.resample import Resampler
from tests.cli.sounds import aligned_snr, melody, read_wav, speech, write_wav
from tests.processes import Server, run_antiphon

pytestmark = pytest.mark.alone

ENCODINGS = {"mulaw": "audio/x-mulaw", "alaw": "audio/x-alaw", "pcm": "audio/pcm"}
PAD = 2 * 480  # samples of silence behind a file, at 24 kHz
SCHEMES = ("ws", "http")


def resampled(samples: Samples, rate_in: int, rate_out: int) -> Samples:
    """Offline, in one piece."""
    out: npt.NDArray[np.float32] = soxr.resample(samples.astype(np.float32), rate_in, rate_out)  # pyright: ignore
    return np.clip(np.rint(out), -32768, 32767).astype("<i2")


def sound_file(folder: Path, sound: str, rate: int) -> Path:
    """A melody, or a spoken sentence, at this rate."""
    path = folder / f"{sound}.wav"
    if sound == "melody":
        return write_wav(path, melody(rate), rate)
    spoken_rate, spoken = read_wav(speech(folder / "spoken.wav"))
    return write_wav(path, resampled(spoken, spoken_rate, rate), rate)


def called(url: str, file: Path, *options: str) -> tuple[int, Samples]:
    """Rate and samples of what `antiphon call` records."""
    out = file.with_suffix(".out.wav")
    done = run_antiphon("call", url, "--play", str(file), "--record", str(out), *options)
    assert done.returncode == 0, done.stderr
    return read_wav(out)


def through(encoding: str, samples: Samples) -> Samples:
    """Coded and decoded once: a second time changes nothing more."""
    codec = codec_for(ENCODINGS[encoding])
    return np.frombuffer(codec.decode(codec.encode(samples.tobytes())), "<i2")


def padded(samples: Samples) -> Samples:
    return np.concatenate((samples, np.zeros(PAD, "<i2")))


@pytest.mark.parametrize(
    ("encoding", "sound"),
    [("mulaw", "melody"), ("mulaw", "speech"), ("alaw", "melody"), ("pcm", "speech")],
)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_without_resampling_the_echo_is_equal_to_the_bit(
    echo_server: Server, tmp_path: Path, scheme: str, encoding: str, sound: str
) -> None:
    file = sound_file(tmp_path, sound, 24000)
    url = echo_server.websocket if scheme == "ws" else echo_server.http
    rate, echoed = called(url, file, "--encoding", encoding)
    assert rate == 24000
    assert np.array_equal(echoed, through(encoding, padded(read_wav(file)[1])))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_fast_echo_is_equal_to_the_bit(echo_server: Server, tmp_path: Path, scheme: str) -> None:
    file = write_wav(tmp_path / "melody.wav", melody(24000, 2.0), 24000)
    url = echo_server.websocket if scheme == "ws" else echo_server.http
    _, echoed = called(url, file, "--fast")
    assert np.array_equal(echoed, through("mulaw", padded(read_wav(file)[1])))


@pytest.mark.parametrize(
    ("file_rate", "sound"), [(44100, "melody"), (44100, "speech"), (22050, "speech")]
)
def test_a_file_resampled_for_the_call_keeps_35_db(
    echo_server: Server, tmp_path: Path, file_rate: int, sound: str
) -> None:
    file = sound_file(tmp_path, sound, file_rate)
    rate, echoed = called(echo_server.websocket, file, "--rate", "24000", "--encoding", "pcm")
    wanted = resampled(read_wav(file)[1], file_rate, rate)
    assert rate == 24000
    assert len(echoed) >= len(wanted)
    snr = aligned_snr(wanted, echoed)
    print(f"{sound} {file_rate} Hz, pcm: {snr:.1f} dB")
    assert snr >= 35


@pytest.mark.parametrize("sound", ["melody", "speech"])
def test_a_resampled_file_through_mu_law_keeps_35_db(
    echo_server: Server, tmp_path: Path, sound: str
) -> None:
    file = sound_file(tmp_path, sound, 44100)
    _, echoed = called(echo_server.websocket, file, "--rate", "24000")
    plain = resampled(read_wav(file)[1], 44100, 24000)
    snr = aligned_snr(through("mulaw", plain), echoed)
    unlawed = aligned_snr(plain, echoed)
    print(f"{sound} 44100 Hz, mu-law: {snr:.1f} dB; of what was not coded: {unlawed:.1f} dB")
    assert snr >= 35


@pytest.mark.parametrize("call_rate", [44100, 16000, 8000])
def test_what_the_server_resamples_has_no_gap_and_no_frame_twice(
    echo_server: Server, tmp_path: Path, call_rate: int
) -> None:
    file = write_wav(tmp_path / "melody.wav", melody(call_rate), call_rate)
    sent = read_wav(file)[1]
    rate, echoed = called(
        echo_server.websocket, file, "--encoding", "pcm", "--rate", str(call_rate)
    )
    wanted = there_and_back(sent, call_rate)[: len(sent)]
    print(f"{call_rate} Hz: {aligned_snr(sent, echoed):.1f} dB")
    assert rate == call_rate
    assert len(echoed) >= len(sent)
    assert np.array_equal(echoed[: len(wanted)], wanted)


def there_and_back(samples: Samples, rate: int) -> Samples:
    """To the handler's 24 kHz and to the call's rate again, in one piece each."""
    pad = np.zeros(rate, "<i2")
    there = Resampler(rate, 24000).process(np.concatenate((samples, pad)).tobytes())
    return np.frombuffer(Resampler(24000, rate).process(there), "<i2")


@pytest.mark.parametrize("sound", ["melody", "speech"])
async def test_the_python_api_over_memory_hears_the_same(tmp_path: Path, sound: str) -> None:
    file = sound_file(tmp_path, sound, 24000)
    sent = read_wav(file)[1]
    heard = bytearray()

    async with connect(Stream(echo), sample_rate=24000) as call, anyio.create_task_group() as tasks:

        async def listen() -> None:
            async for frame in call.audio:
                heard.extend(frame.pcm)
                if len(heard) >= 2 * len(sent):
                    return

        tasks.start_soon(listen)
        with WavReader(file) as reader:
            for frame in reader.frames(24000):
                await call.send_audio(frame)
    assert np.array_equal(np.frombuffer(bytes(heard), "<i2"), through("mulaw", sent))
