"""Content from outside: trusted by its hash alone, and read with a limit until the hash is known.

A pickle from outside may ask for arrays and nothing else.
"""

import gzip
import hashlib
import io
import pickle
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from digits.data.files import replacing
from stages.download.registry import MNIST, File

GZIP_MAGIC = b"\x1f\x8b"


class RefusedError(Exception):
    """Content that must not be used; the message says why."""


def uncompressed(stream: IO[bytes], limit: int) -> bytes:
    """Return what a seekable stream holds, plain or gzip.

    Raises RefusedError if the gzip is broken, or if there are more than `limit` bytes, without reading on.
    """
    # Told by the first bytes: a server may unpack a .gz on its way. IDX files begin with zeros.
    magic = stream.read(len(GZIP_MAGIC))
    stream.seek(0)
    plain = gzip.GzipFile(fileobj=stream) if magic == GZIP_MAGIC else stream
    try:
        data = plain.read(limit + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RefusedError(f"broken gzip ({error})") from error
    if len(data) > limit:
        raise RefusedError(f"expected {limit:,} bytes, found more")
    return data


def store(found: Path, file: File, folder: Path) -> None:
    """Write what `found` holds, uncompressed, as `folder / file.name`, whole or not at all.

    Raises RefusedError, naming both hashes, unless the content is that of `file`.
    """
    with found.open("rb") as stream:
        data = uncompressed(stream, file.size)
    if (digest := hashlib.sha256(data).hexdigest()) != file.sha256:
        raise RefusedError(f"expected SHA-256 {file.sha256}, found {digest}")
    with replacing(folder / file.name) as temporary:
        temporary.write_bytes(data)


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


def load_pickle(data: bytes) -> Any:
    """Return the containers and arrays that a pickle holds.

    Raises RefusedError if the pickle asks for anything but arrays, or is broken.
    """
    try:
        return _ArrayUnpickler(io.BytesIO(data), encoding="bytes").load()
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
        pairs = [
            ((images * 256).astype(np.uint8).reshape(-1, 28, 28), labels.astype(np.uint8))
            for images, labels in splits
        ]
        train, val, (test_images, test_labels) = pairs
        images, labels = (np.concatenate(both) for both in zip(train, val, strict=True))
        contents = (images, labels, test_images, test_labels)
        return {file.name: _idx(array) for file, array in zip(MNIST.files, contents, strict=True)}
    except (AttributeError, TypeError, ValueError) as error:
        raise RefusedError(f"the pickle holds no three (images, labels) pairs ({error})") from error


def _idx(array: np.ndarray) -> bytes:
    """Encode as IDX: two zeros, 8 for uint8, the rank, the shape as big-endian uint32, the data."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()
