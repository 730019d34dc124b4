"""The multilayer perceptron."""

import keras
import numpy as np

from digits.networks.common.layers import Seeds, dense, rescaling
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
    penalties = {"l1": settings.l1, "l2": settings.l2}
    for number, units in enumerate(settings.hidden, start=1):
        layers.append(dense(units, settings.activation, f"hidden_{number}", seeds, **penalties))
        if settings.dropout:
            layers.append(keras.layers.Dropout(settings.dropout, seed=next(seeds), name=f"dropout_{number}"))
    layers.append(dense(n_classes, "softmax", "probabilities", seeds, **penalties))
    return keras.Sequential(layers, name="mlp")
