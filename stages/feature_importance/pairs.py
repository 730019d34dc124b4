"""Pairs of pixels and what their two values tell of the class."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from digits.analysis.saliency import pixel_pairs as pairs
from digits.analysis.saliency.importance import largest
from digits.data.splits import Split


@dataclass(frozen=True)
class Pair:
    """Two values of an image.

    pixels: their flat indices
    without_ink: share of the training images in which both are 0
    information: about the label, in bits
    """

    pixels: tuple[int, int]
    without_ink: float
    information: float


def choose(train: Split, importances: np.ndarray, n: int, rng: np.random.Generator) -> dict[str, Pair]:
    """Return a random pair of pixels with ink, the two most important, and the best pair of the n such.

    importances: of each flat index. The best is the one that tells most of the label.
    """
    flat = train.images.reshape(len(train), -1)
    candidates = largest(importances, n)
    first, second, _ = pairs.most_informative_pair(flat[:, candidates], train.labels)
    with_ink = np.flatnonzero(flat.any(axis=0))
    chosen = {
        "random": np.sort(rng.choice(with_ink, 2, replace=False)),
        "forest": largest(importances, 2),
        "informative": candidates[[first, second]],
    }
    return {name: _describe(flat[:, pixels], train.labels, pixels) for name, pixels in chosen.items()}


def _describe(values: np.ndarray, labels: np.ndarray, pixels: np.ndarray) -> Pair:
    information = pairs.pair_information(values, labels)[0, 1]
    first, second = (int(pixel) for pixel in pixels)
    return Pair((first, second), pairs.share_without_ink(values), float(information))


def sample(
    train: Split, chosen: dict[str, Pair], classes: list[str], n: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return n images at random: class, and NAME_1 and NAME_2, 0 to 255, of each pair of that name."""
    rows = np.sort(rng.permutation(len(train))[:n])
    flat, labels = train.images[rows].reshape(len(rows), -1), train.labels[rows]
    columns: dict[str, Any] = {"class": [classes[label] for label in labels]}
    for name, pair in chosen.items():
        columns |= {f"{name}_{number}": flat[:, pixel] for number, pixel in enumerate(pair.pixels, start=1)}
    return pd.DataFrame(columns)
