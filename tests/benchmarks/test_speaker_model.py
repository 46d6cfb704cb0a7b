import numpy as np
import pytest

from benchmarks.speaker_model import discriminant, mixture_of


def test_a_mixture_finds_the_clouds_that_made_the_frames() -> None:
    rng = np.random.default_rng(1)
    clouds = [rng.normal((0, 0), 1, (3000, 2)), rng.normal((9, 3), (2, 0.5), (1000, 2))]
    found = mixture_of(rng, np.concatenate(clouds).astype(np.float32), 2, rounds=20)
    order = np.argsort(found.means[:, 0])
    assert found.means[order] == pytest.approx(np.array([[0, 0], [9, 3]]), abs=0.1)
    assert found.variances[order] == pytest.approx(np.array([[1, 1], [4, 0.25]]), rel=0.1)
    assert found.shares[order] == pytest.approx(np.array([0.75, 0.25]), abs=0.01)


def test_a_discriminant_keeps_what_tells_speakers_apart_and_drops_what_one_varies_in() -> None:
    rng = np.random.default_rng(2)
    speakers = np.repeat(np.arange(40), 25)
    vectors = rng.normal(0, (0.1, 5, 0.1, 5, 0.1, 0.1), (1000, 6))
    vectors[:, [0, 2]] += rng.normal(0, 3, (40, 2))[speakers]
    trained = discriminant(
        vectors.astype(np.float32), speakers, components=6, dimension=2, shrinkage=0.01
    )
    embeddings = trained.embeddings(vectors.astype(np.float32))
    means = np.array([embeddings[speakers == one].mean(axis=0) for one in range(40)])
    within = (embeddings - means[speakers]).var()
    assert embeddings.shape == (1000, 2)
    assert embeddings.mean(axis=0) == pytest.approx(0, abs=1e-3)
    assert means.var() > 3 * within
    strength = np.abs(trained.projection).max(axis=1)
    assert strength[[1, 3]].max() < 0.2 * strength[[0, 2]].min()
