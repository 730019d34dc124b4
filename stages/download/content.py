"""Content is trusted by its hash alone, and read with a bound until the hash is known."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from digits.data.files import replacing
from stages.download.registry import File

CHUNK = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"


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
    digest = hashlib.sha256()
    with replacing(folder / file.name) as temporary:
        with found.open("rb") as stream, temporary.open("wb") as target:
            for chunk in _chunks(uncompressed(stream, file.size)):
                digest.update(chunk)
                target.write(chunk)
        if digest.hexdigest() != file.sha256:
            raise RefusedError(f"expected SHA-256 {file.sha256}, found {digest.hexdigest()}")


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


def _chunks(stream: io.BufferedReader) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk
