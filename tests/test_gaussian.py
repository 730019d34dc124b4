"""Gaussians: moments, principal axes, distances, ellipses."""

import numpy as np
import pytest
from scipy import stats

from digits.analysis.latent.gaussian import Gaussian, fit_gaussian

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[2.0, 0.8, 0.0], [0.8, 1.0, -0.3], [0.0, -0.3, 0.5]])
VECTORS = np.random.default_rng(1).multivariate_normal(MEAN, COVARIANCE, 400).astype(np.float32)
TWO_AXES = np.array([[2.0, 0.9], [0.9, 1.0]])
POINTS = np.random.default_rng(1).multivariate_normal([3, -1], TWO_AXES, 4000)


def test_mean_covariance_and_correlation_match_numpy() -> None:
    gaussian, values = fit_gaussian(VECTORS), VECTORS.astype(float)
    assert np.allclose(gaussian.mean, values.mean(axis=0))
    assert np.allclose(gaussian.covariance, np.cov(values.T))
    assert np.allclose(gaussian.standard_deviation, values.std(axis=0, ddof=1))
    assert np.allclose(gaussian.correlation, np.corrcoef(values.T))


def test_the_summary_counts_each_pair_of_axes_once() -> None:
    gaussian, correlation = fit_gaussian(VECTORS), np.corrcoef(VECTORS.astype(float).T)
    pairs = correlation[[0, 0, 1], [1, 2, 2]]
    values = np.linalg.eigvalsh(np.cov(VECTORS.astype(float).T))
    assert gaussian.correlation_table[["axis", "other"]].to_numpy().tolist() == [[1, 2], [1, 3], [2, 3]]
    assert np.allclose(gaussian.correlation_table["correlation"], pairs)
    assert gaussian.summary == pytest.approx(
        {
            "distance_of_mean": np.sqrt((VECTORS.astype(float).mean(axis=0) ** 2).sum()),
            "mean_deviation": VECTORS.astype(float).std(axis=0, ddof=1).mean(),
            "mean_correlation": np.abs(pairs).mean(),
            "largest_correlation": np.abs(pairs).max(),
            "participation_ratio": values.sum() ** 2 / (values**2).sum(),
        }
    )


def test_a_constant_axis_has_no_correlation() -> None:
    vectors = VECTORS.copy()
    vectors[:, 1] = 3
    gaussian = fit_gaussian(vectors)
    assert gaussian.correlation[1].tolist() == [0, 1, 0]
    assert np.isfinite(list(gaussian.summary.values())).all()


def test_a_latent_space_may_have_one_axis() -> None:
    gaussian = fit_gaussian(VECTORS[:, :1])
    assert gaussian.covariance.shape == (1, 1)
    assert len(gaussian.correlation_table) == 0
    assert gaussian.summary["mean_correlation"] == gaussian.summary["largest_correlation"] == 0
    assert gaussian.summary["participation_ratio"] == 1


def test_principal_axes_are_eigenvectors_with_a_fixed_sign() -> None:
    gaussian = fit_gaussian(VECTORS)
    assert np.allclose(gaussian.covariance @ gaussian.directions, gaussian.directions * gaussian.eigenvalues)
    assert (np.diff(gaussian.eigenvalues) < 0).all()
    assert (gaussian.directions.max(axis=0) == np.abs(gaussian.directions).max(axis=0)).all()


def test_distances_are_mahalanobis_distances() -> None:
    gaussian, values = fit_gaussian(VECTORS), VECTORS.astype(float)
    centred = values - values.mean(axis=0)
    expected = np.einsum("na,ab,nb->n", centred, np.linalg.inv(np.cov(values.T)), centred)
    assert np.allclose(gaussian.squared_distances(values), expected)
    inside = (expected <= stats.chi2.ppf(0.9, 3)).mean()
    assert gaussian.fraction_inside(values, 0.9) == pytest.approx(inside)
    assert inside == pytest.approx(0.9, abs=0.05)


def test_whitening_gives_unit_covariance_and_can_be_undone() -> None:
    gaussian = fit_gaussian(VECTORS)
    whitened = gaussian.whiten(VECTORS)
    assert np.allclose(np.cov(whitened.T), np.eye(3))
    assert np.allclose(gaussian.unwhiten(whitened), VECTORS, atol=1e-5)


def test_vectors_outside_a_degenerate_gaussian_are_infinitely_far() -> None:
    vectors = VECTORS.astype(float)
    vectors[:, 2] = vectors[:, 0] - vectors[:, 1]
    gaussian = fit_gaussian(vectors)
    assert gaussian.rank == 2
    assert np.allclose(
        gaussian.squared_distances(vectors), fit_gaussian(vectors[:, :2]).squared_distances(vectors[:, :2])
    )
    assert np.isinf(gaussian.squared_distances(vectors[:1] + np.array([0, 0, 1]))).all()
    assert gaussian.radius(0.5) ** 2 == pytest.approx(stats.chi2.median(2))


def test_a_single_vector_has_no_variance() -> None:
    gaussian = fit_gaussian(VECTORS[:1])
    assert not gaussian.covariance.any()
    assert gaussian.rank == gaussian.summary["participation_ratio"] == 0


def flat(covariance: np.ndarray | list[list[float]]) -> Gaussian:
    return Gaussian(np.array([3.0, -1.0]), np.array(covariance, dtype=float))


def test_half_axes_and_angle_match_the_eigenvectors() -> None:
    gaussian = flat(TWO_AXES)
    values, vectors = np.linalg.eigh(TWO_AXES)
    assert gaussian.half_axes_of(0.95) == pytest.approx(np.sqrt(stats.chi2.ppf(0.95, 2) * values[::-1]))
    longest = vectors[:, 1]
    assert np.tan(gaussian.angle) == pytest.approx(longest[1] / longest[0])


@pytest.mark.parametrize(
    ("covariance", "degrees"),
    [
        ([[4, 0], [0, 1]], 0),
        ([[1, 0], [0, 4]], 90),
        ([[1, 0.5], [0.5, 1]], 45),
        ([[1, -0.5], [-0.5, 1]], -45),
    ],
)
def test_the_angle_is_that_of_the_longer_axis(covariance: list[list[float]], degrees: float) -> None:
    assert np.degrees(flat(covariance).angle) == pytest.approx(degrees)


def test_an_ellipse_lies_at_the_quantile_and_contains_the_fraction() -> None:
    gaussian, inverse = flat(TWO_AXES), np.linalg.inv(TWO_AXES)
    offsets = gaussian.contour(0.9, 50) - gaussian.mean
    assert np.allclose(np.einsum("na,ab,nb->n", offsets, inverse, offsets), stats.chi2.ppf(0.9, 2))
    assert gaussian.fraction_inside(POINTS, 0.9) == pytest.approx(0.9, abs=0.02)
    squared = np.einsum("na,ab,nb->n", POINTS - gaussian.mean, inverse, POINTS - gaussian.mean)
    assert gaussian.fraction_inside(POINTS, 0.9) == (squared <= stats.chi2.ppf(0.9, 2)).mean()


def test_the_ellipse_of_a_pair_is_that_of_its_covariance() -> None:
    pair = Gaussian(MEAN, COVARIANCE).marginal((2, 0))
    assert np.array_equal(pair.mean, [0.5, 1])
    assert np.array_equal(pair.covariance, np.diag([0.5, 2]))


def test_an_ellipse_of_a_line_has_no_width() -> None:
    gaussian = flat([[1, 2], [2, 4]])
    assert gaussian.half_axes_of(0.99)[1] == pytest.approx(0, abs=1e-6)
    assert np.tan(gaussian.angle) == pytest.approx(2)
