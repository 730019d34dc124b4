"""Corruptions of images: uint8 (n, height, width, channels) in and out, 0 to 255.

Pixels from outside the image are 0, the background; values between pixels are interpolated linearly;
results are rounded and clipped, as in an image file. Noise, blur and contrast follow Hendrycks and
Dietterich (2019), ICLR.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from scipy import ndimage

from digits.data.splits import PIXEL_MAX

Corruption = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def rotate(images: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Rotate the images about their centre, counterclockwise."""
    return _as_images(ndimage.rotate(images.astype(np.float32), degrees, axes=(2, 1), reshape=False, order=1))


def shift(images: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Move the images to the right."""
    n, height, width, channels = images.shape
    rows = images.reshape(n * height, width, channels).astype(np.float32)
    return _as_images(ndimage.shift(rows, (0, pixels, 0), order=1).reshape(images.shape))


def add_noise(
    images: np.ndarray, standard_deviation: float, rng: np.random.Generator, dropped: float = 0.0
) -> np.ndarray:
    """Add Gaussian noise, then set random pixels to 0.

    standard_deviation: as a fraction of the pixel range
    dropped: fraction of the pixels set to 0
    """
    if not (standard_deviation or dropped):
        return images
    noise = rng.standard_normal(images.shape, np.float32)
    noisy = images + np.float32(standard_deviation * PIXEL_MAX) * noise
    return _as_images(noisy * (rng.random(images.shape, np.float32) >= dropped))


def blur(images: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth the images with a Gaussian of that standard deviation in pixels."""
    return _as_images(
        ndimage.gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0), mode="constant")
    )


def change_contrast(images: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    """Multiply each pixel's difference from its image's and channel's mean by the factor."""
    mean = images.mean(axis=(1, 2), keepdims=True)
    return _as_images(mean + factor * (images - mean))


CORRUPTIONS: dict[str, Corruption] = {
    "rotation": rotate,
    "shift": shift,
    "noise": add_noise,
    "blur": blur,
    "contrast": change_contrast,
}


def corrupt(
    images: np.ndarray, levels: Mapping[str, Sequence[float]], seed: int
) -> Iterator[tuple[str, float, np.ndarray]]:
    """Yield corruption, level and the images at that level, for all levels of each of CORRUPTIONS.

    levels: those of each corruption, by its name; each level's noise has a seed of its own
    """
    for name, change in CORRUPTIONS.items():
        for number, level in enumerate(levels[name]):
            yield name, level, change(images, level, np.random.default_rng([seed, number]))


def spread(n: int, chosen: int) -> np.ndarray:
    """Return `chosen` positions of n at equal steps, int64; all n if that is fewer."""
    return np.arange(min(n, chosen)) * n // min(n, chosen)


def _as_images(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, PIXEL_MAX).astype(np.uint8)
