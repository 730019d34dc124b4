"""The convolutional network."""

from itertools import count

import keras
import numpy as np

from digits.networks.cnn.settings import CNN
from digits.networks.common.layers import Seeds, dense, pooling, rescaling, weights
from digits.networks.common.normalization import BatchNormalization
from digits.pipeline import StageError


def build_cnn(settings: CNN, images: np.ndarray, n_classes: int, seed: int) -> keras.Model:
    """Return an untrained network from raw pixels to class probabilities, float32 (n, n_classes).

    images: training images, uint8 (n, height, width, channels); they give input shape and scaling.
    Raises StageError when a layer finds too few pixels left.
    """
    seeds = Seeds(seed)
    layers: list[keras.layers.Layer] = [
        keras.Input(images.shape[1:], name="image"),
        rescaling(settings.scaling, images),
        *_convolutions(settings, seeds),
        keras.layers.Flatten(name="flat"),
        dense(settings.dense, settings.activation, "features", seeds, l2=settings.l2),
    ]
    if settings.dropout:
        layers.append(keras.layers.Dropout(settings.dropout, seed=next(seeds), name="dropout"))
    layers.append(dense(n_classes, "softmax", "probabilities", seeds, l2=settings.l2))
    try:
        return keras.Sequential(layers, name="cnn")
    except ValueError as error:
        raise StageError(
            f"train-cnn.layers = {list(settings.layers)} leaves no pixel of an image of "
            f"{images.shape[1]} x {images.shape[2]}. Take fewer layers, a smaller kernel, or padding: same."
        ) from error


def _convolutions(settings: CNN, seeds: Seeds) -> list[keras.layers.Layer]:
    """Return the convolutions and poolings, each convolution with its activation.

    Batch normalization comes between a convolution and its activation (Ioffe and Szegedy 2015,
    arXiv:1502.03167), here after the pooling that may follow: on the smaller map it is cheap.
    """
    built: list[keras.layers.Layer] = []
    number, poolings = 0, count(1)
    for layer, following in zip(settings.layers, (*settings.layers[1:], None), strict=False):
        if layer == "pool":
            built.append(pooling(settings.pooling, f"pool_{next(poolings)}"))
        else:
            number += 1
            built.append(_convolution(layer, number, settings, seeds))
        if settings.batch_normalization and number and following != "pool":
            built.append(BatchNormalization(name=f"normalization_{number}"))
            built.append(keras.layers.Activation(settings.activation, name=f"activation_{number}"))
    return built


def _convolution(filters: int, number: int, settings: CNN, seeds: Seeds) -> keras.layers.Layer:
    return keras.layers.Conv2D(
        filters,
        settings.kernel,
        padding=settings.padding,
        activation=None if settings.batch_normalization else settings.activation,
        name=f"convolution_{number}",
        **weights(settings.activation, seeds, l2=settings.l2),
    )
