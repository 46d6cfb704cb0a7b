"""Opus settings beside what FastRTC sends (aiortc's encoder): CPU, bits, delay and quality.

python -m benchmarks.opus [--rates 24000 48000] [--speech FILE ...] [--rounds 5] [--loss 5 20]
"""

import argparse
import ctypes
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import msgspec
import numpy as np
import numpy.typing as npt
from aiortc.codecs.opus import OpusDecoder as AiortcDecoder
from aiortc.codecs.opus import OpusEncoder as AiortcEncoder
from aiortc.jitterbuffer import JitterFrame

from antiphon.core.audio.frames import Samples
from antiphon.transports.opus import OpusSettings, opus_engine, pyav_engine
from antiphon.transports.opus_libopus import Libopus, LibopusDecoder, LibopusEncoder, libopus_paths
from benchmarks.figures import Range, median_range, show
from benchmarks.opus_sounds import sounds
from benchmarks.report import Spread, print_header, spread
from benchmarks.sound_quality import Quality, compare

Packets = list[bytes]
Encode = Callable[[bytes], bytes]

FRAME = 0.02  # seconds


class Contestant(msgspec.Struct, frozen=True):
    """One way to encode a stream, a frame at a time, and the way in which its side decodes."""

    name: str
    encoder: Callable[[int], Encode]
    decoder: Callable[[int], Callable[[bytes], object]]


class Outcome(msgspec.Struct, frozen=True):
    """What one contestant made of one sound."""

    packets: Packets
    encode_cost: Range | None
    """us of CPU a frame."""
    decode_cost: Range | None
    quality: Quality

    @property
    def bit_rate(self) -> float:
        """kb/s, without the headers of RTP."""
        return sum(map(len, self.packets)) * 8 / (len(self.packets) * FRAME) / 1000


def settings_of(text: str) -> OpusSettings:
    """Settings as in `lowdelay 64 c5 loss10 dtx`."""
    application, kilobits, *others = text.split()
    fields: dict[str, object] = {"application": application, "bit_rate": int(kilobits) * 1000}
    for word in others:
        if word.startswith("c"):
            fields["complexity"] = int(word[1:])
        elif word.startswith("loss"):
            fields["expected_loss"] = int(word[4:])
        else:
            fields[word] = True
    return msgspec.convert(fields, OpusSettings)


def by_libopus(text: str) -> Contestant:
    engine = opus_engine()
    settings = settings_of(text)
    return Contestant(
        text,
        lambda rate: engine.encoder(rate, settings).encode,
        lambda rate: engine.decoder(rate).decode,
    )


def by_pyav(text: str) -> Contestant:
    engine = pyav_engine()
    settings = settings_of(text)
    return Contestant(
        f"{text}, PyAV",
        lambda rate: engine.encoder(rate, settings).encode,
        lambda rate: engine.decoder(rate).decode,
    )


def aiortc_encode(rate: int, application: str = "voip") -> Encode:
    """What FastRTC's frames go through: resampled to 48 kHz stereo, 96 kb/s, voip."""
    encoder = AiortcEncoder()
    encoder.codec.options = {"application": application}
    pts = 0

    def encode(pcm: bytes) -> bytes:
        nonlocal pts
        frame = av.AudioFrame.from_ndarray(
            np.frombuffer(pcm, np.int16).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = rate, pts, Fraction(1, rate)
        pts += frame.samples
        return b"".join(encoder.encode(frame)[0])

    return encode


def aiortc_decode(_rate: int) -> Callable[[bytes], object]:
    decoder = AiortcDecoder()
    return lambda payload: decoder.decode(JitterFrame(data=payload, timestamp=0))


RIVAL = Contestant("FastRTC (aiortc, 48 kHz stereo)", aiortc_encode, aiortc_decode)
# voip filters out the lowest tones, which turns phases and so spoils SNR and NMR: this row has the
# same coding without that.
UNFILTERED = Contestant(
    "the same, audio for voip", partial(aiortc_encode, application="audio"), aiortc_decode
)
SETTINGS = (
    "lowdelay 32 c5",
    "lowdelay 48 c5",
    "lowdelay 64 c0",
    "lowdelay 64 c5",
    "lowdelay 80 c2",
    "lowdelay 80 c5",
    "lowdelay 96 c0",
    "lowdelay 96 c2",
    "lowdelay 96 c5",
    "lowdelay 96 c10",
    "lowdelay 96 c2 dtx",
    "audio 64 c5",
    "audio 64 c10 dtx",
    "audio 96 c5",
    "audio 96 c10",
    "voip 32 c5",
    "voip 32 c10",
    "voip 64 c5",
    "voip 96 c10",
)
LOSSY = (
    "lowdelay 64 c5",
    "lowdelay 96 c2",
    "lowdelay 96 c5",
    "audio 96 c5",
    "voip 24 c5",
    "voip 24 c5 loss10",
    "voip 32 c5",
    "voip 32 c5 loss10",
    "voip 48 c5 loss10",
)


def frames_of(samples: Samples, rate: int) -> list[bytes]:
    size = round(rate * FRAME)
    return [samples[i : i + size].tobytes() for i in range(0, len(samples) - size + 1, size)]


def cpu_of(step: Callable[[bytes], object], parts: Sequence[bytes]) -> float:
    """us of this thread's CPU a part."""
    begin = time.thread_time_ns()
    for part in parts:
        step(part)
    return (time.thread_time_ns() - begin) / 1000 / len(parts)


def collecting(encode: Encode, packets: Packets) -> Callable[[bytes], None]:
    """An encoder that keeps what it makes."""
    return lambda pcm: packets.append(encode(pcm))


def heard(packets: Iterable[bytes], rate: int) -> npt.NDArray[np.float64]:
    """As one and the same decoder, mono at the sound's rate, gives it."""
    decoder = opus_engine().decoder(rate)
    pcm = b"".join(decoder.decode(packet) for packet in packets if packet)
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def run(
    contestants: Sequence[Contestant], samples: Samples, rate: int, rounds: int
) -> dict[str, Outcome]:
    """Each contestant in turn, so many times over."""
    frames = frames_of(samples, rate)
    encode_costs: dict[str, list[float]] = {one.name: [] for one in contestants}
    decode_costs: dict[str, list[float]] = {one.name: [] for one in contestants}
    coded: dict[str, Packets] = {}
    for _ in range(rounds):
        for one in contestants:
            packets = Packets()
            encode_costs[one.name].append(cpu_of(collecting(one.encoder(rate), packets), frames))
            whole = [packet for packet in packets if packet]
            decode_costs[one.name].append(cpu_of(one.decoder(rate), whole))
            coded[one.name] = packets
    original = samples.astype(np.float64)
    return {
        name: Outcome(
            packets,
            median_range(encode_costs[name]),
            median_range(decode_costs[name]),
            compare(original, heard(packets, rate), rate),
        )
        for name, packets in coded.items()
    }


QUALITY_COLUMNS = ("kb/s", "SNR dB", "NMR dB", "disturbed %", "bands dB", "band kHz", "late ms")


def quality_cells(outcome: Outcome) -> list[object]:
    quality = outcome.quality
    return [
        outcome.bit_rate,
        quality.segmental_snr,
        quality.noise_to_mask,
        quality.disturbed,
        quality.spectral_distance,
        quality.band / 1000,
        quality.delay,
    ]


def show_settings(sound: str, rate: int, outcomes: Mapping[str, Outcome]) -> None:
    show(
        f"{sound}, {rate} Hz",
        ["", "encode us", "decode us", *QUALITY_COLUMNS],
        (
            [name, outcome.encode_cost, outcome.decode_cost, *quality_cells(outcome)]
            for name, outcome in outcomes.items()
        ),
    )


def after_loss(packets: Packets, rate: int, per_cent: float) -> npt.NDArray[np.float64]:
    """As heard with so many packets lost, each recovered from the next or else concealed."""
    rng = np.random.default_rng(3)
    lost = rng.random(len(packets)) < per_cent / 100
    decoder = opus_engine().decoder(rate)
    size = round(rate * FRAME)
    parts: list[bytes] = []
    for index, packet in enumerate(packets):
        if not lost[index]:
            parts.append(decoder.decode(packet))
        elif index + 1 < len(packets) and not lost[index + 1]:
            parts.append(decoder.recover(packets[index + 1], size))
        else:
            parts.append(decoder.conceal(size))
    return np.frombuffer(b"".join(parts), "<i2").astype(np.float64)


def show_loss(sound: str, samples: Samples, rate: int, per_cent: float) -> None:
    frames = frames_of(samples, rate)
    rows: list[list[object]] = []
    for one in (RIVAL, UNFILTERED, *map(by_libopus, LOSSY)):
        encode = one.encoder(rate)
        packets = [packet for packet in map(encode, frames) if packet]
        original = samples.astype(np.float64)
        whole = compare(original, heard(packets, rate), rate)
        lossy = compare(original, after_loss(packets, rate, per_cent), rate)
        bits = sum(map(len, packets)) * 8 / (len(packets) * FRAME) / 1000
        rows.append(
            [
                one.name,
                bits,
                whole.segmental_snr,
                lossy.segmental_snr,
                whole.spectral_distance,
                lossy.spectral_distance,
            ]
        )
    show(
        f"{sound}, {rate} Hz, {per_cent:g} % of packets lost",
        ["", "kb/s", "SNR dB", "with loss", "bands dB", "with loss"],
        rows,
    )


def show_delays(rates: Sequence[int]) -> None:
    path = next(libopus_paths())
    library = Libopus(path)
    rows: list[list[object]] = []
    for application in ("voip", "audio", "lowdelay"):
        settings = settings_of(f"{application} 64")
        delays = [1000 * LibopusEncoder(library, rate, settings).lookahead / rate for rate in rates]
        rows.append([application, *delays])
    show("Algorithmic delay beyond the frame, ms", ["", *(f"{rate} Hz" for rate in rates)], rows)


def elapsed(step: Callable[[bytes], object], parts: Sequence[bytes]) -> Spread:
    """us of the wall clock a part, each after a moment of idling as in a live call."""
    times: list[float] = []
    for part in parts:
        begin = time.perf_counter_ns()
        step(part)
        times.append((time.perf_counter_ns() - begin) / 1000)
        time.sleep(0.001)
    return spread(times)


def show_gil(samples: Samples, rate: int) -> None:
    frames = frames_of(samples, rate)[:200]
    path = next(libopus_paths())
    rows: list[list[object]] = []
    for busy in (False, True):
        for loader in (ctypes.PyDLL, ctypes.CDLL):
            library = Libopus(path, loader)
            encoder = LibopusEncoder(library, rate, OpusSettings())
            decoder = LibopusDecoder(library, rate)
            packets = [encoder.encode(frame) for frame in frames]
            with _BusyThread() if busy else _NoThread():
                costs = elapsed(encoder.encode, frames), elapsed(decoder.decode, packets)
            beside = "beside a busy Python thread" if busy else "alone"
            rows.append([f"{loader.__name__}, {beside}", *costs])
    show("Elapsed us a call, median (quartiles)", ["", "encode", "decode"], rows)


class _NoThread:
    def __enter__(self) -> None:
        """Nothing runs beside."""

    def __exit__(self, *_: object) -> None:
        """Nothing is to be ended."""


class _BusyThread:
    """A thread that runs Python code without a pause."""

    def __enter__(self) -> None:
        self._ended = False
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()

    def _spin(self) -> None:
        while not self._ended:
            sum(range(200))


def main() -> None:
    parser = argparse.ArgumentParser(description="Opus settings: CPU, bits, delay and quality")
    parser.add_argument("--rates", type=int, nargs="+", default=[24_000, 48_000])
    parser.add_argument("--speech", type=Path, nargs="+", default=[], help="WAV or FLAC files")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loss", type=float, nargs="+", default=[5, 20], help="%% of packets")
    options = parser.parse_args()
    print_header(
        "Opus by settings: application, kb/s, complexity",
        ["aiortc", "av", "numpy", "soxr"],
        {
            "engine": opus_engine().name,
            "us": f"CPU a frame of 20 ms, median (range) of {options.rounds}, tight loop",
            "SNR": "segmental, 20 ms; NMR: noise over what the sound hides (below -10: unheard)",
            "disturbed": "% of frames with a band whose noise stands out",
            "bands": "rms difference of levels in critical bands",
            "late": "delay found by laying both over each other, all resampling included",
        },
    )
    contestants = [RIVAL, UNFILTERED, *map(by_libopus, SETTINGS), by_pyav("lowdelay 96 c2")]
    for rate in options.rates:
        found, reasons = sounds(rate, options.speech)
        for reason in reasons:
            print(f"  left out   {reason}")
        for sound, samples in found.items():
            show_settings(sound, rate, run(contestants, samples, rate, options.rounds))
            for per_cent in options.loss if sound != "melody" else ():
                show_loss(sound, samples, rate, per_cent)
    show_delays(options.rates)
    show_gil(sounds(24_000, [])[0]["melody"], 24_000)


if __name__ == "__main__":
    main()
