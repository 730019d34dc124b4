"""Exploration of a data set: label counts, pixel values and mean images, as tables and as pictures."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.data.splits import PIXEL_MAX, Split
from digits.drawing.grid import Tile, draw_grid, fold
from digits.drawing.style import GOOD, new_figure

PER_CLASS = 5  # labelled images per class in the grid


def label_counts(splits: dict[str, Split], classes: list[str]) -> pd.DataFrame:
    """Count each label: columns `class`, then one per split."""
    counts = {name: np.bincount(part.labels, minlength=len(classes)) for name, part in splits.items()}
    return pd.DataFrame({"class": classes, **counts})


def pixel_values(images: np.ndarray) -> pd.DataFrame:
    """Count each value of a pixel, 0 to 255: columns `value`, `count`, `fraction`."""
    counts = np.bincount(images.reshape(-1), minlength=256)
    return pd.DataFrame({"value": np.arange(256), "count": counts, "fraction": counts / counts.sum()})


def statistics(split: Split) -> dict[str, Any]:
    """Return sizes, mean and standard deviation of the pixels in [0, 1], and the fraction that is 0."""
    images = split.images
    lit = images.reshape(len(images), -1).any(axis=0)
    return {
        "images": len(images),
        "height": images.shape[1],
        "width": images.shape[2],
        "pixel_mean": images.mean(dtype=np.float64) / PIXEL_MAX,
        "pixel_standard_deviation": images.std(dtype=np.float64) / PIXEL_MAX,
        "fraction_of_zeros": float((images == 0).mean()),
        "pixels_never_lit": int((~lit).sum()),
    }


def class_means(split: Split, n_classes: int) -> np.ndarray:
    """Return the mean image of each class, float64 (n_classes, height, width, channels), 0 to 255."""
    by_class = (split.images[split.labels == label] for label in range(n_classes))
    return np.stack([images.mean(axis=0, dtype=np.float64) for images in by_class])


def draw_label_counts(counts: pd.DataFrame, title: str) -> Figure:
    """Draw a bar per class, one panel per split; `counts` as from label_counts."""
    splits = [name for name in counts.columns if name != "class"]
    figure, axes = new_figure(10, 0.28 * len(counts) + 1.2, ncols=len(splits), sharey=True)
    for ax, name in zip(axes, splits, strict=True):
        ax.barh(counts["class"], counts[name], color=GOOD)
        ax.bar_label(ax.containers[0], fmt="{:,.0f}", fontsize=9, padding=2)
        ax.margins(x=0.18)
        ax.set(title=f"{name}: {counts[name].sum():,} images", xlabel="images")
    axes[0].invert_yaxis()
    axes[0].set_ylabel("class")
    figure.suptitle(f"{title}: images per class")
    return figure


def draw_pixel_values(values: pd.DataFrame) -> Figure:
    """Draw the fraction of each pixel value, on a logarithmic axis; a value that never occurs is a gap."""
    figure, ax = new_figure(7, 3.2)
    ax.step(values["value"], values["fraction"].where(values["fraction"] > 0), where="mid", color=GOOD)
    ax.set(
        yscale="log",
        xlim=(-1, 256),
        xlabel="pixel value (0: background, 255: ink)",
        ylabel="fraction of the training pixels",
        title=f"{values['fraction'].iloc[0]:.1%} of the training pixels are 0, "
        f"{values['fraction'].iloc[255]:.1%} are 255",
    )
    return figure


def draw_images(split: Split, classes: list[str]) -> Figure:
    """Draw the first images per class with their labels."""
    tiles = [
        Tile(image, heading=name)
        for label, name in enumerate(classes)
        for image in split.images[np.flatnonzero(split.labels == label)[:PER_CLASS]]
    ]
    return draw_grid(fold(tiles, 2 * PER_CLASS), f"{len(tiles)} training images", side=0.85)


def draw_class_means(means: np.ndarray, classes: list[str]) -> Figure:
    """Draw the mean image per class."""
    tiles = [Tile(mean, heading=name) for mean, name in zip(means, classes, strict=True)]
    return draw_grid(fold(tiles, 5), "Mean training image per class", side=1.3)
