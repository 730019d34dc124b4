"""The IDX format of the MNIST files: a big-endian header, then unsigned bytes.

Format: http://yann.lecun.com/exdb/mnist/ (two zero bytes, type 8 for uint8, number of axes, sizes).
"""

import math
from pathlib import Path

import numpy as np

from digits.pipeline import StageError

UNSIGNED_BYTE = 8


def read_idx(path: Path) -> np.ndarray:
    """Return the array of an IDX file of unsigned bytes, uint8 of any shape.

    Raises StageError when the header does not fit the file.
    """
    content = path.read_bytes()
    axes = content[3] if len(content) > 3 else 0
    if content[:3] != bytes([0, 0, UNSIGNED_BYTE]) or len(content) < 4 + 4 * axes:
        raise StageError(
            f"{path} is not an IDX file of unsigned bytes: it begins with {content[:4].hex()}, "
            "expected 000008 and the number of axes. Run the stage download again."
        )
    shape = tuple(np.frombuffer(content, ">u4", axes, offset=4).tolist())
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    if len(values) != math.prod(shape):
        raise StageError(
            f"{path} holds {len(values):,} bytes of data; its header promises {shape}, "
            f"{math.prod(shape):,} bytes. Run the stage download again."
        )
    return values.reshape(shape)


def read_pair(folder: Path, prefix: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images, uint8 (n, height, width, 1), and labels, uint8 (n,), of `train` or `t10k`."""
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte")
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte")
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise StageError(
            f"{folder}: expected {prefix} images (n, height, width) and as many labels; found "
            f"{images.shape} and {labels.shape}. Run the stage download again."
        )
    return images[..., np.newaxis], labels
