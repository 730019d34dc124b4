"""Corruptions of images against NumPy and Pillow."""

import numpy as np
import pytest
from PIL import Image

from digits import corruptions as c
from tests.support.helpers import random_images

RNG = np.random.default_rng(0)
IMAGES = random_images(3, 8, 8, 2)
IDENTITIES = {"rotation": 0, "shift": 0, "noise": 0, "blur": 0, "contrast": 1}


@pytest.mark.parametrize("name", c.CORRUPTIONS)
def test_level_zero_or_factor_one_changes_nothing(name: str) -> None:
    assert np.array_equal(c.CORRUPTIONS[name](IMAGES, IDENTITIES[name], RNG), IMAGES)


@pytest.mark.parametrize(("name", "level"), zip(c.CORRUPTIONS, (20, 1.5, 0.4, 1, 0.5), strict=True))
def test_corruptions_return_images_and_leave_the_originals_alone(name: str, level: float) -> None:
    before = IMAGES.copy()
    changed = c.CORRUPTIONS[name](IMAGES, level, np.random.default_rng(1))
    assert changed.dtype == np.uint8
    assert changed.shape == IMAGES.shape
    assert not np.array_equal(changed, IMAGES)
    assert np.array_equal(IMAGES, before)


def test_a_quarter_turn_matches_numpy() -> None:
    assert np.array_equal(c.rotate(IMAGES, 90, RNG), np.rot90(IMAGES, axes=(1, 2)))


def test_a_rotation_by_30_degrees_matches_pillow() -> None:
    image = np.zeros((1, 21, 21, 1), np.uint8)
    image[0, 4:17, 9:12] = 255
    expected = Image.fromarray(image[0, ..., 0]).rotate(30, Image.Resampling.BILINEAR)
    difference = c.rotate(image, 30, RNG)[0, ..., 0].astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 2


def test_a_shift_moves_right_and_fills_with_background() -> None:
    moved = c.shift(IMAGES, 2, RNG)
    assert np.array_equal(moved[:, :, 2:], IMAGES[:, :, :-2])
    assert not moved[:, :, :2].any()
    assert np.array_equal(c.shift(IMAGES, -3, RNG)[:, :, :-3], IMAGES[:, :, 3:])


def test_half_a_pixel_is_the_mean_of_two_neighbours() -> None:
    means = (IMAGES[:, :, 1:].astype(float) + IMAGES[:, :, :-1]) / 2
    assert np.abs(c.shift(IMAGES, 0.5, RNG)[:, :, 1:] - means).max() <= 0.5


def test_no_noise_leaves_the_images_alone() -> None:
    assert c.add_noise(IMAGES, 0.0, RNG) is IMAGES


def test_noise_has_its_standard_deviation_and_is_clipped() -> None:
    grey = np.full((10, 40, 40, 1), 128, np.uint8)
    noisy = c.add_noise(grey, 0.1, np.random.default_rng(2)).astype(float)
    assert noisy.std() == pytest.approx(25.5, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=1)
    background = c.add_noise(np.zeros_like(grey), 0.1, np.random.default_rng(2))
    assert (background == 0).mean() == pytest.approx(0.5, abs=0.02)
    loud = c.add_noise(np.full_like(grey, 250), 0.5, np.random.default_rng(1))
    assert (loud.min(), loud.max()) == (0, 255)


def test_noise_drops_the_fraction_of_pixels_asked_for() -> None:
    grey = np.full((200, 20, 20, 1), 128, np.uint8)
    dropped = c.add_noise(grey, 0.0, np.random.default_rng(0), dropped=0.3)
    assert set(np.unique(dropped)) == {0, 128}
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=0.01)


def test_every_level_of_every_corruption_comes_with_its_own_noise() -> None:
    levels: dict[str, list[float]] = {
        "rotation": [90],
        "shift": [],
        "noise": [0, 0.2, 0.2],
        "blur": [1],
        "contrast": [1],
    }
    results = list(c.corrupt(IMAGES, levels, seed=5))
    assert [(name, level) for name, level, _ in results] == [
        ("rotation", 90), ("noise", 0), ("noise", 0.2), ("noise", 0.2), ("blur", 1), ("contrast", 1)
    ]  # fmt: skip
    again = list(c.corrupt(IMAGES, levels, seed=5))
    assert all(np.array_equal(one, other) for (*_, one), (*_, other) in zip(results, again, strict=True))
    assert np.array_equal(results[0][2], c.rotate(IMAGES, 90, RNG))
    assert np.array_equal(results[1][2], IMAGES)
    assert not np.array_equal(results[2][2], results[3][2])


def test_a_blurred_point_is_a_gaussian_in_its_own_channel() -> None:
    point = np.zeros((1, 15, 15, 2), np.uint8)
    point[0, 7, 7, 0] = 255
    x = np.arange(15) - 7
    bell = np.exp(-(x**2) / (2 * 1.2**2))
    expected = 255 * np.outer(bell, bell) / bell.sum() ** 2
    blurred = c.blur(point, 1.2, RNG)
    assert np.abs(blurred[0, ..., 0] - expected).max() <= 0.6
    assert not blurred[..., 1].any()


def test_contrast_keeps_the_mean_and_scales_the_spread_per_channel() -> None:
    faint = c.change_contrast(IMAGES, 0.4, RNG).astype(float)
    assert np.allclose(faint.mean(axis=(1, 2)), IMAGES.mean(axis=(1, 2)), atol=0.5)
    assert np.allclose(faint.std(axis=(1, 2)), 0.4 * IMAGES.std(axis=(1, 2)), atol=0.5)
    flat = c.change_contrast(IMAGES, 0, RNG)
    assert (flat == flat[:, :1, :1]).all()


@pytest.mark.parametrize(("n", "chosen"), [(10, 3), (10, 10), (10, 20), (1, 1), (10_000, 5_000)])
def test_positions_are_spread_over_all_images(n: int, chosen: int) -> None:
    positions = c.spread(n, chosen)
    assert len(positions) == len(set(positions)) == min(n, chosen)
    assert positions[0] == 0
    assert positions[-1] < n
    steps = np.diff(np.append(positions, n))
    assert steps.max() - steps.min() <= 1
