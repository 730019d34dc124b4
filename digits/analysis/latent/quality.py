"""How close one set of images comes to another, and one simple way of removing noise."""

import numpy as np
from scipy.ndimage import median_filter


def signal_to_noise(images: np.ndarray, originals: np.ndarray) -> float | None:
    """Return the peak signal-to-noise ratio in decibels of images in [0, 1]: 10 log10(1 / MSE).

    images, originals: (n, height, width, channels); the mean squared error is over all of them. None
    where they are equal, and the ratio infinite.
    """
    error = float(((images - originals).astype(np.float64) ** 2).mean())
    return -10 * float(np.log10(error)) if error else None


def filter_median(images: np.ndarray, side: int = 3) -> np.ndarray:
    """Return each value replaced by the median of a square of pixels around it, the shape and type kept.

    images: (n, height, width, channels); channels apart, the rim repeated outwards
    """
    return np.asarray(median_filter(images, (1, side, side, 1), mode="nearest"))
