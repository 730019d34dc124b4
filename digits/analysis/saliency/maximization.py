"""The images that excite a network's maps most: gradient ascent from noise."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

Excitations = Callable[[np.ndarray], np.ndarray]
Gradient = Callable[[np.ndarray, np.ndarray], np.ndarray]

LOWEST, HIGHEST = 0.0, 255.0  # values of a pixel
SMALLEST = 1e-12  # that is divided by, where a field is smoothed to nothing
SILENT = 1e-6  # activations that differ by less are one


def noise_images(
    n: int, shape: tuple[int, int, int], scales: Sequence[float], rng: np.random.Generator
) -> np.ndarray:
    """Return images of noise that fluctuates on several length scales, float32 (n, *shape), 0 to 255.

    scales: standard deviations in pixels of the Gaussians that smooth fields of white noise, which are
        brought to equal variance and added up; 0 leaves a field as it is. Channels are independent.
    Each image is stretched so that its values reach from 0 to 255.
    """
    total = np.zeros((n, *shape))
    for scale in scales:
        field = gaussian_filter(rng.standard_normal(total.shape), (0, scale, scale, 0), mode="wrap")
        deviation = field.std(axis=(1, 2, 3), keepdims=True)
        total += field / np.maximum(deviation, SMALLEST)
    low, high = (bound(total, axis=(1, 2, 3), keepdims=True) for bound in (np.min, np.max))
    stretched = (total - low) / np.maximum(high - low, SMALLEST)
    return (LOWEST + (HIGHEST - LOWEST) * stretched).astype(np.float32)


def choose_starts(excitations: np.ndarray, potentials: np.ndarray, n: int) -> np.ndarray:
    """Return the images that excite each map most, int64 (n maps, n), the best first.

    excitations, potentials: (n images, n maps), after and before the activation function; the second
        decides between images of equal excitation, such as those that leave a map silent
    """
    return np.lexsort((-potentials, -excitations), axis=0)[:n].T


def ascend(gradient: Gradient, images: np.ndarray, maps: np.ndarray, steps: int, step: float) -> np.ndarray:
    """Return the images after gradient ascent, each on its own map, float32 in [0, 255].

    gradient: from images (n, ...), float32, and maps (n,) to the gradient of each image's map
    step: root mean square change of a pixel in the first step, 0 to 255; it falls linearly to 0
    What leaves the range of pixels is cut. An image whose map does not respond stays as it is.
    Erhan, Bengio, Courville and Vincent (2009), Visualizing Higher-Layer Features of a Deep Network,
    Technical Report 1341, Université de Montréal.
    """
    axes = tuple(range(1, images.ndim))
    for number in range(steps):
        slope = gradient(images, maps)
        size = np.sqrt(np.mean(np.square(slope, dtype=np.float64), axis=axes, keepdims=True))
        direction = np.divide(slope, size, out=np.zeros(images.shape), where=size > 0)
        moved = images + step * (1 - number / steps) * direction
        images = np.clip(moved, LOWEST, HIGHEST).astype(np.float32)
    return images


def best_of_each(values: np.ndarray, n: int) -> np.ndarray:
    """Return the position of the best of every n values in a row, int64 (len(values) / n,)."""
    groups = values.reshape(-1, n)
    return groups.argmax(axis=1) + np.arange(len(groups)) * n


def find_still(*excitations: np.ndarray) -> np.ndarray:
    """Return which maps none of the images moves, bool (n maps,): their activation is always the same.

    excitations: (n images, n maps) each
    """
    return np.asarray(np.ptp(np.concatenate(excitations), axis=0) < SILENT)


def maximize(
    excite: Excitations,
    charge: Excitations,
    gradient: Gradient,
    candidates: np.ndarray,
    starts: int,
    steps: int,
    step: float,
) -> np.ndarray:
    """Return the image that excites each map most, uint8 (n maps, ...), of several ascents.

    excite, charge: from images (n, ...) to the mean activations of all maps, (n, n maps), and to the means
        of what goes into their activation functions
    candidates: float32 (n, ...), from which each map's own `starts` best are taken
    gradient, steps, step: see `ascend`. Images are rounded before they are compared.
    """
    chosen = choose_starts(excite(candidates), charge(candidates), starts)
    maps = np.repeat(np.arange(len(chosen)), chosen.shape[1])
    reached = ascend(gradient, candidates[chosen.ravel()], maps, steps, step)
    images = np.rint(reached).astype(np.uint8)
    own = excite(images)[np.arange(len(maps)), maps]
    return images[best_of_each(own, chosen.shape[1])]
