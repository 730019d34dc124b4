"""The multilayer perceptron."""

import keras
import numpy as np

from digits.networks.common.layers import Seeds, rescaling, weights
from digits.networks.mlp.settings import MLP


def build_mlp(settings: MLP, images: np.ndarray, n_classes: int, seed: int) -> keras.Model:
    """Return an untrained network from raw pixels to class probabilities, float32 (n, n_classes).

    images: training images, uint8 (n, ...); they give the input's shape and the scaling.
    """
    seeds = Seeds(seed)
    layers: list[keras.layers.Layer] = [
        keras.Input(images.shape[1:], name="image"),
        rescaling(settings.scaling, images),
        keras.layers.Flatten(name="flat"),
    ]
    for number, units in enumerate(settings.hidden, start=1):
        keywords = weights(settings.activation, seeds, settings.l1, settings.l2)
        layers.append(
            keras.layers.Dense(units, activation=settings.activation, name=f"hidden_{number}", **keywords)
        )
        if settings.dropout:
            layers.append(keras.layers.Dropout(settings.dropout, seed=next(seeds), name=f"dropout_{number}"))
    keywords = weights("softmax", seeds, settings.l1, settings.l2)
    layers.append(keras.layers.Dense(n_classes, activation="softmax", name="probabilities", **keywords))
    return keras.Sequential(layers, name="mlp")
