"""The prepared images: one folder per split, with memory-mapped arrays inside.

The convention for pixels and dtypes, in all of the project:

- Images are stored as uint8, 0 to 255 (PIXEL_MAX).
- A network takes float32 pixels, 0 to 255, and scales them itself. Everything passes through
  `digits.networks.common.saved.predict`, which casts other dtypes to float32 and returns float32.
- A decoder returns images as float32 in [0, 1]; `to_pixels` turns them into a network's input.
- Analyses compute in float64.
"""

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

    def take(self, positions: np.ndarray | slice) -> "Split":
        """Return the images at these positions (integers, a mask or a slice), in that order."""
        return Split(self.images[positions], self.labels[positions], self.indices[positions])


def read_split(folder: Path) -> Split:
    """Open the split that `write_split` wrote."""
    return Split(*(read_array(folder / f"{name}.npy") for name in ("images", "labels", "indices")))


def write_split(folder: Path, split: Split) -> None:
    """Write a split's three arrays as .npy."""
    for name in ("images", "labels", "indices"):
        write_array(folder / f"{name}.npy", getattr(split, name))


def read_dataset(path: Path) -> dict[str, Any]:
    """Read the description of the data set: name, title, classes, licence, citation."""
    return dict(read_json(path))


def sample_positions(n: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `most` of the positions 0 to n - 1 without replacement, sorted, int64; all n if that is fewer."""
    return np.sort(rng.permutation(n)[:most])


def scale(images: np.ndarray) -> np.ndarray:
    """Return the images as float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(PIXEL_MAX)


def flatten(images: np.ndarray) -> np.ndarray:
    """Return the images as float32 (n, height * width * channels) in [0, 1]."""
    return scale(images).reshape(len(images), -1)


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Return images in [0, 1] with pixels from 0 to 255, of the same float dtype, not rounded."""
    return images * np.float32(PIXEL_MAX)
