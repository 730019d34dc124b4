"""Distortions against SciPy and exact cases, and the bounds that they keep."""

from typing import cast

import numpy as np
import pytest
from scipy import ndimage

from digits.training.augmentation import CHUNK, augment
from digits.training.settings import Augmentation
from tests.support.helpers import augmentation, random_images


class Extreme:
    """A generator that always draws one end of the range."""

    def __init__(self, upper: bool) -> None:
        self.upper = upper

    def uniform(self, low: float, high: float, size: int | tuple[int, ...]) -> np.ndarray:
        return np.full(size, high if self.upper else low)


def distorted(images: np.ndarray, settings: Augmentation, upper: bool = True) -> np.ndarray:
    return augment(images, settings, cast(np.random.Generator, Extreme(upper)))


def framed(side: int = 28) -> np.ndarray:
    """Return one image of noise with a black rim, so that no edge rule has a say."""
    images = random_images(1, side, side, 1)
    rim = side // 4
    images[:, :rim] = images[:, -rim:] = images[:, :, :rim] = images[:, :, -rim:] = 0
    return images


def marked(n: int) -> np.ndarray:
    """Return n images with two blobs of 3 x 3 on the middle row, 16 pixels apart, around (14, 14)."""
    images = np.zeros((n, 29, 29, 1), np.uint8)
    for column in (6, 22):
        images[:, 13:16, column - 1 : column + 2] = 255
    return images


def positions(images: np.ndarray) -> np.ndarray:
    """Return the blobs' centres from the middle of the image, (n, left or right, x or y)."""
    weights = images[..., 0].astype(float)
    halves = np.stack([weights * (np.arange(29) < 14), weights * (np.arange(29) > 14)], axis=1)
    mass = halves.sum(axis=(2, 3))
    x = (halves.sum(axis=2) * (np.arange(29) - 14)).sum(axis=2) / mass
    y = (halves.sum(axis=3) * (np.arange(29) - 14)).sum(axis=2) / mass
    return np.stack([x, y], axis=-1)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_all_zero_changes_nothing() -> None:
    images = random_images(4, 7, 6, 2)
    assert np.array_equal(augment(images, augmentation(), rng()), images)


def test_a_shift_by_whole_pixels_is_exact_with_0_outside() -> None:
    images = random_images(3, 6, 7, 2)
    up_left, down_right = np.zeros_like(images), np.zeros_like(images)
    up_left[:, :-2, :-2] = images[:, 2:, 2:]
    down_right[:, 2:, 2:] = images[:, :-2, :-2]
    assert np.array_equal(distorted(images, augmentation(shift=2)), up_left)
    assert np.array_equal(distorted(images, augmentation(shift=2), upper=False), down_right)


def test_a_quarter_turn_is_exact_and_goes_either_way() -> None:
    images = framed()
    turned = [distorted(images, augmentation(rotation=90), upper) for upper in (True, False)]
    assert np.array_equal(turned[0], np.rot90(images, 1, axes=(1, 2)))
    assert np.array_equal(turned[1], np.rot90(images, -1, axes=(1, 2)))


@pytest.mark.parametrize("degrees", [5, 30])
def test_a_rotation_is_the_bilinear_one_of_scipy(degrees: float) -> None:
    images = framed()
    expected = ndimage.rotate(images[0, ..., 0].astype(float), degrees, reshape=False, order=1)
    actual = distorted(images, augmentation(rotation=degrees))[0, ..., 0]
    assert np.abs(actual - expected).max() < 1


@pytest.mark.parametrize(("upper", "factor"), [(True, 1.25), (False, 0.75)])
def test_a_zoom_is_about_the_centre(upper: bool, factor: float) -> None:
    images = framed()
    centre = 13.5 - 13.5 / factor
    picture = images[0, ..., 0].astype(float)
    expected = ndimage.affine_transform(picture, [1 / factor, 1 / factor], [centre, centre], order=1)
    actual = distorted(images, augmentation(zoom=0.25), upper)[0, ..., 0]
    assert np.abs(actual - expected).max() < 1


@pytest.mark.parametrize("upper", [True, False])
def test_a_shear_slants_about_the_centre(upper: bool) -> None:
    images = framed()
    slope = np.tan(np.deg2rad(15 if upper else -15))
    picture = images[0, ..., 0].astype(float)
    expected = ndimage.affine_transform(picture, [[1, 0], [slope, 1]], [0, -slope * 13.5], order=1)
    actual = distorted(images, augmentation(shear=15), upper)[0, ..., 0]
    assert np.abs(actual - expected).max() < 1


def test_shears_fill_their_range_and_keep_to_it() -> None:
    upright = marked(500).swapaxes(1, 2)
    centres = positions(augment(upright, augmentation(shear=20), rng()).swapaxes(1, 2))
    down, across = (centres[:, 1] - centres[:, 0]).T
    degrees = np.rad2deg(np.arctan2(across, down))
    assert np.allclose(down, 16, atol=0.1)
    assert np.abs(degrees).max() < 20.2
    assert degrees.min() < -19
    assert degrees.max() > 19


def test_shifts_fill_their_range_and_keep_to_it() -> None:
    moved = positions(augment(marked(500), augmentation(shift=3), rng())).mean(axis=1)
    assert np.abs(moved).max() < 3.01
    assert moved.min(axis=0).max() < -2.8
    assert moved.max(axis=0).min() > 2.8
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.2  # the axes are drawn apart


def test_rotations_fill_their_range_and_keep_to_it() -> None:
    centres = positions(augment(marked(500), augmentation(rotation=20), rng()))
    x, y = (centres[:, 1] - centres[:, 0]).T
    degrees = np.rad2deg(np.arctan2(y, x))
    assert np.abs(degrees).max() < 20.1
    assert degrees.min() < -19
    assert degrees.max() > 19


def test_zooms_fill_their_range_and_keep_to_it() -> None:
    centres = positions(augment(marked(500), augmentation(zoom=0.3), rng()))
    factors = (centres[:, 1, 0] - centres[:, 0, 0]) / 16
    assert np.abs(factors - 1).max() < 0.32
    assert factors.min() < 0.73
    assert factors.max() > 1.27


def test_each_image_is_drawn_anew_and_its_channels_alike() -> None:
    settings = augmentation(shift=1, rotation=10, zoom=0.1, shear=15)
    images = np.repeat(np.repeat(framed(), 2, axis=0), 3, axis=-1)
    before = images.copy()
    first, second = augment(images, settings, rng())
    assert not np.array_equal(first, second)
    assert np.array_equal(first[..., 0], first[..., 2])
    assert np.array_equal(images, before)
    assert np.array_equal(augment(images, settings, rng())[0], first)


def test_more_images_than_are_handled_at_a_time_keep_type_and_order() -> None:
    numbers = (np.arange(CHUNK + 3) % 251).astype(np.uint8)
    images = np.broadcast_to(numbers[:, None, None, None], (CHUNK + 3, 5, 5, 1))
    result = augment(images, augmentation(shift=1), rng())
    assert result.dtype == np.uint8
    assert result.shape == images.shape
    assert np.array_equal(result[:, 2, 2, 0], numbers)
