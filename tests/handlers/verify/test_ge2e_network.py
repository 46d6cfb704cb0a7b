import numpy as np
import pytest

from antiphon.handlers.verify.ge2e_network import Floats, Network, network, voices
from tests.handlers.verify.ge2e_by_hand import some_weights, voice_by_hand

WEIGHTS = some_weights()
FRAMES = 30


@pytest.fixture(scope="module")
def trained() -> Network:
    return network(WEIGHTS)


def mels(count: int) -> Floats:
    rng = np.random.default_rng(2)
    return (0.5 * rng.standard_normal((count, FRAMES, 40)) ** 2).astype(np.float32)


def test_the_network_is_what_its_definition_makes_of_the_weights(trained: Network) -> None:
    found = voices(mels(3), trained)
    for mel, voice in zip(mels(3), found, strict=True):
        by_hand = voice_by_hand(mel.astype(np.float64), WEIGHTS)
        assert voice == pytest.approx(by_hand, abs=1e-5)
        assert np.count_nonzero(voice) > 50


@pytest.mark.parametrize("count", [1, 2, 5, 16])
def test_stretches_do_not_hear_each_other(trained: Network, count: int) -> None:
    together = voices(mels(count), trained)
    alone = np.concatenate([voices(mel[np.newaxis], trained) for mel in mels(count)])
    assert together == pytest.approx(alone, abs=1e-5)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1)


def test_a_voice_that_is_nothing_is_zeros() -> None:
    mute = WEIGHTS | {"linear.bias": np.full(256, -100, np.float16)}
    assert not voices(mels(2), network(mute)).any()


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ValueError, match=r"lstm.bias_hh_l2 is \(512,\), not \(1024,\)"):
        network(WEIGHTS | {"lstm.bias_hh_l2": np.zeros(512, np.float16)})
    with pytest.raises(ValueError, match=r"linear.bias is missing, not \(256,\)"):
        network({name: array for name, array in WEIGHTS.items() if name != "linear.bias"})
