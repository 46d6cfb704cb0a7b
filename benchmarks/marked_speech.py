"""Sound to measure an echo with: a synthetic voice that stops once a second for a short tone.

The voice makes the codec work as speech does; the tone's onset is found again after any number of
codecs, which is how a frame is followed through a server that encodes it anew.
"""

from collections.abc import Iterable
from typing import Any, Literal

import av
import msgspec
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext

__all__ = (
    "FRAME",
    "MARK_FRAME",
    "PROFILES",
    "RATE",
    "SECOND",
    "Profile",
    "decode",
    "encode",
    "find_marks",
    "marked_speech",
    "prepare",
)

RATE = 48_000
FRAME = 960  # samples, 20 ms
SECOND = RATE // FRAME
MARK_FRAME = 40  # of the fifty of a second; the onset lies on its first sample
_VOICE_FRAMES = 34
_MARK_FRAMES = 5
_PERIOD = 4  # seconds until the sound repeats

_TONE = 1000.0  # Hz
_LOUDNESS = 0.5
_WINDOW = 240  # 5 ms: five waves of the tone, so its neighbours at 200 Hz steps fall out
_QUIET_BEFORE = 0.06  # s of quiet that tell the tone from a syllable
_QUIET = 0.03
_FORMANTS = ((700, 1220, 2600), (300, 2300, 3000), (450, 800, 2830), (530, 1840, 2480))  # a i o e

Floats = npt.NDArray[np.float64]
Packets = list[bytes]


class Profile(msgspec.Struct, frozen=True):
    """How the client's Opus is encoded."""

    about: str
    layout: str
    bit_rate: int


PROFILES = {
    "mono32": Profile("mono, 32 kb/s, voip", "mono", 32_000),
    "stereo96": Profile("stereo, 96 kb/s, voip: what aiortc's own encoder sends", "stereo", 96_000),
}


def marked_speech() -> npt.NDArray[np.int16]:
    """Four seconds at 48 kHz that can be repeated without a seam: mono int16, always the same."""
    rng = np.random.default_rng(7)
    sound = np.zeros((_PERIOD, SECOND * FRAME))
    voice = _VOICE_FRAMES * FRAME
    tone = np.sin(2 * np.pi * _TONE * np.arange(_MARK_FRAMES * FRAME) / RATE) * _LOUDNESS
    for second in sound:
        second[:voice] = _voice(voice, rng)
        second[MARK_FRAME * FRAME :][: len(tone)] = tone
    return (sound.ravel() * 32767).astype(np.int16)


def _voice(length: int, rng: np.random.Generator) -> Floats:
    """Three vowels with a hiss before each; no single harmonic is near the tone's loudness."""
    sound = np.zeros(length)
    for syllable in np.array_split(np.arange(length), 3):
        size = len(syllable)
        time = np.arange(size) / RATE
        pitch = rng.uniform(100, 170) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(1, 3) * time))
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        formants = np.asarray(_FORMANTS[rng.integers(len(_FORMANTS))])
        vowel = np.zeros(size)
        for harmonic in range(1, 30):
            distance = (harmonic * float(pitch.mean()) - formants) / 120
            vowel += float(np.sum(1 / (1 + distance**2))) * np.sin(harmonic * phase)
        hiss = rng.normal(size=size) * (np.arange(size) < size // 6) * 0.05
        envelope = np.sin(np.pi * np.linspace(0, 1, size)) ** 0.7
        sound[syllable] = envelope * (0.3 * vowel / np.abs(vowel).max() + hiss)
    return sound


def prepare(profile: Profile) -> Packets:
    """The marked speech as Opus packets of 20 ms, to be sent round and round."""
    sound = marked_speech()
    # The second time round begins as it ends, with a settled encoder.
    return encode(np.tile(sound, 2), RATE, profile)[len(sound) // FRAME :]


def encode(sound: npt.NDArray[np.int16], rate: int, profile: Profile) -> Packets:
    """Mono int16 (n,) at a rate that Opus knows as packets of 20 ms; what is over is left out."""
    encoder = _codec("w", profile.layout)
    encoder.sample_rate = rate
    encoder.bit_rate = profile.bit_rate
    encoder.options = {"application": "voip"}
    size = rate // SECOND
    packets: Packets = []
    for samples in sound[: len(sound) // size * size].reshape(-1, 1, size):
        interleaved = np.repeat(samples, 2, axis=1) if profile.layout == "stereo" else samples
        frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout=profile.layout)
        frame.sample_rate = rate
        packets += map(bytes, encoder.encode(frame))
    return packets


def decode(packets: Iterable[bytes]) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Opus packets as mono sound at 48 kHz (1.0 is full scale), and where each of them begins in
    it. av.FFmpegError for what is not Opus.
    """
    decoder = _codec("r", "mono")
    parts: list[npt.NDArray[np.int16]] = []
    starts: list[int] = []
    length = 0
    for packet in packets:
        starts.append(length)
        for frame in decoder.decode(av.Packet(packet)):
            parts.append(frame.to_ndarray().ravel().astype(np.int16))
            length += len(parts[-1])
    sound = np.concatenate(parts) / 32768 if parts else np.zeros(0)
    return sound, np.asarray(starts, np.int64)


def _codec(mode: Literal["r", "w"], layout: str) -> Any:
    """libopus. Untyped: the packets that PyAV declares are of an unknown kind."""
    codec = av.CodecContext.create("libopus", mode)
    assert isinstance(codec, AudioCodecContext)
    codec.sample_rate = RATE
    codec.layout = layout
    codec.format = "s16"
    return codec


def find_marks(sound: Floats) -> npt.NDArray[np.int64]:
    """The samples at which the tone sets in, within a millisecond, after at least 60 ms of quiet.
    What the codecs shifted is in it: each adds its look-ahead.
    """
    if len(sound) < 2 * _WINDOW:
        return np.zeros(0, np.int64)
    turning = np.exp(-2j * np.pi * _TONE * np.arange(len(sound)) / RATE)
    tone = 2 * np.abs(_mean(sound * turning))
    loud = tone > _LOUDNESS / 2
    rises = np.flatnonzero(loud[1:] & ~loud[:-1]) + 1
    level = np.abs(_mean(sound * sound))
    before, gap = round(_QUIET_BEFORE * RATE), 2 * _WINDOW
    marks = [
        rise - _WINDOW // 2
        for rise in rises
        if rise > before and level[rise - before : rise - gap].max() < _QUIET**2
    ]
    return np.asarray(marks, np.int64)


def _mean(signal: npt.NDArray[np.complex128] | Floats) -> npt.NDArray[np.complex128]:
    """Mean over the window that ends with each sample."""
    total = np.cumsum(np.concatenate((np.zeros(_WINDOW), signal)))
    return np.asarray((total[_WINDOW:] - total[:-_WINDOW]) / _WINDOW, np.complex128)
