"""Principal components, against the singular value decomposition."""

import numpy as np
import pytest

from stages.analysis import projection

RNG = np.random.default_rng(2)
MIXING = RNG.normal(size=(6, 6)) * np.array([5, 3, 1, 0.5, 0.2, 0.1])[:, None]
TRAIN = (RNG.normal(size=(300, 6)) @ MIXING + 4).astype(np.float32)
TEST = (RNG.normal(size=(50, 6)) @ MIXING + 4).astype(np.float32)


def test_components_are_those_of_the_singular_value_decomposition() -> None:
    mean = TRAIN.astype(float).mean(axis=0)
    _, singular, directions = np.linalg.svd(TRAIN - mean, full_matrices=False)
    result = projection.fit(TRAIN, TEST)
    assert np.allclose(result.explained, singular[:2] ** 2 / (singular**2).sum())
    coordinates = (TEST - mean) @ directions[:2].T
    signs = np.sign((coordinates * result.test).sum(axis=0))
    assert np.allclose(result.test, coordinates * signs, atol=1e-3)
    assert result.test.dtype == np.float32


def test_the_test_set_has_no_part_in_the_fit() -> None:
    whole, half = projection.fit(TRAIN, TEST), projection.fit(TRAIN, TEST[:20] * 1)
    assert np.array_equal(whole.explained, half.explained)
    assert np.allclose(whole.test[:20], half.test)


def test_shares_have_names_and_a_sum() -> None:
    result = projection.Projection(np.array([0.5, 0.2]), TEST[:, :2])
    assert result.shares == {"first": 0.5, "second": 0.2, "both": pytest.approx(0.7)}


def test_one_axis_is_projected_too() -> None:
    result = projection.fit(TRAIN[:, :1], TEST[:, :1])
    assert result.explained.tolist() == [1, 0]
