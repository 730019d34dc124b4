"""Ways to bring bytes here that come to an end, also where nothing answers."""

import io
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pooch  # type: ignore[import-untyped]

from digits.pipeline import processes

CONNECT_SECONDS = 4
SILENCE_SECONDS = 10
SOURCE_SECONDS = 120

CHUNK = 1 << 18


class SourceError(Exception):
    """A source cannot serve; the message is the reason, in one line."""


def download(url: str, path: Path, size: int, deadline: float) -> None:
    """Write what `url` answers to `path`, with a progress bar on a terminal.

    Raises SourceError if the server fails, sends more than `size` bytes, or is not done when
    `time.monotonic()` has reached `deadline`.
    """
    get = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=CHUNK,
        timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
    )
    try:
        with _Limited(path, size, deadline) as target:
            get(url, target, None)
    except OSError as error:  # the base of all exceptions of requests
        raise SourceError(_reason(error)) from error


def execute(folder: Path, *command: str) -> None:
    """Run a command in `folder`; raise SourceError with the last line it says if it fails."""
    try:
        done = processes.run(
            command,
            check=False,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SOURCE_SECONDS,
        )
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
