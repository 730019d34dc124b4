"""Content from outside: trusted by its hash alone, and read with a limit until the hash is known.

A pickle from outside may ask for arrays and nothing else.
"""

import gzip
import hashlib
import io
import pickle
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from digits.data.files import replacing

CHUNK = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
FILES = {  # of MNIST and of data sets in its form: names and sizes in bytes
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}


@dataclass(frozen=True)
class File:
    """A file, as it must be when uncompressed."""

    name: str
    size: int
    sha256: str


class RefusedError(Exception):
    """Content that must not be used; the message says why."""


def uncompressed(stream: IO[bytes], limit: int) -> io.BufferedReader:
    """Return a reader of a seekable stream, plain or gzip.

    Reading raises RefusedError if the gzip is broken, or once more than `limit` bytes have come.
    """
    # Told by the first bytes: a server may unpack a .gz on its way. IDX files begin with zeros.
    magic = stream.read(len(GZIP_MAGIC))
    stream.seek(0)
    plain = gzip.GzipFile(fileobj=stream) if magic == GZIP_MAGIC else stream
    return io.BufferedReader(_Bounded(plain, limit), CHUNK)


def store(found: Path, file: File, folder: Path) -> None:
    """Write what `found` holds, uncompressed, as `folder / file.name`, whole or not at all.

    Raises RefusedError, naming both hashes, unless the content is that of `file`.
    """
    with replacing(folder / file.name) as temporary:
        with found.open("rb") as stream, temporary.open("w+b") as target:
            shutil.copyfileobj(uncompressed(stream, file.size), target, CHUNK)
            target.seek(0)
            digest = hashlib.file_digest(target, "sha256").hexdigest()
        if digest != file.sha256:
            raise RefusedError(f"expected SHA-256 {file.sha256}, found {digest}")


class _Bounded(io.RawIOBase):
    """A stream that raises RefusedError where it is broken or gives more than `limit` bytes."""

    def __init__(self, stream: gzip.GzipFile | IO[bytes], limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as bytes have come; return how many."""
        try:
            data = self._stream.read(min(len(buffer), CHUNK))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise RefusedError(f"broken gzip ({error})") from error
        self._left -= len(data)
        if self._left < 0:
            raise RefusedError(f"expected {self._limit:,} bytes, found more")
        buffer[: len(data)] = data
        return len(data)


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


def load_pickle(stream: IO[bytes]) -> Any:
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
        pairs = [
            ((images * 256).astype(np.uint8).reshape(-1, 28, 28), labels.astype(np.uint8))
            for images, labels in splits
        ]
        train, val, (test_images, test_labels) = pairs
        images, labels = (np.concatenate(both) for both in zip(train, val, strict=True))
        contents = (images, labels, test_images, test_labels)
        return {name: _idx(array) for name, array in zip(FILES, contents, strict=True)}
    except (AttributeError, TypeError, ValueError) as error:
        raise RefusedError(f"the pickle holds no three (images, labels) pairs ({error})") from error


def _idx(array: np.ndarray) -> bytes:
    """Encode as IDX: two zeros, 8 for uint8, the rank, the shape as big-endian uint32, the data."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()
