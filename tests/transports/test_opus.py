"""Opus codec objects: both engines keep one contract, and one of them is always found."""

import ctypes.util
import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.buffer import Buffer
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.core.audio.frames import Samples
from antiphon.transports import opus
from antiphon.transports.opus import (
    OPUS_RATES,
    OpusApplication,
    OpusDecoder,
    OpusEngine,
    OpusSettings,
    check_engine,
    choose_engine,
    opus_decoder,
    opus_encoder,
    opus_engine,
)
from antiphon.transports.opus_libopus import Libopus, LibopusDecoder, LibopusEncoder, libopus_paths
from benchmarks.sound_quality import align, compare
from tests.transports.opus_streams import (
    ENGINES,
    SPEECH,
    cut,
    engine_of,
    packets_of,
    samples_of,
    snr,
    strength,
    tone,
    vowels,
)

DURATIONS = (2.5, 5, 10, 20, 40, 60, 80, 100, 120)  # ms


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> OpusEngine:
    name: str = request.param
    return engine_of(name)


def fidelity(
    sent: npt.NDArray[np.float64], back: npt.NDArray[np.float64], sample_rate: int
) -> float:
    """dB of the sound over what is wrong with it, once laid over what was sent.

    It must be as strong, and late by less than 40 ms.
    """
    laid, late, gain = align(sent[: len(back)], back, sample_rate)
    assert 0 <= late < 0.04
    assert gain == pytest.approx(1, abs=0.05)
    inner = slice(sample_rate // 10, -sample_rate // 10)
    return snr(sent[: len(back)][inner], laid[inner])


@pytest.mark.parametrize("duration", DURATIONS)
@pytest.mark.parametrize("sample_rate", OPUS_RATES)
def test_a_frame_of_any_legal_length_comes_back_in_full(
    engine: OpusEngine, sample_rate: int, duration: float
) -> None:
    sent = vowels(sample_rate, 0.72)
    packets = packets_of(engine, sent, sample_rate, duration=duration)
    decoder = engine.decoder(sample_rate)
    parts = [decoder.decode(packet) for packet in packets]
    assert {len(part) for part in parts} == {2 * int(sample_rate * duration / 1000)}
    back = samples_of(*parts)
    assert fidelity(sent.astype(np.float64), back, sample_rate) > 12


@pytest.mark.parametrize("application", ["voip", "audio", "lowdelay"])
def test_both_engines_make_the_same_packets(application: OpusApplication) -> None:
    asked = OpusSettings(application=application, bit_rate=40_000, complexity=3)
    libopus, through_av = (
        packets_of(engine_of(name), vowels(24_000, 0.4), 24_000, asked) for name in ENGINES
    )
    assert libopus == through_av


def test_both_decoders_give_the_same_samples_at_the_codec_rate() -> None:
    packets = packets_of(engine_of("libopus"), vowels(48_000, 0.5), 48_000)
    libopus, through_av = (engine_of(name).decoder(48_000) for name in ENGINES)
    assert [libopus.decode(one) for one in packets] == [through_av.decode(one) for one in packets]


@pytest.mark.parametrize("sample_rate", OPUS_RATES[:-1])
def test_the_engines_differ_by_less_than_the_codec_does(sample_rate: int) -> None:
    sent = vowels(sample_rate, 2.0)
    packets = packets_of(engine_of("libopus"), sent, sample_rate)
    direct, through_av = (
        samples_of(*map(engine_of(name).decoder(sample_rate).decode, packets)) for name in ENGINES
    )
    between = compare(direct, through_av, sample_rate)
    by_codec = compare(sent.astype(np.float64), direct, sample_rate)
    assert between.spectral_distance < by_codec.spectral_distance
    assert between.noise_to_mask < by_codec.noise_to_mask
    assert abs(between.gain) < 0.2
    assert 0 <= between.delay < 35


def test_packets_of_changing_length_are_one_stream(engine: OpusEngine) -> None:
    decoder = engine.decoder(24_000)
    for duration in (20, 2.5, 120, 5, 60, 2.5, 2.5, 10):
        packet = packets_of(engine, tone(24_000, 0.12), 24_000, duration=duration)[0]
        assert len(decoder.decode(packet)) == 2 * int(24 * duration)


@pytest.mark.parametrize("sample_rate", OPUS_RATES)
def test_stereo_is_mixed_down(engine: OpusEngine, sample_rate: int) -> None:
    left = tone(48_000, 0.4)
    both = np.stack((left, np.zeros_like(left)))
    decoder = engine.decoder(sample_rate)
    back = samples_of(*map(decoder.decode, stereo_packets(both)))
    assert len(back) == 0.4 * sample_rate
    assert strength(back[len(back) // 2 :]) == pytest.approx(8000 / 2 / np.sqrt(2), rel=0.1)


def stereo_packets(both: Samples) -> Iterator[bytes]:
    codec = av.CodecContext.create("libopus", "w")
    codec.format, codec.layout, codec.sample_rate = "s16", "stereo", 48_000
    codec.bit_rate, codec.time_base = 128_000, Fraction(1, 48_000)
    for start in range(0, both.shape[1], 960):
        interleaved = np.ascontiguousarray(both[:, start : start + 960].T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout="stereo")
        frame.sample_rate = 48_000
        encode = cast(Callable[[av.AudioFrame], list[Buffer]], codec.encode)  # pyright: ignore[reportUnknownMemberType]  # Packet is generic
        yield from map(bytes, encode(frame))


NOT_OPUS = {
    "empty": b"",
    "no frames (RFC 6716, R7)": b"\x03\x00",
    "more than 120 ms (R5)": b"\x03\x3f" + bytes(63),
    "two frames of one size in an odd length (R3)": b"\x01" + bytes(5),
    "a size beyond the end (R4)": b"\x02\xfa" + bytes(3),
    "a frame above 1,275 bytes (R2)": bytes(1 + 1276),
    "far too long": bytes(70_000),
}


@pytest.mark.parametrize("payload", NOT_OPUS.values(), ids=NOT_OPUS)
def test_what_is_no_opus_is_a_value_error_and_the_stream_goes_on(
    engine: OpusEngine, payload: bytes
) -> None:
    good = packets_of(engine, tone(16_000, 0.4), 16_000)
    decoder = engine.decoder(16_000)
    before = [decoder.decode(packet) for packet in good[:10]]
    with pytest.raises(ValueError, match=r"is no Opus packet: |the payload is empty"):
        decoder.decode(payload)
    after = samples_of(*map(decoder.decode, good[10:]))
    assert len(before) == 10
    assert strength(after) == pytest.approx(8000 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("payload", NOT_OPUS.values(), ids=NOT_OPUS)
def test_nothing_is_recovered_from_what_is_no_opus(payload: bytes) -> None:
    decoder = engine_of("libopus").decoder(16_000)
    with pytest.raises(ValueError, match=r"is no Opus packet: |the payload is empty"):
        decoder.recover(payload, 320)


@pytest.fixture(scope="module", params=[(name, rate) for name in ENGINES for rate in (8000, 48000)])
def hardened(request: pytest.FixtureRequest) -> OpusDecoder:
    """A decoder that has been through much."""
    name, sample_rate = request.param
    return engine_of(name).decoder(sample_rate)


@settings(max_examples=125, deadline=None)
@given(payloads=st.lists(st.binary(max_size=300), min_size=10, max_size=10))
def test_garbage_is_sound_or_a_value_error(hardened: OpusDecoder, payloads: list[bytes]) -> None:
    """5,000 payloads in all, into decoders that go on from one to the next."""
    decoder, sample_rate = hardened, hardened.sample_rate
    for payload in payloads:
        try:
            recovered = decoder.recover(payload, sample_rate // 50)
            pcm = decoder.decode(payload)
        except ValueError:
            continue
        assert len(recovered) == 2 * sample_rate // 50
        assert len(pcm) % (2 * sample_rate // 400) == 0
        assert sample_rate // 200 <= len(pcm) <= 2 * 0.12 * sample_rate


@pytest.mark.parametrize("damage", [1, 7, 40])
def test_damaged_packets_are_sound_or_a_value_error(engine: OpusEngine, damage: int) -> None:
    rng = np.random.default_rng(damage)
    decoder = engine.decoder(24_000)
    heard = 0
    for packet in packets_of(engine, vowels(24_000, 2.0), 24_000, SPEECH):
        damaged = bytearray(packet)
        for place in rng.integers(0, len(packet), damage):
            damaged[place] = int(rng.integers(256))
        try:
            heard += len(decoder.decode(bytes(damaged))) > 0
        except ValueError:
            continue
    assert heard


@pytest.mark.parametrize("settings", [OpusSettings(), SPEECH], ids=["CELT", "SILK"])
def test_reset_begins_a_stream(engine: OpusEngine, settings: OpusSettings) -> None:
    frames = cut(vowels(24_000, 0.2), 480)
    encoder = engine.encoder(24_000, settings)
    first = [encoder.encode(frame) for frame in frames]
    assert [encoder.encode(frame) for frame in frames] != first
    encoder.reset()
    assert [encoder.encode(frame) for frame in frames] == first


def test_settings_reach_the_encoder(engine: OpusEngine) -> None:
    packets = {
        asked: b"".join(packets_of(engine, vowels(24_000, 1.0), 24_000, asked))
        for asked in (
            SPEECH,
            OpusSettings(application="voip", bit_rate=32_000, complexity=0),
            OpusSettings(application="voip", bit_rate=24_000, complexity=5),
            OpusSettings(application="audio", bit_rate=32_000, complexity=5),
            OpusSettings(application="lowdelay", bit_rate=32_000, complexity=5),
            OpusSettings(application="voip", bit_rate=32_000, complexity=5, expected_loss=20),
        )
    }
    assert len(set(packets.values())) == len(packets)


@pytest.mark.parametrize("dtx", [False, True])
def test_silence_becomes_packets_that_need_not_be_sent_when_asked_for(dtx: bool) -> None:
    quiet = np.zeros(24_000, np.int16)
    asked = OpusSettings(application="voip", bit_rate=24_000, dtx=dtx)
    sizes = [len(packet) for packet in packets_of(engine_of("libopus"), quiet, 24_000, asked)]
    assert (sizes.count(1) > 20) is dtx


@pytest.mark.parametrize("bit_rate", [24_000, 64_000, 128_000])
def test_the_bit_rate_is_kept_on_noise(engine: OpusEngine, bit_rate: int) -> None:
    noise = np.random.default_rng(1).normal(0, 3000, 48_000).astype("<i2")
    packets = packets_of(engine, noise, 24_000, OpusSettings(bit_rate=bit_rate))
    assert 4 * sum(map(len, packets)) == pytest.approx(bit_rate, rel=0.15)


def test_an_illegal_length_names_those_that_are_legal(engine: OpusEngine) -> None:
    encoder = engine.encoder(24_000, OpusSettings())
    for pcm in (b"", bytes(959), bytes(962), bytes(1440), bytes(2 * 24 * 140)):
        with pytest.raises(ValueError, match=r"a frame is \d+ bytes.*2\.5, 5, 10, 20"):
            encoder.encode(pcm)
    assert encoder.encode(bytes(960))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bit_rate": 5999}, "bit_rate is 5999; allowed: 6000 to 510000"),
        ({"bit_rate": 510_001}, "bit_rate is 510001"),
        ({"complexity": 11}, "complexity is 11; allowed: 0 to 10"),
        ({"expected_loss": -1}, "expected_loss is -1; allowed: 0 to 100"),
        ({"application": "music"}, "application is 'music'; allowed: voip, audio, lowdelay"),
    ],
)
def test_settings_that_opus_does_not_know_are_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OpusSettings(**fields)  # type: ignore[arg-type]  # wrong on purpose


def test_a_rate_that_opus_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="sample rate is 44100; allowed: "):
        opus_decoder(44_100)
    with pytest.raises(ValueError, match="sample rate is 22050; allowed: "):
        opus_encoder(22_050)


def test_the_delay_is_told_by_the_library() -> None:
    library = Libopus(next(libopus_paths()))
    assert LibopusEncoder(library, 24_000, OpusSettings()).lookahead == 60  # 2.5 ms
    assert LibopusEncoder(library, 24_000, SPEECH).lookahead == 156  # 6.5 ms


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_codec_objects_that_are_dropped_leave_no_memory_behind() -> None:
    engine = engine_of("libopus")
    make_and_drop(engine, 500)
    before = resident()
    make_and_drop(engine, 10_000)
    assert resident() - before < 8 << 20  # 10,000 states are 470 MiB


def make_and_drop(engine: OpusEngine, count: int) -> None:
    frame = tone(24_000, 0.02).tobytes()
    for _ in range(count):
        packet = engine.encoder(24_000, OpusSettings()).encode(frame)
        engine.decoder(24_000).decode(packet)


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_nothing_is_loaded_before_the_first_codec_and_av_never_beside_libopus() -> None:
    program = """
import sys
import antiphon, antiphon.transports.opus as opus
def mapped(): return "libopus" in open("/proc/self/maps").read()
print("av" in sys.modules, mapped())
opus.opus_decoder(24000)
print("av" in sys.modules, mapped())
"""
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=15
    ).stdout
    assert output.split() == ["False", "False", "False", "True"]


@pytest.fixture
def fresh_choice() -> Iterator[None]:
    opus_engine.cache_clear()
    yield
    opus_engine.cache_clear()


@pytest.mark.usefixtures("fresh_choice")
def test_the_choice_is_made_once_and_told_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "antiphon"):
        assert isinstance(opus_decoder(24_000), LibopusDecoder)
        assert isinstance(opus_encoder(24_000), LibopusEncoder)
    assert [record.levelname for record in caplog.records] == ["DEBUG"]
    assert "Opus by libopus 1." in caplog.text


@pytest.mark.usefixtures("fresh_choice")
def test_without_the_library_it_goes_through_pyav_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(opus, "libopus_paths", lambda: iter(()))
    encoder, decoder = opus_encoder(24_000), opus_decoder(24_000)
    assert opus_engine().name == "PyAV"
    assert len(decoder.decode(encoder.encode(bytes(960)))) == 960
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "no library found" in caplog.text


def test_the_bundled_library_is_found_before_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", {"opus": "libopus.so.0"}.get)
    *bundled, system = libopus_paths()
    assert system == "libopus.so.0"
    assert bundled
    assert all("av.libs" in path for path in bundled)
    monkeypatch.setattr(importlib.util, "find_spec", {"av": None}.get)
    assert list(libopus_paths()) == ["libopus.so.0"]


def test_a_library_that_is_not_libopus_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    text = tmp_path / "libopus-0.so"
    text.write_text("no library")
    good = next(libopus_paths())
    others = [str(tmp_path / "absent.so"), str(text), "libc.so.6"]
    monkeypatch.setattr(opus, "libopus_paths", lambda: iter([*others, good]))
    assert choose_engine().name.startswith("libopus")
    monkeypatch.setattr(opus, "libopus_paths", lambda: iter(others))
    assert choose_engine().name == "PyAV"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert all(path in caplog.text for path in others)


class Halving(LibopusDecoder):
    """A decoder as of a library that is not what it seems."""

    def decode(self, payload: bytes) -> bytes:
        return (np.frombuffer(super().decode(payload), "<i2") // 2).tobytes()


def test_the_self_test_hears_wrong_length_and_wrong_strength() -> None:
    good = engine_of("libopus")
    check_engine(good)
    with pytest.raises(RuntimeError, match="7680 samples came back of 3840"):
        check_engine(OpusEngine("long", lambda rate: good.decoder(2 * rate), good.encoder))
    library = Libopus(next(libopus_paths()))
    with pytest.raises(RuntimeError, match=r"a tone came back 0\.5\d times as strong"):
        check_engine(OpusEngine("weak", lambda rate: Halving(library, rate), good.encoder))
