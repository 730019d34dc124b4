"""Scores of samples: Fréchet distance, nearest neighbours, intervals over seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy import linalg
from scipy.spatial.distance import cdist

from digits.analysis.latent.gaussian import Gaussian, fit_gaussian
from digits.analysis.latent.scores import (
    count_neighbour_votes,
    frechet_distance,
    nearest_distances,
    summarise_seeds,
)

RNG = np.random.default_rng(0)
FIRST, SECOND = RNG.random((300, 4)), RNG.random((300, 4)) @ RNG.normal(size=(4, 4))


def test_without_correlation_the_distance_is_a_sum_over_axes() -> None:
    means, variances = RNG.normal(size=(2, 5)), RNG.random((2, 5))
    expected = sum(
        (means[0, i] - means[1, i]) ** 2 + (variances[0, i] ** 0.5 - variances[1, i] ** 0.5) ** 2
        for i in range(5)
    )
    gaussians = [Gaussian(mean, np.diag(variance)) for mean, variance in zip(means, variances, strict=True)]
    assert frechet_distance(*gaussians) == pytest.approx(expected)


def test_the_distance_matches_the_formula_with_a_matrix_root() -> None:
    first, second = fit_gaussian(FIRST), fit_gaussian(SECOND)
    root = linalg.sqrtm(first.covariance @ second.covariance).real
    expected = ((first.mean - second.mean) ** 2).sum()
    expected += np.trace(first.covariance + second.covariance - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected)
    assert frechet_distance(second, first) == pytest.approx(expected)


def test_the_distance_is_0_or_the_squared_shift() -> None:
    gaussian = fit_gaussian(FIRST)
    assert frechet_distance(gaussian, gaussian) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(gaussian, Gaussian(gaussian.mean + 2, gaussian.covariance)) == pytest.approx(16)


def test_fewer_vectors_than_axes_work() -> None:
    few = fit_gaussian(FIRST[:3])
    assert np.linalg.matrix_rank(few.covariance) == 2
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-7)
    assert frechet_distance(few, Gaussian(few.mean, np.zeros((4, 4)))) == pytest.approx(
        np.trace(few.covariance)
    )
    assert frechet_distance(few, fit_gaussian(SECOND)) > 0


def test_nearest_distances_match_all_pairs() -> None:
    queries, references = np.random.default_rng(7).random((30, 5)), np.random.default_rng(8).random((200, 5))
    assert np.allclose(nearest_distances(queries, references), cdist(queries, references).min(axis=1))
    assert nearest_distances(references[:3], references).tolist() == [0, 0, 0]


LABELS, TEST_LABELS = np.arange(90) % 3, np.arange(12) % 3
SPACE = np.eye(3)[LABELS] * 8 + RNG.normal(size=(90, 3))
TEST = np.eye(3)[TEST_LABELS] * 8 + RNG.normal(size=(12, 3))


def test_votes_are_those_of_the_nearest_neighbours() -> None:
    assert count_neighbour_votes(SPACE, LABELS, TEST, TEST_LABELS) == 12
    assert count_neighbour_votes(SPACE, LABELS, TEST, (TEST_LABELS + 1) % 3) == 0
    assert count_neighbour_votes(SPACE[:3], LABELS[:3], TEST, np.zeros(12, int)) in (0, 12)


def test_an_interval_over_seeds_is_the_t_interval() -> None:
    repeated = pd.DataFrame({"source": "a", "seed": [0, 1, 2], "images": 5, "frechet": [1.0, 2.0, 3.0]})
    row = summarise_seeds(repeated, 0.95).iloc[0]
    assert (row["source"], row["score"], row["mean"]) == ("a", "frechet", 2)
    assert row["high"] - 2 == pytest.approx(4.302653 / 3**0.5)
    assert 2 - row["low"] == pytest.approx(4.302653 / 3**0.5)
