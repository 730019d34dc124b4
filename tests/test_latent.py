"""The region that latent vectors fill: moments, principal axes, distances."""

import numpy as np
import pytest
from scipy import stats

from digits.analysis.latent import gaussian as latent

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[2.0, 0.8, 0.0], [0.8, 1.0, -0.3], [0.0, -0.3, 0.5]])
VECTORS = np.random.default_rng(1).multivariate_normal(MEAN, COVARIANCE, 400).astype(np.float32)


def test_mean_covariance_and_correlation_are_numpy_s() -> None:
    region, values = latent.describe(VECTORS), VECTORS.astype(float)
    assert np.allclose(region.mean, values.mean(axis=0))
    assert np.allclose(region.covariance, np.cov(values.T))
    assert np.allclose(region.deviation, values.std(axis=0, ddof=1))
    assert np.allclose(region.correlation, np.corrcoef(values.T))


def test_tables_and_figures_count_axes_from_1_and_each_pair_once() -> None:
    region, correlation = latent.describe(VECTORS), np.corrcoef(VECTORS.astype(float).T)
    pairs = correlation[[0, 0, 1], [1, 2, 2]]
    values = np.linalg.eigvalsh(np.cov(VECTORS.astype(float).T))
    assert region.axes["axis"].tolist() == [1, 2, 3]
    assert region.correlation_table[["axis", "other"]].to_numpy().tolist() == [[1, 2], [1, 3], [2, 3]]
    assert np.allclose(region.correlation_table["correlation"], pairs)
    assert region.figures == pytest.approx(
        {
            "distance_of_mean": np.sqrt((VECTORS.astype(float).mean(axis=0) ** 2).sum()),
            "mean_deviation": VECTORS.astype(float).std(axis=0, ddof=1).mean(),
            "mean_correlation": np.abs(pairs).mean(),
            "largest_correlation": np.abs(pairs).max(),
            "participation_ratio": values.sum() ** 2 / (values**2).sum(),
        }
    )


def test_an_axis_that_never_varies_is_correlated_with_none() -> None:
    vectors = VECTORS.copy()
    vectors[:, 1] = 3
    region = latent.describe(vectors)
    assert region.correlation[1].tolist() == [0, 1, 0]
    assert np.isfinite(list(region.figures.values())).all()


def test_a_latent_space_may_have_one_axis() -> None:
    region = latent.describe(VECTORS[:, :1])
    assert region.covariance.shape == (1, 1)
    assert len(region.correlation_table) == 0
    assert region.figures["mean_correlation"] == region.figures["largest_correlation"] == 0
    assert region.figures["participation_ratio"] == 1


def test_principal_axes_are_the_eigenvectors_with_a_sign_of_their_own() -> None:
    region = latent.describe(VECTORS)
    assert np.allclose(region.covariance @ region.directions, region.directions * region.eigenvalues)
    assert (np.diff(region.eigenvalues) < 0).all()
    assert (region.directions.max(axis=0) == np.abs(region.directions).max(axis=0)).all()


def test_distances_are_mahalanobis_s() -> None:
    region, values = latent.describe(VECTORS), VECTORS.astype(float)
    centred = values - values.mean(axis=0)
    expected = np.einsum("na,ab,nb->n", centred, np.linalg.inv(np.cov(values.T)), centred)
    assert np.allclose(region.squared_distances(values), expected)
    inside = (expected <= stats.chi2.ppf(0.9, 3)).mean()
    assert region.share_inside(values, 0.9) == pytest.approx(inside)
    assert inside == pytest.approx(0.9, abs=0.05)


def test_whitened_vectors_have_unit_covariance_and_come_back() -> None:
    region = latent.describe(VECTORS)
    whitened = region.whiten(VECTORS)
    assert np.allclose(np.cov(whitened.T), np.eye(3))
    assert np.allclose(region.unwhiten(whitened), VECTORS, atol=1e-5)


def test_outside_the_space_that_a_singular_covariance_spans_all_is_infinitely_far() -> None:
    vectors = VECTORS.astype(float)
    vectors[:, 2] = vectors[:, 0] - vectors[:, 1]
    region = latent.describe(vectors)
    assert region.rank == 2
    assert np.allclose(
        region.squared_distances(vectors), latent.describe(vectors[:, :2]).squared_distances(vectors[:, :2])
    )
    assert np.isinf(region.squared_distances(vectors[:1] + np.array([0, 0, 1]))).all()
    assert region.radius(0.5) ** 2 == pytest.approx(stats.chi2.median(2))


def test_one_vector_is_a_region_without_extent() -> None:
    region = latent.describe(VECTORS[:1])
    assert not region.covariance.any()
    assert region.rank == region.participation_ratio == 0


def test_the_reencoding_error_is_relative_to_the_length_of_the_vector() -> None:
    vectors = np.array([[3.0, 4.0], [0.0, 2.0], [1.0, 1.0]])
    reencoded = np.array([[3.0, 4.0], [0.0, 0.0], [1.0, 3.0]])
    assert np.allclose(latent.reencoding_error(vectors, reencoded), [0, 1, 2 / np.sqrt(2)])
