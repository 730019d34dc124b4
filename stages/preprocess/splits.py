"""Seeded, stratified splits, and the checks they must pass before anything is written."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from sklearn.model_selection import train_test_split

from digits.data.splits import Split
from digits.pipeline import StageError

Labelled = tuple[np.ndarray, np.ndarray]  # images (n, height, width, channels) and labels (n,)


def split(train_file: Labelled, test_file: Labelled, sizes: Mapping[str, int], seed: int) -> dict[str, Split]:
    """Return the splits `train` and `val` of the first file and `test` of the second.

    sizes: numbers of images per split. Each split has its file's class fractions and its file's order.
    Raises StageError when a file holds too few images.
    """
    train_labels, test_labels = train_file[1], test_file[1]
    train, val = _stratified(train_labels, sizes["train"], sizes["val"], seed)
    test, _ = _stratified(test_labels, sizes["test"], 0, seed)
    return {
        "train": _take(train_file, train),
        "val": _take(train_file, val),
        "test": _take(test_file, test),
    }


def _stratified(labels: np.ndarray, n: int, m: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw two disjoint sets of n and m positions, sorted, stratified by label."""
    everything = np.arange(len(labels))
    if n + m > len(labels):
        raise StageError(
            f"the splits ask for {n:,} + {m:,} images of a file that holds {len(labels):,}. "
            "Lower preprocess.train, preprocess.val or preprocess.test in params.yaml."
        )
    chosen = everything
    if (rest := len(labels) - n - m) > 0:
        enough = rest >= len(np.unique(labels))  # scikit-learn wants one of each class on each side
        chosen, _ = train_test_split(
            everything, train_size=n + m, stratify=labels if enough else None, random_state=seed
        )
    if m == 0:
        return np.sort(chosen), chosen[:0]
    first, second = train_test_split(
        np.sort(chosen), train_size=n, test_size=m, stratify=labels[np.sort(chosen)], random_state=seed
    )
    return np.sort(first), np.sort(second)


def _take(file: Labelled, positions: np.ndarray) -> Split:
    images, labels = file
    return Split(images[positions], labels[positions], positions.astype(np.int32))


def check(splits: dict[str, Split], n_classes: int) -> None:
    """Raise StageError on a wrong label, a missing class, or an image in two splits."""
    for name, part in splits.items():
        found = np.unique(part.labels)
        if not np.array_equal(found, np.arange(n_classes)):
            raise StageError(
                f"the split {name} should hold the labels 0 to {n_classes - 1}; it holds "
                f"{found.tolist()}. Enlarge it in params.yaml (preprocess.{name}) or download again."
            )
    known = {
        name: {image.tobytes(): index for image, index in zip(part.images, part.indices, strict=True)}
        for name, part in splits.items()
    }
    for first, second in combinations(splits, 2):
        if common := known[first].keys() & known[second].keys():
            pairs = sorted((int(known[first][image]), int(known[second][image])) for image in common)
            raise StageError(
                f"{len(pairs)} images are in both {first} and {second}; the first is number "
                f"{pairs[0][0]} of one file and number {pairs[0][1]} of the other. Results on them "
                "would be too good: fix the files."
            )
