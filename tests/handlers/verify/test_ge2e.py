import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.audio.resample import Resampler
from antiphon.core.errors import ConfigurationError
from antiphon.core.models import SpeakerEncoder
from antiphon.core.speech.enrollment import create_template
from antiphon.core.speech.verification import match
from antiphon.core.speech.voiced import DetectedSpeech
from antiphon.handlers.vad.compact import CompactModel
from antiphon.handlers.verify import ge2e_weights
from antiphon.handlers.verify.ge2e import Ge2eEncoder, stretches
from antiphon.handlers.verify.ge2e_network import network, voices
from antiphon.handlers.verify.ge2e_weights import (
    ge2e_file,
    read_weights,
    weights_hash,
    write_weights,
)
from antiphon.handlers.verify.mel import mel_powers
from tests.handlers.verify.conftest import Say
from tests.handlers.verify.ge2e_by_hand import Doubles, some_weights, voice_by_hand

RATE = 16_000
WEIGHTS = some_weights()
GOLDEN = {82: 0.2086, 189: 0.1945, 122: 0.1912, 150: 0.1783, 48: 0.1699, 62: 0.1696}
"""The strongest figures of a sweep, with the trained weights."""


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ge2eEncoder:
    """With weights that nobody trained."""
    monkeypatch.setattr(ge2e_weights, "WEIGHTS_HASH", weights_hash(WEIGHTS))
    write_weights(tmp_path / "ge2e.npz", WEIGHTS, "")
    return Ge2eEncoder(tmp_path / "ge2e.npz")


@pytest.fixture(scope="session")
def trained() -> Ge2eEncoder:
    """The real weights. Skips where they are not installed, or fails with REQUIRE_GE2E=1."""
    try:
        return Ge2eEncoder()
    except ConfigurationError as error:
        if os.environ.get("REQUIRE_GE2E") == "1":
            pytest.fail(f"{error}, and REQUIRE_GE2E=1 asks for them")
        pytest.skip(str(error))


def sweeping(seconds: float, strength: float = 4000) -> Samples:
    """A voice of a kind, which any version of NumPy makes alike."""
    time = np.arange(round(seconds * RATE)) / RATE
    waves = [np.sin(2 * np.pi * (n * 120 * time + n * 20 * time**2)) / n for n in range(1, 30)]
    swept: Samples = (strength * np.sum(waves, axis=0)).astype("<i2")
    return swept


def by_hand(speech: Samples, weights: ge2e_weights.Weights) -> Doubles:
    """The mean of all stretches, each by itself."""
    sound = (speech / 32768).astype(np.float64)
    sound *= max(1, 10 ** (-30 / 20) / np.sqrt(np.mean(sound**2)))
    starts = stretches(len(sound))
    mels = mel_powers(sound.astype(np.float32), starts[-1] + 160).astype(np.float64)
    voices = [voice_by_hand(mels[start : start + 160], dict(weights)) for start in starts]
    mean: Doubles = np.mean(voices, axis=0)
    return mean / np.linalg.norm(mean)


def test_it_is_what_verification_asks_for(encoder: Ge2eEncoder) -> None:
    asked: SpeakerEncoder = encoder
    assert (asked.name, asked.engine, asked.dimension) == ("ge2e", "ge2e", 256)
    assert asked.blocking
    assert not asked.demonstration
    assert asked.model_hash.hex() == weights_hash(WEIGHTS)[:32]


@pytest.mark.parametrize(
    ("seconds", "starts"),
    [
        (0.1, [0]),
        (1.6, [0]),
        (1.96, [0]),
        (1.98, [0, 77]),
        (3.0, [0, 77, 154]),
        (10.0, list(range(0, 848, 77))),
    ],
)
def test_stretches_of_1_6_s_overlap_and_the_last_is_three_quarters_full(
    seconds: float, starts: list[int]
) -> None:
    assert list(stretches(round(seconds * RATE))) == starts


@pytest.mark.parametrize("seconds", [0.5, 2.3])
@pytest.mark.parametrize("strength", [20, 4000])
def test_an_embedding_is_what_the_definition_makes_of_the_weights(
    encoder: Ge2eEncoder, seconds: float, strength: float
) -> None:
    speech = sweeping(seconds, strength)
    assert encoder.embedding(speech, RATE) == pytest.approx(by_hand(speech, WEIGHTS), abs=1e-5)


@pytest.mark.parametrize(("seconds", "count"), [(4.5, 5), (13.9, 17)])
def test_however_many_stretches_are_heard_together_their_mean_is_the_same(
    encoder: Ge2eEncoder, seconds: float, count: int
) -> None:
    speech = sweeping(seconds)
    starts = stretches(len(speech))
    mels = mel_powers((speech / 32768).astype(np.float32), starts[-1] + 160)
    alone = [voices(mels[np.newaxis, start : start + 160], network(WEIGHTS)) for start in starts]
    mean = np.sum(alone, axis=(0, 1))
    assert len(alone) == count
    assert encoder.embedding(speech, RATE) == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


def test_the_same_samples_give_the_same_figures_in_any_thread(encoder: Ge2eEncoder) -> None:
    speech = sweeping(2.0)
    once = encoder.embedding(speech, RATE)
    with ThreadPoolExecutor(2) as threads:
        again = list(threads.map(encoder.embedding, [speech] * 4, [RATE] * 4))
    assert all(np.array_equal(once, one) for one in again)
    assert once.shape == (256,)
    assert once.dtype == np.float32
    assert np.linalg.norm(once) == pytest.approx(1)


def test_weak_speech_is_raised_and_strong_speech_is_not_lowered(encoder: Ge2eEncoder) -> None:
    raised = [encoder.embedding(sweeping(1.6, strength), RATE) for strength in (100, 200)]
    assert raised[0] @ raised[1] > 0.999
    strong = [encoder.embedding(sweeping(1.6, strength), RATE) for strength in (2000, 8000)]
    assert strong[0] @ strong[1] < 0.999


@pytest.mark.parametrize(
    "samples",
    [np.zeros(RATE, np.int16), np.full(RATE, -32768, np.int16), np.eye(1, RATE, dtype=np.int16)[0]],
)
def test_extreme_sound_still_gives_finite_figures(encoder: Ge2eEncoder, samples: Samples) -> None:
    assert np.isfinite(encoder.embedding(samples, RATE)).all()


@pytest.mark.parametrize("rate", [7999, 192_001])
def test_a_rate_that_is_no_rate_of_speech_is_refused(encoder: Ge2eEncoder, rate: int) -> None:
    with pytest.raises(ValueError, match="8000 to 192000"):
        encoder.embedding(np.ones(200_000, np.int16), rate)


def test_memory_does_not_grow_with_the_stretches(encoder: Ge2eEncoder) -> None:
    speech: Samples = np.tile(sweeping(1.0), 26)  # 32 of them
    encoder.embedding(speech[:RATE], RATE)
    tracemalloc.start()
    encoder.embedding(speech, RATE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6


def test_the_trained_network_is_what_the_definition_makes_of_its_weights(
    trained: Ge2eEncoder, say: Say
) -> None:
    speech = say("en-us", 0)[: 2 * RATE]
    expected = by_hand(speech, read_weights(ge2e_file()))
    assert trained.embedding(speech, RATE) == pytest.approx(expected, abs=1e-4)


def test_the_trained_network_still_makes_the_embeddings_that_its_hash_stands_for(
    trained: Ge2eEncoder,
) -> None:
    found = trained.embedding(sweeping(2.0), RATE)
    assert np.argsort(found)[::-1][:5].tolist() == list(GOLDEN)[:5]
    assert found[list(GOLDEN)] == pytest.approx(np.array(list(GOLDEN.values())), abs=2e-3)


@pytest.mark.parametrize("rate", [8000, 24_000, 48_000])
def test_the_trained_network_hears_one_voice_at_any_rate(
    trained: Ge2eEncoder, say: Say, rate: int
) -> None:
    speech = say("en-us", 0)
    resampler = Resampler(RATE, rate, live=False)
    pcm = resampler.process(speech.tobytes()) + resampler.flush()
    likeness = trained.embedding(np.frombuffer(pcm, "<i2"), rate) @ trained.embedding(speech, RATE)
    assert likeness > (0.8 if rate == 8000 else 0.99)


def test_the_trained_network_tells_voices_apart(trained: Ge2eEncoder, say: Say) -> None:
    templates = {
        (voice, number): create_template(
            say(voice, number), RATE, trained, DetectedSpeech(CompactModel(), RATE)
        )
        for voice in ("en-us", "en-us+f4", "en-us+whisper")
        for number in (0, 1)
    }
    for voice, number in templates:
        one = templates[voice, number]
        own = match(one, templates[voice, 1 - number], trained)
        others = [
            match(one, other, trained) for (name, _), other in templates.items() if name != voice
        ]
        assert own.score > max(other.score for other in others)
