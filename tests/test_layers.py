"""The layers that all networks share: pooling, weights, scaling."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from digits.networks.common.layers import Seeds, pooling, rescaling, weights
from tests.helpers import random_images

SMALL = random_images(5, 9, 10, 1)
WIDE = 400  # enough units for the moments of the weights


@pytest.mark.parametrize(("kind", "reduce"), [("max", np.max), ("mean", np.mean)])
def test_pooling_takes_max_or_mean_and_leaves_an_odd_rim(kind: str, reduce: Callable[..., Any]) -> None:
    images = random_images(3, 7, 4, 2).astype(np.float32)
    blocks = images[:, :6].reshape(3, 3, 2, 2, 2, 2)
    assert np.allclose(pooling(kind, "pool")(images), reduce(blocks, axis=(2, 4)))


@pytest.mark.parametrize(
    ("activation", "variance"),
    [("relu", 2 / WIDE), ("silu", 2 / WIDE), ("selu", 1 / WIDE), ("tanh", 1 / WIDE), ("softmax", 1 / WIDE)],
)
def test_weights_are_drawn_with_the_variance_that_fits_the_activation(
    activation: str, variance: float
) -> None:
    layer = keras.layers.Dense(WIDE, **weights(activation, Seeds(3)))
    layer.build((None, WIDE))
    kernel = np.asarray(layer.kernel)
    assert kernel.var() == pytest.approx(variance, rel=0.02)
    assert abs(kernel.mean()) < 4 * np.sqrt(variance) / WIDE


@pytest.mark.parametrize(("scaling", "slope"), [("raw", 1), ("unit", 1 / 255)])
def test_raw_pixels_stay_and_unit_pixels_end_at_one(scaling: str, slope: float) -> None:
    assert np.allclose(rescaling(scaling, SMALL)(SMALL.astype(np.float32)), SMALL * slope)


def test_standard_pixels_have_mean_0_and_deviation_1_and_none_blows_up() -> None:
    train = random_images(50, 6, 6, 1)
    train[:, 0] = 0
    scaled = rescaling("standard", train)
    values = np.asarray(scaled(train.astype(np.float32)))
    assert values.mean() == pytest.approx(0, abs=1e-5)
    assert values.std() == pytest.approx(1, abs=1e-5)
    lit = np.full((1, 6, 6, 1), 255, np.float32)  # also where no training image is
    assert np.abs(scaled(lit)).max() == pytest.approx((255 - train.mean()) / train.std(), rel=1e-5)
