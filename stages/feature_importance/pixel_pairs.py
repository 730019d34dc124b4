"""What the values of two pixels together tell of the class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from digits.analysis.saliency.importance import largest
from digits.data.splits import PIXEL_MAX, Split, sample_positions
from digits.drawing.style import COLOURS, new_figure

LEVELS = 4  # of equal width, for counting; more would need more images for each combination
DRAWN = 3000  # images in each scatter plot, at most
JITTER = 5.0  # either way: many images share a value
LIMITS = (-2 * JITTER, PIXEL_MAX + 2 * JITTER)
TITLES = {
    "random": "Two pixels at random",
    "forest": "The forests' two most important",
    "informative": "The most informative pair",
}


@dataclass(frozen=True)
class PixelPair:
    """Two values of an image.

    pixels: their flat indices
    both_blank: fraction of the training images in which both are 0
    information: about the label, in bits
    """

    pixels: tuple[int, int]
    both_blank: float
    information: float


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


def most_informative(pixels: np.ndarray, labels: np.ndarray) -> tuple[int, int]:
    """Return the two columns with the largest `pair_information`, ascending; the first of equal pairs.

    pixels: uint8 (n, at least 2), 0 to 255
    """
    information = pair_information(pixels, labels)
    first, second = np.triu_indices(pixels.shape[1], k=1)
    best = int(information[first, second].argmax())
    return int(first[best]), int(second[best])


def choose(train: Split, importances: np.ndarray, n: int, rng: np.random.Generator) -> dict[str, PixelPair]:
    """Return a random pair of pixels with ink, the two most important, and the best pair of the n such.

    importances: of each flat index. The best pair is the one with the most information about the label.
    """
    flat = train.images.reshape(len(train), -1)
    candidates = largest(importances, n)
    best = most_informative(flat[:, candidates], train.labels)
    with_ink = np.flatnonzero(flat.any(axis=0))
    chosen = {
        "random": np.sort(rng.choice(with_ink, 2, replace=False)),
        "forest": largest(importances, 2),
        "informative": candidates[list(best)],
    }
    return {name: _describe(flat[:, pixels], train.labels, pixels) for name, pixels in chosen.items()}


def _describe(values: np.ndarray, labels: np.ndarray, pixels: np.ndarray) -> PixelPair:
    information = float(pair_information(values, labels)[0, 1])
    first, second = (int(pixel) for pixel in pixels)
    return PixelPair((first, second), float((values == 0).all(axis=1).mean()), information)


def sample(
    train: Split, pairs: dict[str, PixelPair], classes: Sequence[str], rng: np.random.Generator
) -> pd.DataFrame:
    """Return DRAWN random images: class, and NAME_1 and NAME_2, 0 to 255, of each pair of that name."""
    drawn = train.take(sample_positions(len(train), DRAWN, rng))
    flat = drawn.images.reshape(len(drawn), -1)
    columns: dict[str, Any] = {"class": [classes[label] for label in drawn.labels]}
    for name, pair in pairs.items():
        columns |= {f"{name}_{number}": flat[:, pixel] for number, pixel in enumerate(pair.pixels, start=1)}
    return pd.DataFrame(columns)


def draw(
    sampled: pd.DataFrame,
    pairs: dict[str, PixelPair],
    shape: tuple[int, ...],
    classes: Sequence[str],
    rng: np.random.Generator,
) -> Figure:
    """Draw the two values of each pair, coloured by class and jittered; shape: of an image."""
    figure, axes = new_figure(9.4, 4.6, ncols=len(pairs), squeeze=False)
    colours = sampled["class"].map({name: COLOURS[i % len(COLOURS)] for i, name in enumerate(classes)})
    for ax, (name, pair) in zip(axes.flat, pairs.items(), strict=True):
        values = sampled[[f"{name}_1", f"{name}_2"]].to_numpy(dtype=np.float64)
        values = values + rng.uniform(-JITTER, JITTER, values.shape)
        ax.scatter(*values.T, s=4, c=colours, alpha=0.7, linewidths=0)
        first, second = (_place(pixel, shape) for pixel in pair.pixels)
        ax.set(xlabel=f"value at {first}", ylabel=f"value at {second}", aspect="equal")
        ax.set(xlim=LIMITS, ylim=LIMITS)
        ax.set_title(
            f"{TITLES[name]}\n{pair.information:.2f} bits about the label\n"
            f"both blank in {pair.both_blank:.1%}",
            fontsize=10,
        )
    marks = [Line2D([], [], marker="o", ls="", color=COLOURS[i % len(COLOURS)]) for i in range(len(classes))]
    columns = 5 if max(map(len, classes)) > 3 else 10
    figure.legend(marks, classes, loc="outside lower center", ncols=columns, frameon=False)
    figure.suptitle(f"Values of pixel pairs in {len(sampled):,} training images, jittered to show all points")
    return figure


def _place(pixel: int, shape: tuple[int, ...]) -> str:
    row, column, channel = np.unravel_index(pixel, shape)
    return f"row {row}, column {column}" + (f", channel {channel}" if shape[-1] > 1 else "")
