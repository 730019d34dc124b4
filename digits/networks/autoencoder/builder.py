"""The autoencoder: an encoder to the latent space and its mirror image back."""

from math import prod

import keras
import numpy as np

from digits.networks.autoencoder.settings import Autoencoder
from digits.networks.common.layers import Seeds, dense, pooling, rescaling, weights
from digits.networks.common.saved import LATENT

Sizes = list[tuple[int, int]]  # height and width of the maps before each pooling


def build_autoencoder(settings: Autoencoder, images: np.ndarray, seed: int) -> keras.Model:
    """Return an untrained network from raw pixels to their reconstruction, float32 in [0, 1].

    images: training images, uint8 (n, height, width, channels); they give the input's shape.
    """
    shape = images.shape[1:]
    seeds = Seeds(seed)
    pixels = keras.Input(shape, name="image")
    tensor = rescaling("unit", images)(pixels)
    tensor, sizes = _convolve(tensor, settings, seeds)
    folded = tensor.shape[1:]
    tensor = keras.layers.Flatten(name="flat")(tensor)
    for number, units in enumerate(settings.hidden, start=1):
        tensor = dense(units, settings.activation, f"encoder_{number}", seeds, l2=settings.l2)(tensor)
    tensor = dense(settings.latent, "linear", LATENT, seeds, l2=settings.l2)(tensor)
    for number, units in enumerate(reversed(settings.hidden), start=1):
        tensor = dense(units, settings.activation, f"decoder_{number}", seeds, l2=settings.l2)(tensor)
    last = settings.activation if settings.layers else "sigmoid"
    tensor = dense(prod(folded), last, "unfolded", seeds, l2=settings.l2)(tensor)
    tensor = keras.layers.Reshape(folded, name="folded")(tensor)
    if settings.layers:
        tensor = _deconvolve(tensor, sizes, shape[-1], settings, seeds)
    return keras.Model(pixels, tensor, name="autoencoder")


def _convolve(
    tensor: keras.KerasTensor, settings: Autoencoder, seeds: Seeds
) -> tuple[keras.KerasTensor, Sizes]:
    """Apply the convolutions and poolings."""
    sizes = []
    for number, layer in enumerate(settings.layers, start=1):
        if layer == "pool":
            sizes.append(tuple(tensor.shape[1:3]))
            tensor = pooling(settings.pooling, f"encoder_pool_{number}")(tensor)
        else:
            name = f"encoder_convolution_{number}"
            tensor = _convolution(layer, settings.activation, name, settings, seeds)(tensor)
    return tensor, sizes


def _deconvolve(
    tensor: keras.KerasTensor, sizes: Sizes, channels: int, settings: Autoencoder, seeds: Seeds
) -> keras.KerasTensor:
    """Apply the mirror image of the convolutions and poolings, to the image's own size and channels.

    Takes the sizes from the end of `sizes`.
    """
    for number, layer in reversed(list(enumerate(settings.layers, start=1))):
        if layer == "pool":
            size = sizes.pop()
            tensor = keras.layers.UpSampling2D(2, name=f"decoder_upsampling_{number}")(tensor)
            missing = tuple((0, goal - have) for goal, have in zip(size, tensor.shape[1:3], strict=True))
            tensor = keras.layers.ZeroPadding2D(missing, name=f"decoder_padding_{number}")(tensor)
        else:
            name = f"decoder_convolution_{number}"
            tensor = _convolution(layer, settings.activation, name, settings, seeds)(tensor)
    return _convolution(channels, "sigmoid", "reconstruction", settings, seeds)(tensor)


def _convolution(
    filters: int, activation: str, name: str, settings: Autoencoder, seeds: Seeds
) -> keras.layers.Layer:
    keywords = weights(activation, seeds, l2=settings.l2)
    return keras.layers.Conv2D(
        filters, settings.kernel, padding="same", activation=activation, name=name, **keywords
    )
