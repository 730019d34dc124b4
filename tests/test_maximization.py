"""Gradient ascent from noise, on functions with known maxima."""

import numpy as np
import pytest

from digits.analysis.saliency.maximization import (
    ascend,
    choose_starts,
    find_constant,
    maximize,
    noise_images,
)

SHAPE = (6, 8, 2)
SIGNS = np.random.default_rng(5).choice([-1.0, 1.0], size=(3, *SHAPE))
WEIGHTS = SIGNS * np.random.default_rng(6).uniform(0.5, 1.5, size=SIGNS.shape)
SCALES = (0, 1, 3)


def noise(n: int, seed: int = 1) -> np.ndarray:
    return noise_images(n, SHAPE, SCALES, np.random.default_rng(seed))


def activate(images: np.ndarray) -> np.ndarray:
    return np.einsum("nijk,mijk->nm", images.astype(np.float64), WEIGHTS)


def gradient(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    return WEIGHTS[maps].astype(np.float32)


def test_noise_fills_the_range_and_depends_on_its_generator() -> None:
    images = noise(5)
    assert images.shape == (5, *SHAPE)
    assert images.dtype == np.float32
    assert images.min(axis=(1, 2, 3)) == pytest.approx(0)
    assert images.max(axis=(1, 2, 3)) == pytest.approx(255)
    assert np.array_equal(images, noise(5))
    assert not np.array_equal(images, noise(5, seed=2))


def test_noise_varies_on_the_requested_length_scales() -> None:
    def neighbours(*scales: float) -> float:
        images = noise_images(20, (32, 32, 1), scales, np.random.default_rng(1))
        pairs = zip(images[:, :, 1:], images[:, :, :-1], strict=True)
        return float(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs]))

    # White noise smoothed by a Gaussian of standard deviation s has the correlation exp(-d^2 / (4 s^2)).
    assert neighbours(0) == pytest.approx(0, abs=0.03)
    assert neighbours(2) == pytest.approx(np.exp(-1 / 16), abs=0.02)
    assert neighbours(0, 2) == pytest.approx(np.exp(-1 / 16) / 2, abs=0.05)


def test_noise_smoothed_to_a_constant_is_still_an_image() -> None:
    images = noise_images(2, (3, 3, 1), [100], np.random.default_rng(1))
    assert np.isfinite(images).all()
    assert images.min() >= 0
    assert images.max() <= 255


def test_a_linear_map_is_maximized_by_the_sign_of_its_weights() -> None:
    maps = np.array([0, 1, 2, 0])
    found = ascend(gradient, noise(4), maps, steps=60, step=60.0)
    assert np.array_equal(found, np.where(WEIGHTS[maps] > 0, 255, 0))


def test_steps_have_the_requested_size_and_fall_to_0() -> None:
    start = np.full((2, *SHAPE), 127, np.float32)
    moved = ascend(gradient, start, np.array([0, 1]), steps=4, step=2.0) - start
    size = np.sqrt(np.square(moved).mean(axis=(1, 2, 3)))
    assert size == pytest.approx(2.0 * (1 + 0.75 + 0.5 + 0.25), rel=1e-4)


def test_an_image_without_slope_does_not_change() -> None:
    start = noise(2)
    found = ascend(lambda images, maps: np.zeros_like(images), start, np.array([0, 1]), 5, 10.0)
    assert np.array_equal(found, start)


def test_starts_are_the_images_that_activate_a_map_most() -> None:
    activations = np.array([[1.0, 0.0], [3.0, 0.0], [2.0, 5.0]])
    preactivations = np.array([[1.0, -9.0], [3.0, -2.0], [2.0, 5.0]])
    assert choose_starts(activations, preactivations, 2).tolist() == [[1, 2], [2, 1]]
    assert choose_starts(activations, preactivations, 9).shape == (2, 3)


def test_the_best_of_several_ascents_is_kept() -> None:
    def rises(images: np.ndarray) -> np.ndarray:
        """Return hills around brightness 60, of height 1, and around 200, of height 2."""
        mean = images.astype(np.float64).mean(axis=(1, 2, 3))
        hills = np.exp(-((mean - 60) ** 2) / 2000) + 2 * np.exp(-((mean - 200) ** 2) / 2000)
        return hills[:, None]

    def slope(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
        change = rises(images + 1) - rises(images)
        return np.broadcast_to(change[..., None, None], images.shape)

    low, high = (np.full((1, *SHAPE), value, np.float32) for value in (60, 150))
    assert rises(low) > rises(high)  # the worse start leads higher
    candidates = np.concatenate([low, high])
    one, two = (maximize(rises, rises, slope, candidates, n, 100, 2.0) for n in (1, 2))
    assert one.shape == two.shape == (1, *SHAPE)
    assert one.mean() == pytest.approx(60, abs=2)
    assert two.mean() == pytest.approx(200, abs=2)


def test_each_map_has_its_own_pattern_in_uint8() -> None:
    images = maximize(activate, activate, gradient, noise(10), starts=3, steps=60, step=60.0)
    assert images.dtype == np.uint8
    assert np.array_equal(images, np.where(WEIGHTS > 0, 255, 0))


def test_without_steps_the_best_noise_is_returned() -> None:
    candidates = noise(10)
    images = maximize(activate, activate, gradient, candidates, starts=2, steps=0, step=1.0)
    expected = candidates[activate(candidates).argmax(axis=0)]
    assert np.array_equal(images, np.rint(expected).astype(np.uint8))


def test_a_map_is_constant_when_all_images_give_the_same() -> None:
    some, more = np.array([[0.0, 0.0, 0.3], [0.0, 1.0, 0.3]]), np.array([[2.0, 0.0, 0.3]])
    assert find_constant(some).tolist() == [True, False, True]
    assert find_constant(some, more).tolist() == [False, False, True]
