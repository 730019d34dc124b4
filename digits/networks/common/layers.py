"""Layers that two or more networks share: seeded, scaled, with penalties."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import keras
import numpy as np

from digits.data.splits import PIXEL_MAX

PIXELS = "pixels"  # name of the scaled input, where analyses enter


class Seeds:
    """A stream of seeds, one for each layer that draws, all from one."""

    def __init__(self, seed: int) -> None:
        self._stream: Iterator[int] = (
            int(np.random.SeedSequence([seed, number]).generate_state(1)[0] >> 1) for number in count()
        )

    def __next__(self) -> int:
        return next(self._stream)


def rescaling(scaling: str, pixels: np.ndarray) -> keras.layers.Layer:
    """Return the layer that scales raw pixels; `standard` takes its statistics from `pixels`.

    One mean and one standard deviation serve all pixels: those at the border never vary in training,
    and a standard deviation of their own, close to 0, would inflate the first ink in a test image.
    """
    if scaling == "raw":
        return keras.layers.Rescaling(1.0, name=PIXELS)
    if scaling == "unit":
        return keras.layers.Rescaling(1 / PIXEL_MAX, name=PIXELS)
    mean, std = float(pixels.mean(dtype=np.float64)), float(pixels.std(dtype=np.float64))
    return keras.layers.Rescaling(1 / std, -mean / std, name=PIXELS)


def weights(activation: str, seeds: Seeds, l1: float = 0.0, l2: float = 0.0) -> dict[str, Any]:
    """Return the keywords of a dense or convolutional layer: penalty, initializer to suit its activation."""
    initializer = keras.initializers.HeNormal
    if activation == "selu":
        initializer = keras.initializers.LecunNormal
    elif activation in ("linear", "sigmoid", "softmax", "tanh"):
        initializer = keras.initializers.GlorotUniform
    penalty = keras.regularizers.L1L2(l1, l2) if l1 or l2 else None
    return {"kernel_initializer": initializer(seed=next(seeds)), "kernel_regularizer": penalty}


def dense(
    units: int, activation: str, name: str, seeds: Seeds, l1: float = 0.0, l2: float = 0.0
) -> keras.layers.Layer:
    """Return a dense layer with its penalty and initializer."""
    return keras.layers.Dense(units, activation=activation, name=name, **weights(activation, seeds, l1, l2))


def pooling(kind: str, name: str) -> keras.layers.Layer:
    """Return a 2x2 pooling; an odd last row or column is left out."""
    layer = keras.layers.MaxPooling2D if kind == "max" else keras.layers.AveragePooling2D
    return layer(2, name=name)
