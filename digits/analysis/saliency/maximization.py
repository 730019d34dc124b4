"""Activation maximization: images that activate a network's maps most, by gradient ascent from noise."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from digits.data.splits import PIXEL_MAX

Activations = Callable[[np.ndarray], np.ndarray]
Gradient = Callable[[np.ndarray, np.ndarray], np.ndarray]

SMALLEST = 1e-12  # divisor for a field that is smoothed to a constant
TOLERANCE = 1e-6  # activations that differ by less count as equal


def noise_images(
    n: int, shape: tuple[int, int, int], scales: Sequence[float], rng: np.random.Generator
) -> np.ndarray:
    """Return noise images that vary on several length scales, float32 (n, *shape), 0 to 255.

    scales: standard deviations in pixels of the Gaussians that smooth fields of white noise, which are
        scaled to equal variance and added up; 0 leaves a field as it is. Channels are independent.
    Each image is stretched to values from 0 to 255.
    """
    total = np.zeros((n, *shape))
    for scale in scales:
        field = gaussian_filter(rng.standard_normal(total.shape), (0, scale, scale, 0), mode="wrap")
        spread = field.std(axis=(1, 2, 3), keepdims=True)
        total += field / np.maximum(spread, SMALLEST)
    low, high = (bound(total, axis=(1, 2, 3), keepdims=True) for bound in (np.min, np.max))
    stretched = (total - low) / np.maximum(high - low, SMALLEST)
    return (PIXEL_MAX * stretched).astype(np.float32)


def choose_starts(activations: np.ndarray, preactivations: np.ndarray, n: int) -> np.ndarray:
    """Return the images that activate each map most, int64 (n maps, n), the best first.

    activations, preactivations: (n images, n maps), after and before the activation function; the
        second breaks ties, such as between images that leave a rectified map at 0
    """
    return np.lexsort((-preactivations, -activations), axis=0)[:n].T


def ascend(gradient: Gradient, images: np.ndarray, maps: np.ndarray, steps: int, step: float) -> np.ndarray:
    """Return the images after gradient ascent, each on its own map, float32 in [0, 255].

    gradient: from images (n, ...), float32, and maps (n,) to the gradient of each image's map
    step: root mean square change of a pixel in the first step, 0 to 255; it falls linearly to 0
    Values are clipped to the range of pixels. An image whose map has no slope stays as it is.
    Erhan, Bengio, Courville and Vincent (2009), Visualizing Higher-Layer Features of a Deep Network,
    Technical Report 1341, Université de Montréal.
    """
    axes = tuple(range(1, images.ndim))
    for number in range(steps):
        slope = gradient(images, maps)
        size = np.sqrt(np.mean(np.square(slope, dtype=np.float64), axis=axes, keepdims=True))
        direction = np.divide(slope, size, out=np.zeros(images.shape), where=size > 0)
        moved = images + step * (1 - number / steps) * direction
        images = np.clip(moved, 0, PIXEL_MAX).astype(np.float32)
    return images


def find_constant(*activations: np.ndarray) -> np.ndarray:
    """Return which maps have the same activation for all images, bool (n maps,).

    activations: (n images, n maps) each
    """
    return np.asarray(np.ptp(np.concatenate(activations), axis=0) < TOLERANCE)


def maximize(
    activate: Activations,
    preactivate: Activations,
    gradient: Gradient,
    candidates: np.ndarray,
    starts: int,
    steps: int,
    step: float,
) -> np.ndarray:
    """Return the image that activates each map most, uint8 (n maps, ...), the best of several ascents.

    activate, preactivate: from images (n, ...) to the means of all maps, (n, n maps), after and before
        the activation function
    candidates: float32 (n, ...); the `starts` that activate a map most are its starts
    gradient, steps, step: see `ascend`. Images are rounded before they are compared.
    """
    chosen = choose_starts(activate(candidates), preactivate(candidates), starts)
    maps = np.repeat(np.arange(len(chosen)), chosen.shape[1])
    reached = ascend(gradient, candidates[chosen.ravel()], maps, steps, step)
    images = np.rint(reached).astype(np.uint8)
    own = activate(images)[np.arange(len(maps)), maps].reshape(chosen.shape)
    return images.reshape(*chosen.shape, *images.shape[1:])[np.arange(len(own)), own.argmax(axis=1)]
