"""Collects the files of a data set: for each, the first source whose content has its hash."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from digits.pipeline import StageError
from stages.download.content import File, RefusedError, store
from stages.download.registry import Dataset
from stages.download.sources import Source, SourceError


def collect(dataset: Dataset, sources: Sequence[Source], raw: Path) -> dict[str, str]:
    """Write the files of `dataset` into the folder `raw`; return the source of each by file name.

    Content with a wrong hash is reported on stderr, and the next source is tried. Raises StageError
    when no source is left; then, as after any exception, nothing that was written stays.
    """
    served: dict[str, str] = {}
    failures: list[str] = []
    try:
        for source in sources:
            missing = [file for file in dataset.files if file.name not in served]
            for name in _take(source, missing, raw, failures) if missing else ():
                served[name] = source.name
        if len(served) < len(dataset.files):
            raise StageError(_advice(dataset, served, failures))
    except BaseException:
        for name in served:
            (raw / name).unlink(missing_ok=True)
        raise
    return served


def _take(source: Source, missing: Sequence[File], raw: Path, failures: list[str]) -> Iterator[str]:
    """Store what the source has of the missing files; yield their names and note what failed."""
    with tempfile.TemporaryDirectory(prefix="download-") as folder:
        try:
            for file, path in source.fetch(missing, Path(folder)):
                try:
                    store(path, file, raw)
                except RefusedError as reason:
                    failures.append(_refusal(f"{file.name} from {source.name}", reason))
                else:
                    yield file.name
        except RefusedError as reason:
            failures.append(_refusal(source.name, reason))
        except (SourceError, OSError) as reason:
            failures.append(f"{source.name}: {reason}")


def _refusal(what: str, reason: RefusedError) -> str:
    line = f"{what}: refused: {reason}"
    print(f"download: {line}", file=sys.stderr)
    return line


def _advice(dataset: Dataset, served: dict[str, str], failures: Sequence[str]) -> str:
    names = [file.name for file in dataset.files]
    missing = [name for name in names if name not in served]
    first = f"{dataset.title}: no source has served {', '.join(missing)}. Tried:"
    last = f"To go on, set MNIST_MIRROR to a folder that holds {', '.join(names)}, "
    return "\n  ".join([first, *failures, f"{last}each under this name or with .gz added."])
