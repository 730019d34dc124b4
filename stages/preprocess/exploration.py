"""What a data set holds: counts of labels, values of pixels, mean images."""

from typing import Any

import numpy as np
import pandas as pd

from digits.data.splits import PIXEL_MAX, Split


def label_counts(splits: dict[str, Split], classes: list[str]) -> pd.DataFrame:
    """Count each label: columns `class`, then one a split."""
    counts = {name: np.bincount(part.labels, minlength=len(classes)) for name, part in splits.items()}
    return pd.DataFrame({"class": classes, **counts})


def pixel_values(images: np.ndarray) -> pd.DataFrame:
    """Count each value of a pixel, 0 to 255: columns `value`, `count`, `share`."""
    counts = np.bincount(images.reshape(-1), minlength=256)
    return pd.DataFrame({"value": np.arange(256), "count": counts, "share": counts / counts.sum()})


def statistics(split: Split) -> dict[str, Any]:
    """Return size, mean and deviation of the pixels in [0, 1], and the share of them that is 0."""
    images = split.images
    lit = images.reshape(len(images), -1).any(axis=0)
    return {
        "images": len(images),
        "height": images.shape[1],
        "width": images.shape[2],
        "pixel_mean": images.mean(dtype=np.float64) / PIXEL_MAX,
        "pixel_deviation": images.std(dtype=np.float64) / PIXEL_MAX,
        "share_of_zeros": float((images == 0).mean()),
        "pixels_never_lit": int((~lit).sum()),
    }


def class_means(split: Split, n_classes: int) -> np.ndarray:
    """Return the mean image of each class, float64 (n_classes, height, width, channels), 0 to 255."""
    return np.stack(
        [split.images[split.labels == label].mean(axis=0, dtype=np.float64) for label in range(n_classes)]
    )
