"""The prepared images: one folder a split, memory-mapped arrays within."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digits.data.files import read_array, read_json, write_array

PIXEL_MAX = 255.0


@dataclass(frozen=True)
class Split:
    """Images with their labels.

    images: uint8 (n, height, width, channels), 0 to 255
    labels: uint8 (n,), 0 to n_classes - 1
    indices: int32 (n,), positions in the original file
    """

    images: np.ndarray
    labels: np.ndarray
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def read_split(folder: Path) -> Split:
    """Open the split that `write_split` wrote."""
    return Split(*(read_array(folder / f"{name}.npy") for name in ("images", "labels", "indices")))


def write_split(folder: Path, split: Split) -> None:
    """Write a split's three arrays as .npy."""
    for name in ("images", "labels", "indices"):
        write_array(folder / f"{name}.npy", getattr(split, name))


def read_dataset(path: Path) -> dict[str, Any]:
    """Read what is known of the data set: name, title, classes, licence, citation."""
    return dict(read_json(path))


def scale(images: np.ndarray) -> np.ndarray:
    """Return the images as float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(PIXEL_MAX)


def flatten(images: np.ndarray) -> np.ndarray:
    """Return the images as float32 (n, height * width * channels) in [0, 1]."""
    return scale(images).reshape(len(images), -1)
