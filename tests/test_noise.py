"""Noise on images, and an autoencoder that is given noisy ones and asked for clean ones."""

import numpy as np
import pytest

from digits.networks.autoencoder.settings import Noise
from digits.noise import add_noise
from tests import helpers


def test_no_noise_leaves_the_images_alone() -> None:
    images = helpers.random_images(3, 4, 4, 1)
    assert add_noise(images, Noise(deviation=0.0, dropped=0.0), np.random.default_rng(0)) is images


def test_deviation_and_dropped_share_are_those_of_the_settings() -> None:
    grey = np.full((200, 20, 20, 1), 128, np.uint8)
    noisy = add_noise(grey, Noise(deviation=0.1, dropped=0.0), np.random.default_rng(0))
    assert noisy.dtype == np.uint8
    assert noisy.mean() == pytest.approx(128, abs=0.5)
    assert noisy.std() == pytest.approx(25.5, rel=0.02)
    dropped = add_noise(grey, Noise(deviation=0.0, dropped=0.3), np.random.default_rng(0))
    assert set(np.unique(dropped)) == {0, 128}
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=0.01)


def test_values_stay_in_the_range_of_an_image() -> None:
    black = np.full((10, 10, 10, 1), 250, np.uint8)
    noisy = add_noise(black, Noise(deviation=0.5, dropped=0.0), np.random.default_rng(1))
    assert (noisy.min(), noisy.max()) == (0, 255)
