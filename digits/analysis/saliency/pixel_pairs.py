"""What the values of two pixels together tell of the class."""

import numpy as np

LEVELS = 4  # of equal width, for counting; more would need more images for each combination


def most_informative_pair(pixels: np.ndarray, labels: np.ndarray) -> tuple[int, int, float]:
    """Return the two columns that tell most of the label together, ascending, and their information.

    pixels: uint8 (n, at least 2), 0 to 255
    The information is that of `pair_information`; of equal pairs the first is taken.
    """
    information = pair_information(pixels, labels)
    first, second = np.triu_indices(pixels.shape[1], k=1)
    best = int(information[first, second].argmax())
    return int(first[best]), int(second[best]), float(information[first[best], second[best]])


def pair_information(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mutual information of label and each two columns, in bits, float64 (columns, columns).

    pixels: uint8 (n, columns), 0 to 255, counted in LEVELS levels. On the diagonal is that of one
    column alone. It is sum p(a, b, y) log2(p(a, b, y) / (p(a, b) p(y))), Shannon (1948).
    """
    joint = np.stack([_count_levels(pixels[labels == label]) for label in np.unique(labels)])
    joint /= len(labels)
    independent = joint.sum(axis=0) * joint.sum(axis=(2, 4), keepdims=True)
    ratio = np.divide(joint, independent, out=np.ones_like(joint), where=joint > 0)
    return (joint * np.log2(ratio)).sum(axis=(0, 2, 4))


def _count_levels(pixels: np.ndarray) -> np.ndarray:
    """Count the images with each two levels in each two columns, (columns, LEVELS, columns, LEVELS)."""
    level = pixels.astype(np.int64) * LEVELS // 256
    one_hot = (level[..., None] == np.arange(LEVELS)).reshape(len(pixels), -1).astype(np.float32)
    shape = (pixels.shape[1], LEVELS) * 2
    return (one_hot.T @ one_hot).astype(np.float64).reshape(shape)  # float32 counts to 2^24 exactly


def share_without_ink(pixels: np.ndarray) -> float:
    """Return the share of images (n, columns) in which all of these pixels are 0."""
    return float((pixels == 0).all(axis=1).mean())
