"""Principal components, against the singular value decomposition."""

import numpy as np
import pytest

from digits.analysis.latent.gaussian import participation_ratio
from digits.analysis.latent.pca import Projection, fit_pca, fit_projection

RNG = np.random.default_rng(2)
MIXING = RNG.normal(size=(6, 6)) * np.array([5, 3, 1, 0.5, 0.2, 0.1])[:, None]
TRAIN = (RNG.normal(size=(300, 6)) @ MIXING + 4).astype(np.float32)
TEST = (RNG.normal(size=(50, 6)) @ MIXING + 4).astype(np.float32)


def with_spectrum(*fractions: float) -> Projection:
    return Projection(np.array(fractions), np.zeros(len(fractions)), np.eye(2, len(fractions)))


def test_components_match_the_singular_value_decomposition() -> None:
    mean = TRAIN.astype(float).mean(axis=0)
    _, singular, directions = np.linalg.svd(TRAIN - mean, full_matrices=False)
    result = fit_projection(TRAIN)
    assert np.allclose(result.spectrum, singular**2 / (singular**2).sum())
    coordinates, found = (TEST - mean) @ directions[:2].T, result.apply(TEST)
    signs = np.sign((coordinates * found).sum(axis=0))
    assert np.allclose(found, coordinates * signs, atol=1e-3)
    assert found.dtype == np.float32


def test_projected_training_vectors_are_centred() -> None:
    assert np.allclose(fit_projection(TRAIN).apply(TRAIN).mean(axis=0), 0, atol=1e-4)


def test_explained_variance_has_names_and_a_sum() -> None:
    explained = with_spectrum(0.5, 0.2, 0.3).explained
    assert explained == {"first": 0.5, "second": 0.2, "both": pytest.approx(0.7)}


def test_components_are_counted_up_to_a_fraction() -> None:
    result = with_spectrum(0.5, 0.3, 0.15, 0.05)
    assert [result.count(share) for share in (0.4, 0.7, 0.9, 1.0)] == [1, 2, 3, 4]


def test_the_participation_ratio_counts_equal_variances() -> None:
    assert participation_ratio(np.full(4, 0.25)) == pytest.approx(4)
    assert participation_ratio(np.array([1.0, 0.0])) == pytest.approx(1)
    assert participation_ratio(np.array([0.75, 0.25])) == pytest.approx(1.6)
    assert participation_ratio(np.zeros(2)) == 0


def test_pca_keeps_dtype_and_no_more_components_than_there_are() -> None:
    assert fit_pca(TRAIN).components_.dtype == np.float32
    assert fit_pca(TRAIN, 4).components_.shape == (4, 6)
    assert fit_pca(TRAIN[:5].astype(float), 10).components_.shape == (5, 6)


def test_one_axis_can_be_projected() -> None:
    result = fit_projection(TRAIN[:, :1])
    assert result.spectrum.tolist() == [1]
    found = result.apply(TEST[:, :1])
    assert np.allclose(np.abs(found[:, 0]), np.abs(TEST[:, 0] - TRAIN[:, 0].mean()), atol=1e-5)
    assert not found[:, 1].any()
