"""Principal components, against the singular value decomposition."""

import numpy as np
import pytest

from digits.analysis.latent import pca as projection
from digits.analysis.latent.pca import Projection

RNG = np.random.default_rng(2)
MIXING = RNG.normal(size=(6, 6)) * np.array([5, 3, 1, 0.5, 0.2, 0.1])[:, None]
TRAIN = (RNG.normal(size=(300, 6)) @ MIXING + 4).astype(np.float32)
TEST = (RNG.normal(size=(50, 6)) @ MIXING + 4).astype(np.float32)


def with_spectrum(*shares: float) -> Projection:
    return Projection(np.array(shares), np.zeros(len(shares)), np.eye(2, len(shares)))


def test_components_are_those_of_the_singular_value_decomposition() -> None:
    mean = TRAIN.astype(float).mean(axis=0)
    _, singular, directions = np.linalg.svd(TRAIN - mean, full_matrices=False)
    result = projection.fit(TRAIN)
    assert np.allclose(result.spectrum, singular**2 / (singular**2).sum())
    coordinates, found = (TEST - mean) @ directions[:2].T, result.apply(TEST)
    signs = np.sign((coordinates * found).sum(axis=0))
    assert np.allclose(found, coordinates * signs, atol=1e-3)
    assert found.dtype == np.float32


def test_what_is_fitted_is_centred() -> None:
    assert np.allclose(projection.fit(TRAIN).apply(TRAIN).mean(axis=0), 0, atol=1e-4)


def test_shares_have_names_and_a_sum() -> None:
    shares = with_spectrum(0.5, 0.2, 0.3).shares
    assert shares == {"first": 0.5, "second": 0.2, "both": pytest.approx(0.7)}


def test_components_are_counted_up_to_a_share() -> None:
    result = with_spectrum(0.5, 0.3, 0.15, 0.05)
    assert [result.count(share) for share in (0.4, 0.7, 0.9, 1.0)] == [1, 2, 3, 4]


def test_the_participation_ratio_is_that_of_equal_variances() -> None:
    assert with_spectrum(0.25, 0.25, 0.25, 0.25).participation_ratio == pytest.approx(4)
    assert with_spectrum(1.0, 0.0).participation_ratio == pytest.approx(1)
    assert with_spectrum(0.75, 0.25).participation_ratio == pytest.approx(1.6)


def test_one_axis_is_projected_too() -> None:
    result = projection.fit(TRAIN[:, :1])
    assert result.spectrum.tolist() == [1]
    found = result.apply(TEST[:, :1])
    assert np.allclose(np.abs(found[:, 0]), np.abs(TEST[:, 0] - TRAIN[:, 0].mean()), atol=1e-5)
    assert not found[:, 1].any()
