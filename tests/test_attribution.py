"""Occlusion and integrated gradients, against closed forms."""

import numpy as np
import pytest

from digits.analysis.saliency import attribution
from tests.helpers import random_images

LABELS = np.array([0, 1, 1, 0, 1], dtype=np.uint8)
WEIGHTS = np.random.default_rng(1).normal(size=(2, 3, 4, 1))


def linear(images: np.ndarray) -> np.ndarray:
    """Two outputs, linear in the pixels."""
    return np.einsum("nijk,cijk->nc", images.astype(np.float64) / 255, WEIGHTS)


def linear_gradient(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return WEIGHTS[labels] / 255


def test_of_a_linear_function_each_value_has_weight_times_ink() -> None:
    images = random_images(5, 3, 4, 1)
    shares = attribution.integrated_gradients(linear_gradient, images, LABELS, steps=1)
    assert shares == pytest.approx(WEIGHTS[LABELS] * images / 255)
    assert attribution.completeness_error(shares, linear, images, LABELS) == pytest.approx(0, abs=1e-12)


def test_of_a_sum_of_cubes_the_midpoint_rule_is_short_by_a_quarter_of_the_squared_step() -> None:
    images = random_images(5, 3, 4, 1) // 2
    cubes = images.astype(np.float64) ** 3
    for steps in (1, 2, 10):
        shares = attribution.integrated_gradients(
            lambda batch, labels: 3 * batch.astype(np.float64) ** 2, images, LABELS, steps
        )
        assert shares == pytest.approx(cubes * (1 - 1 / (4 * steps**2)), rel=1e-5)


def test_paper_has_no_share() -> None:
    images = np.zeros((5, 3, 4, 1), dtype=np.uint8)
    assert not attribution.integrated_gradients(linear_gradient, images, LABELS, steps=2).any()


def test_the_completeness_error_is_what_is_missing() -> None:
    images = random_images(5, 3, 4, 1)
    shares = attribution.integrated_gradients(linear_gradient, images, LABELS, steps=1)
    shares[:, 0, 0, 0] += [1, -1, 0, 0, 0]
    assert attribution.completeness_error(shares, linear, images, LABELS) == pytest.approx(2 / 5)


def test_occlusion_is_the_mean_of_what_the_ink_had_given() -> None:
    images = random_images(5, 3, 4, 1)
    images[:, 2, 3] = 0  # paper in all of them
    groups = [np.array([0, 5]), np.array([11]), np.arange(12)]
    drops = attribution.occlusion(linear, images, LABELS, groups)
    given = (WEIGHTS[LABELS] * images / 255).reshape(5, -1).mean(axis=0)
    assert drops == pytest.approx([given[0] + given[5], 0, given.sum()])
    assert images.any()  # the caller's images are left as they are


def test_the_probability_is_that_of_the_own_class() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [1, 0]], dtype=np.float32)
    found = attribution.true_probability(lambda images: probabilities, np.zeros((3, 1)), np.array([0, 1, 1]))
    assert found == pytest.approx([0.9, 0.8, 0])


def test_the_first_of_each_class_are_taken_as_far_as_there_are_any() -> None:
    labels = np.array([2, 0, 2, 2, 0, 3], dtype=np.uint8)
    assert attribution.first_of_each_class(labels, 2).tolist() == [1, 4, 0, 2, 5]


def test_a_class_without_images_has_no_mean() -> None:
    values = np.arange(12.0).reshape(3, 2, 2)
    means = attribution.mean_by_class(values, np.array([2, 0, 2]), 4)
    assert means[2] == pytest.approx((values[0] + values[2]) / 2)
    assert means[0] == pytest.approx(values[1])
    assert np.isnan(means[[1, 3]]).all()
