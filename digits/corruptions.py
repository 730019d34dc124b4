"""Disturbances of images: uint8 (n, height, width, channels) in and out, 0 to 255.

What comes from beyond the rim is 0, as paper is; values between pixels are interpolated linearly; what
comes out is rounded and clipped, as in an image file. Noise, blur and contrast follow Hendrycks and
Dietterich (2019), ICLR.
"""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from digits.data.splits import PIXEL_MAX

Disturbance = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def rotate(images: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Turn the images about their centre, counterclockwise."""
    return _as_images(ndimage.rotate(images.astype(np.float32), degrees, axes=(2, 1), reshape=False, order=1))


def shift(images: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Move the images to the right."""
    n, height, width, channels = images.shape
    rows = images.reshape(n * height, width, channels).astype(np.float32)
    return _as_images(ndimage.shift(rows, (0, pixels, 0), order=1).reshape(images.shape))


def add_noise(images: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise of that standard deviation, in shares of the pixel range."""
    return _as_images(images + rng.standard_normal(images.shape, np.float32) * (deviation * PIXEL_MAX))


def blur(images: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth the images with a Gaussian of that standard deviation in pixels."""
    return _as_images(
        ndimage.gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0), mode="constant")
    )


def change_contrast(images: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    """Multiply each pixel's difference from its image's and channel's mean by the factor."""
    mean = images.mean(axis=(1, 2), keepdims=True)
    return _as_images(mean + factor * (images - mean))


DISTURBANCES: dict[str, Disturbance] = {
    "rotation": rotate,
    "shift": shift,
    "noise": add_noise,
    "blur": blur,
    "contrast": change_contrast,
}


def spread(n: int, chosen: int) -> np.ndarray:
    """Return `chosen` positions of n at equal steps, int64, all n where that is fewer."""
    return np.arange(min(n, chosen)) * n // min(n, chosen)


def _as_images(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, PIXEL_MAX).astype(np.uint8)
