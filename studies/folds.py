"""Predictions for images by networks that never saw them, and labels changed on purpose."""

from dataclasses import replace

import numpy as np
from sklearn.model_selection import StratifiedKFold

from digits.data.splits import Split
from digits.networks.cnn.builder import build_cnn
from digits.networks.cnn.settings import CNN
from digits.networks.common.saved import predict
from studies.training import train


def out_of_fold(
    settings: CNN, splits: tuple[Split, Split], n_classes: int, folds: int, seed: int
) -> np.ndarray:
    """Return probabilities of the first split's images, float32 (n, n_classes).

    Each is predicted by the network that was trained on the folds without it.
    """
    images, val = splits
    probabilities = np.empty((len(images), n_classes), np.float32)
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(images.labels, images.labels)
    for known, unknown in parts:
        model, _ = train(build_cnn, settings, (select(images, known), val), n_classes, seed)
        probabilities[unknown] = predict(model, images.images[unknown])
    return probabilities


def select(split: Split, rows: np.ndarray) -> Split:
    """Return the images of these rows."""
    return Split(split.images[rows], split.labels[rows], split.indices[rows])


def flip(split: Split, share: float, n_classes: int, rng: np.random.Generator) -> Split:
    """Return the split with this share of its labels changed to another class."""
    rows = np.sort(rng.choice(len(split), max(1, round(share * len(split))), replace=False))
    labels = split.labels.copy()
    labels[rows] = (labels[rows] + rng.integers(1, n_classes, len(rows))) % n_classes
    return replace(split, labels=labels)
