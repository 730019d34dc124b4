"""From the IDX files to seeded, stratified splits, and the checks that both must pass."""

import math
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from digits.data.splits import Split
from digits.pipeline import StageError

UNSIGNED_BYTE = 8
AGAIN = "Run the stage download again."

Labelled = tuple[np.ndarray, np.ndarray]  # images (n, height, width, channels) and labels (n,)


def read_idx(path: Path) -> np.ndarray:
    """Return the array of an IDX file of unsigned bytes, uint8 of any shape.

    Format: http://yann.lecun.com/exdb/mnist/ (two zero bytes, type 8 for uint8, number of axes, sizes as
    big-endian uint32, data). Raises StageError when the header does not fit the file.
    """
    content = path.read_bytes()
    axes = content[3] if len(content) > 3 else 0
    if content[:3] != bytes([0, 0, UNSIGNED_BYTE]) or len(content) < 4 + 4 * axes:
        raise StageError(
            f"{path} is not an IDX file of unsigned bytes: it begins with {content[:4].hex()}, "
            f"expected 000008 and the number of axes. {AGAIN}"
        )
    shape = tuple(np.frombuffer(content, ">u4", axes, offset=4).tolist())
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    if len(values) != (size := math.prod(shape)):
        raise StageError(
            f"{path} holds {len(values):,} bytes of data; its header promises {shape}, "
            f"{size:,} bytes. {AGAIN}"
        )
    return values.reshape(shape)


def read_pair(folder: Path, prefix: str) -> Labelled:
    """Return images, uint8 (n, height, width, 1), and labels, uint8 (n,), of `train` or `t10k`."""
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte")
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte")
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise StageError(
            f"{folder}: expected {prefix} images (n, height, width) and as many labels; found "
            f"{images.shape} and {labels.shape}. {AGAIN}"
        )
    return images[..., np.newaxis], labels


def split(train_file: Labelled, test_file: Labelled, sizes: Mapping[str, int], seed: int) -> dict[str, Split]:
    """Return the splits `train` and `val` of the first file and `test` of the second.

    sizes: numbers of images per split. Each split has its file's class fractions and its file's order.
    Raises StageError when a file holds too few images.
    """
    train, val = _stratified(train_file, sizes["train"], sizes["val"], seed)
    test, _ = _stratified(test_file, sizes["test"], 0, seed)
    return {"train": train, "val": val, "test": test}


def _stratified(file: Labelled, n: int, m: int, seed: int) -> tuple[Split, Split]:
    """Draw two disjoint sets of n and m images, in the file's order, stratified by label."""
    images, labels = file
    if (rest := len(labels) - n - m) < 0:
        raise StageError(
            f"the splits ask for {n:,} + {m:,} images of a file that holds {len(labels):,}. "
            "Lower preprocess.train, preprocess.val or preprocess.test in params.yaml."
        )
    whole = Split(images, labels, np.arange(len(labels), dtype=np.int32))
    chosen = np.arange(len(labels))
    if rest:
        strata = labels if rest >= len(np.unique(labels)) else None  # scikit-learn wants all on each side
        chosen, _ = train_test_split(chosen, train_size=n + m, stratify=strata, random_state=seed)
    first, second = np.sort(chosen), chosen[:0]
    if m:
        first, second = train_test_split(
            first, train_size=n, test_size=m, stratify=labels[first], random_state=seed
        )
    return whole.take(np.sort(first)), whole.take(np.sort(second))


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
