"""Reads MNIST out of a stranger's pickle, which may ask for arrays and nothing else."""

import pickle
from typing import IO, Any

import numpy as np

from stages.download.content import RefusedError

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _empty_array(*_: object) -> np.ndarray:
    return np.empty(0, np.int8)


# All that a pickled array needs. NumPy's `_reconstruct` and `ndarray` allocate any shape; here an
# array starts empty, and its state must bring as many bytes as its shape claims.
ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): np.dtype,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise RefusedError(f"the pickle asks for {module}.{name}, which no array needs")
        return ADMITTED[module, name]


def load(stream: IO[bytes]) -> Any:
    """Return the containers and arrays that a pickle holds.

    Raises RefusedError if the pickle asks for anything but arrays, or is broken.
    """
    try:
        return _ArrayUnpickler(stream, encoding="bytes").load()
    except RefusedError:
        raise
    except Exception as error:  # a broken pickle may raise anything
        raise RefusedError(f"broken pickle ({type(error).__name__}: {error})") from error


def to_idx(splits: Any) -> dict[str, bytes]:
    """Return MNIST's four IDX files, by name, from (images, labels) pairs for train, val and test.

    Images are float32 (n, 784) equal to uint8 / 256. Training and validation images, joined, are
    the original training file in its order. Raises RefusedError if `splits` has another form.
    """
    try:
        pairs = [(_pixels(images), labels.astype(np.uint8)) for images, labels in splits]
        train, val, (test_images, test_labels) = pairs
        images, labels = (np.concatenate(both) for both in zip(train, val, strict=True))
        contents = (images, labels, test_images, test_labels)
        return {name: _idx(array) for name, array in zip(NAMES, contents, strict=True)}
    except (AttributeError, TypeError, ValueError) as error:
        raise RefusedError(f"the pickle holds no three (images, labels) pairs ({error})") from error


def _pixels(images: np.ndarray) -> np.ndarray:
    return (images * 256).astype(np.uint8).reshape(-1, 28, 28)


def _idx(array: np.ndarray) -> bytes:
    """Encode as IDX: two zeros, 8 for uint8, the rank, the shape as big-endian uint32, the data."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()
