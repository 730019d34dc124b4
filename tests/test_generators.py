"""Generators of latent vectors: moments, supports, seeds; the cube of uniform vectors."""

import numpy as np
import pytest
from scipy import stats

from digits.analysis.latent import generators
from digits.analysis.latent.gaussian import Gaussian, fit_gaussian

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[2.0, 0.8, 0.0], [0.8, 1.0, -0.3], [0.0, -0.3, 0.5]])
GAUSSIAN = Gaussian(MEAN, COVARIANCE)
N = 40_000
FLAT = Gaussian(MEAN, np.diag([2.0, 0.0, 1.0]))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


LATENTS = np.concatenate([rng(1).normal(-5, 0.5, (300, 3)), rng(2).normal(5, 1, (100, 3))])
LABELS = np.repeat([0, 2], [300, 100])


def test_every_generator_depends_on_the_seed_alone() -> None:
    built = generators.build_generators(LATENTS, LABELS, 2, 0.99, rng())
    again = generators.build_generators(LATENTS, LABELS, 2, 0.99, rng())
    for name, draw in built.items():
        assert draw(5, rng(3)).shape == (5, 3), name
        assert np.array_equal(draw(5, rng(3)), again[name](5, rng(3))), name
        assert not np.array_equal(draw(5, rng(3)), draw(5, rng(4))), name


def test_independent_normals_keep_the_axes_and_lose_the_correlation() -> None:
    sampled = generators.sample_independent(GAUSSIAN, N, rng())
    assert np.abs(sampled.mean(axis=0) - MEAN).max() < 0.03
    assert np.abs(np.cov(sampled.T) - np.diag(COVARIANCE.diagonal())).max() < 0.05


def test_truncated_normals_stop_at_two_standard_deviations() -> None:
    sampled = generators.sample_truncated(GAUSSIAN, N, rng())
    shrunk = stats.truncnorm(-2, 2).var()
    assert np.abs(sampled.mean(axis=0) - MEAN).max() < 0.03
    assert np.abs(np.cov(sampled.T) - shrunk * COVARIANCE).max() < 0.05
    assert 1.95 < np.abs(GAUSSIAN.whiten(sampled)).max() <= 2 + 1e-9


def test_the_ellipsoid_is_filled_evenly() -> None:
    sampled = generators.sample_ellipsoid(GAUSSIAN, 0.9, N, rng())
    distance = np.sqrt(GAUSSIAN.squared_distances(sampled)) / np.sqrt(stats.chi2.ppf(0.9, 3))
    assert distance.max() <= 1 + 1e-9
    assert stats.kstest(distance**3, "uniform").statistic < 0.01
    # Each coordinate of a ball of radius 1 in d dimensions has the variance 1 / (d + 2).
    expected = COVARIANCE * stats.chi2.ppf(0.9, 3) / 5
    assert np.abs(np.cov(sampled.T) - expected).max() < 0.05


def test_classes_are_sampled_by_frequency_and_shape() -> None:
    sampled = generators.sample_by_class(LATENTS, LABELS, 4000, rng())
    first = sampled[:, 0] < 0
    assert first.mean() == pytest.approx(0.75, abs=0.03)
    assert np.abs(sampled[first].mean(axis=0) - LATENTS[:300].mean(axis=0)).max() < 0.06
    assert np.abs(sampled[~first].std(axis=0) - LATENTS[300:].std(axis=0)).max() < 0.1


def test_a_class_of_one_vector_gives_that_vector() -> None:
    latents = np.concatenate([LATENTS[:300], [[9.0, 9.0, 9.0]]])
    sampled = generators.sample_by_class(latents, np.repeat([0, 1], [300, 1]), 3000, rng())
    single = sampled[sampled[:, 0] > 5]
    assert len(single) > 0
    assert (single == 9).all()


def test_a_mixture_finds_the_clusters() -> None:
    mixture = generators.fit_mixture(LATENTS, 2, rng())
    assert np.sort(mixture.means_[:, 0]) == pytest.approx([-5, 5], abs=0.4)
    sampled = generators.sample_mixture(mixture, 4000, rng())
    assert (sampled[:, 0] < 0).mean() == pytest.approx(0.75, abs=0.03)
    assert sampled[sampled[:, 0] < 0].std() == pytest.approx(0.5, abs=0.05)


def test_a_mixture_has_no_more_components_than_vectors() -> None:
    assert len(generators.fit_mixture(LATENTS[:4], 20, rng()).weights_) == 4


def test_samples_stay_in_the_subspace_of_a_singular_covariance() -> None:
    for draw in (
        generators.sample_truncated(FLAT, 50, rng()),
        generators.sample_ellipsoid(FLAT, 0.9, 50, rng()),
        generators.sample_independent(FLAT, 50, rng()),
    ):
        assert np.allclose(draw[:, 1], MEAN[1])
        assert np.ptp(draw[:, 0]) > 0


@pytest.mark.parametrize("d", [1, 2])
def test_one_axis_and_a_constant_one_can_be_sampled(d: int) -> None:
    for latents in (LATENTS[:, :d], np.column_stack([LATENTS[:, :d], np.ones(len(LATENTS))])):
        for name, draw in generators.build_generators(latents, LABELS, 3, 0.99, rng()).items():
            assert draw(6, rng()).shape == (6, latents.shape[1]), name
            assert np.isfinite(draw(6, rng())).all(), name


def test_generators_are_fitted_to_the_gaussian_of_the_latents() -> None:
    built, gaussian = generators.build_generators(LATENTS, LABELS, 2, 0.99, rng()), fit_gaussian(LATENTS)
    fitted, cut = (built[name](2000, rng()) for name in ("fitted normal", "truncated normal"))
    assert gaussian.fraction_inside(fitted, 0.99) == pytest.approx(0.99, abs=0.01)
    assert np.abs(fitted.mean(axis=0) - LATENTS.mean(axis=0)).max() < 0.5
    assert np.abs(gaussian.whiten(cut)).max() <= generators.TRUNCATION + 1e-9
    assert np.abs(gaussian.whiten(fitted)).max() > 3


def test_normals_keep_mean_and_covariance() -> None:
    sampled = generators.sample_gaussian(GAUSSIAN, N, rng())
    assert np.abs(sampled.mean(axis=0) - MEAN).max() < 0.03
    assert np.abs(np.cov(sampled.T) - COVARIANCE).max() < 0.05
    assert stats.kstest(GAUSSIAN.squared_distances(sampled), stats.chi2(3).cdf).statistic < 0.01


@pytest.mark.parametrize("d", [16, 64])
def test_lengths_of_uniform_vectors_match_the_formula(d: int) -> None:
    sampled = rng().uniform(-2.5, 2.5, (20_000, d))
    length, spread = generators.expected_length(2.5, d)
    lengths = np.linalg.norm(sampled, axis=1)
    assert lengths.mean() == pytest.approx(length, rel=0.01)
    assert lengths.std() == pytest.approx(spread, rel=0.02)


def test_the_matching_cube_has_the_vectors_mean_square_length() -> None:
    vectors = np.random.default_rng(3).normal(1, 2, (5000, 10))
    side = generators.matching_side(vectors)
    sampled = rng(4).uniform(-side, side, (50_000, 10))
    assert (sampled**2).sum(axis=1).mean() == pytest.approx((vectors**2).sum(axis=1).mean(), rel=0.01)
