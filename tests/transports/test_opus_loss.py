"""What stands in for lost Opus packets: concealment, and the copies that speech packets carry."""

import numpy as np
import pytest

from antiphon.transports.opus import OpusEngine, OpusSettings
from tests.transports.opus_streams import (
    ENGINES,
    SPEECH,
    engine_of,
    packets_of,
    samples_of,
    snr,
    strength,
    tone,
    vowels,
)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> OpusEngine:
    name: str = request.param
    return engine_of(name)


@pytest.mark.parametrize("settings", [OpusSettings(), SPEECH], ids=["CELT", "SILK"])
@pytest.mark.parametrize("samples", [0, 1, 59, 60, 61, 480, 777, 2880, 2881, 30_000])
def test_concealment_has_exactly_the_samples_asked_for(
    engine: OpusEngine, settings: OpusSettings, samples: int
) -> None:
    packets = packets_of(engine, tone(24_000, 0.2), 24_000, settings)
    decoder = engine.decoder(24_000)
    assert len(decoder.conceal(samples)) == 2 * samples
    assert len(decoder.recover(packets[0], samples)) == 2 * samples
    assert [len(decoder.decode(packet)) for packet in packets] == [960] * 10
    assert len(decoder.conceal(samples)) == 2 * samples


def test_a_negative_count_is_refused(engine: OpusEngine) -> None:
    decoder = engine.decoder(24_000)
    with pytest.raises(ValueError, match="samples is -1; it must not be negative"):
        decoder.conceal(-1)
    packet = packets_of(engine, tone(24_000, 0.02), 24_000)[0]
    with pytest.raises(ValueError, match="samples is -1; it must not be negative"):
        decoder.recover(packet, -1)


@pytest.mark.parametrize("settings", [OpusSettings(), SPEECH], ids=["CELT", "SILK"])
def test_concealment_goes_on_with_the_sound_and_fades(
    engine: OpusEngine, settings: OpusSettings
) -> None:
    decoder = engine.decoder(24_000)
    heard = samples_of(
        *map(decoder.decode, packets_of(engine, vowels(24_000, 0.4), 24_000, settings))
    )
    filled = samples_of(*(decoder.conceal(240) for _ in range(100)))
    assert strength(filled[:240]) > 0.3 * strength(heard[-480:])
    assert strength(filled[-2400:]) < 0.15 * strength(heard[-480:])
    steps = np.abs(np.diff(np.concatenate((heard[-480:], filled[:480]))))
    assert steps[480:].max() <= 2 * steps[:480].max()  # no click


@pytest.mark.parametrize("sample_rate", [8000, 16_000, 24_000, 48_000])
def test_a_lost_frame_is_closer_when_recovered_than_when_concealed(sample_rate: int) -> None:
    engine = engine_of("libopus")
    asked = OpusSettings(application="voip", bit_rate=32_000, complexity=5, expected_loss=20)
    packets = packets_of(engine, vowels(sample_rate, 2.0), sample_rate, asked)
    size = sample_rate // 50
    whole, concealing, recovering = (engine.decoder(sample_rate) for _ in range(3))
    wanted, concealed, recovered = list[bytes](), list[bytes](), list[bytes]()
    for index, packet in enumerate(packets[:-1]):
        pcm = whole.decode(packet)
        if index % 4 != 3:
            concealing.decode(packet)
            recovering.decode(packet)
            continue
        wanted.append(pcm)
        concealed.append(concealing.conceal(size))
        recovered.append(recovering.recover(packets[index + 1], size))
    original = samples_of(*wanted)
    gained = snr(original, samples_of(*recovered)) - snr(original, samples_of(*concealed))
    assert gained > 3


@pytest.mark.parametrize("lost", [960, 2400])
def test_of_a_long_loss_the_copy_is_the_end(lost: int) -> None:
    engine = engine_of("libopus")
    asked = OpusSettings(application="voip", bit_rate=32_000, complexity=5, expected_loss=20)
    packets = packets_of(engine, vowels(16_000, 1.0), 16_000, asked)
    at_once, in_turn, concealing = (engine.decoder(16_000) for _ in range(3))
    for packet in packets[:20]:
        for decoder in (at_once, in_turn, concealing):
            decoder.decode(packet)
    following = packets[20 + lost // 320]
    whole = at_once.recover(following, lost)
    parted = in_turn.conceal(lost - 320) + in_turn.recover(following, 320)
    assert snr(samples_of(parted), samples_of(whole)) > 30  # but for rounding
    assert snr(samples_of(concealing.conceal(lost))[-320:], samples_of(whole)[-320:]) < 20
