import numpy as np
import pytest

from antiphon.handlers.verify.mel import BANDS, HOP, RATE, Floats, mel_powers


def noise(size: int) -> Floats:
    return (0.1 * np.random.default_rng(1).standard_normal(size)).astype(np.float32)


def by_definition(speech: Floats, frame: int) -> list[float]:
    """One frame, from the definitions alone: a sum for each bin, a triangle for each band."""
    window = [0.5 - 0.5 * np.cos(2 * np.pi * n / 400) for n in range(400)]
    heard = [
        window[n] * speech[at] if 0 <= (at := frame * 160 - 200 + n) < len(speech) else 0.0
        for n in range(400)
    ]
    powers = [
        abs(np.sum(heard * np.exp(-2j * np.pi * np.arange(400) * k / 400))) ** 2 for k in range(201)
    ]
    top = 15 + np.log(8) / (np.log(6.4) / 27)
    mels = [top * i / (BANDS + 1) for i in range(BANDS + 2)]
    edges = [m * 200 / 3 if m < 15 else 1000 * np.exp((m - 15) * np.log(6.4) / 27) for m in mels]
    return [
        sum(
            power * max(0, min((k * 40 - low) / (middle - low), (high - k * 40) / (high - middle)))
            for k, power in enumerate(powers)
        )
        * 2
        / (high - low)
        for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False)
    ]


@pytest.mark.parametrize("frame", [0, 1, 7, 24, 25, 26])
def test_a_frame_is_what_the_definitions_make_of_it(frame: int) -> None:
    speech = noise(25 * HOP)  # frames 24 to 26 reach beyond its end, frame 0 before its beginning
    found = mel_powers(speech, 27)[frame]
    assert found == pytest.approx(np.array(by_definition(speech, frame)), rel=1e-4, abs=1e-9)


def test_a_tone_is_in_its_band_and_as_strong_as_its_power() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    found = mel_powers(tone, 100)[50]
    edges = 200 / 3 * np.arange(BANDS + 2) * (15 + 27 * np.log(8) / np.log(6.4)) / (BANDS + 1)
    assert edges[np.argmax(found)] < 440 < edges[np.argmax(found) + 2]
    assert mel_powers(2 * tone, 100)[50] == pytest.approx(4 * found, rel=1e-5)


def test_what_is_computed_in_blocks_is_the_same_as_at_once() -> None:
    long = noise(1200 * HOP)
    assert mel_powers(long, 1201)[600:700] == pytest.approx(
        mel_powers(long[590 * HOP :], 150)[10:110], rel=1e-4
    )


def test_beyond_the_end_is_silence() -> None:
    assert not mel_powers(noise(HOP), 20)[4:].any()
