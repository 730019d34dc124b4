"""The command line of a stage: its paths from dvc.yaml, its settings from params.yaml, its record."""

import argparse
import errno
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from stages import record
from stages.record import Kind
from stages.record.journal import root
from stages.shared import compute, lifeline, parameters
from stages.shared.errors import StageError


class Paths(BaseModel):
    """What a stage reads and writes. Each field is annotated with an Input, an Output or an Item."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Input:
    """Marks a path that the stage reads."""

    meaning: str
    kind: Kind = "file"


@dataclass(frozen=True)
class Output:
    """Marks a path that the stage writes."""

    meaning: str
    kind: Kind = "file"


@dataclass(frozen=True)
class Item:
    """Marks the member of a stage's matrix that this process is for, a word."""

    meaning: str


REMEDIES = {
    errno.EACCES: "Give yourself the right to write there",
    errno.EPERM: "Give yourself the right to write there",
    errno.EROFS: "Choose a folder that can be written",
    errno.ENOSPC: "Make room on that disk (`dvc gc --all-commits --all-experiments` drops what none names)",
    errno.EDQUOT: "Make room within your quota",
}

ABANDONED_SECONDS = 3600.0  # no checkpoint takes that long to be written

P = TypeVar("P", bound=BaseModel)
Q = TypeVar("Q", bound=Paths)


def run(
    stage: str,
    description: str | None,
    parameter_model: type[P],
    path_model: type[Q],
    main: Callable[[P, Q, record.Run], None],
    package: str = "stages",
) -> None:
    """Parse the command line, check the settings, run `main` under the record; exit 1 on a known error.

    Heavy imports belong inside `main`: the environment must be set before NumPy or Keras loads, and
    `--help` and a wrong setting should be answered at once. Only the stages of the pipeline itself,
    those of the package `stages`, have a place in the record's row for its state.
    """
    lifeline.hold()
    arguments = _parser(f"{package}.{stage.replace('-', '_')}", description, path_model).parse_args()
    paths = path_model(**{name: getattr(arguments, name) for name in path_model.model_fields})
    try:
        settings = parameters.load(arguments.params, parameter_model)
        experiment = parameters.load(arguments.params, parameters.Experiment).dataset
        if isinstance(chosen := getattr(settings, "compute", None), compute.Compute):
            compute.pin(chosen)
        _check_inputs(paths)
        _sweep(paths)
        entry = record.Entry(
            stage="@".join([stage, *_items(paths)]),
            experiment=experiment,
            settings=dict(parameters.flatten(settings.model_dump(mode="json", by_alias=True))),
            inputs=_marked(paths, Input),
            outputs=_marked(paths, Output),
            params=arguments.params if package == "stages" else None,
        )
        with record.start(entry) as run:
            main(settings, paths, run)
    except StageError as error:
        sys.exit(f"{stage}: {error}")
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        file = f"{error.filename}: " if error.filename else ""
        sys.exit(f"{stage}: {file}{error.strerror}. {REMEDIES[error.errno]}, and run it again.")


def _parser(module: str, description: str | None, path_model: type[Paths]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        epilog="`dvc repro` runs this with the paths of dvc.yaml.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--params", type=Path, required=True, help="settings (params.yaml)")
    for name, field in path_model.model_fields.items():
        mark = next(item for item in field.metadata if isinstance(item, (Input, Output, Item)))
        option = f"--{name.replace('_', '-')}"
        if isinstance(mark, Item):
            parser.add_argument(option, required=True, help=mark.meaning)
            continue
        direction = "read" if isinstance(mark, Input) else "written"
        parser.add_argument(option, type=Path, required=True, help=f"{direction}: {mark.meaning}")
    return parser


def _check_inputs(paths: Paths) -> None:
    """Raise StageError where an input is not there, or not what dvc.lock says the stage before it made."""
    recorded = record.locked_outputs()
    for path in _marked(paths, Input):
        if not path.exists():
            raise StageError(f"{path} is not there. `dvc checkout` brings it back, `dvc repro` makes it.")
        expected = recorded.get(path.as_posix())
        if expected and (found := record.md5(path)) != expected:
            raise StageError(
                f"{path} has the MD5 {found}; dvc.lock names {expected}. `dvc checkout --force {path}` "
                "brings those bytes back (`git restore`, where git holds them); if the new ones are meant, "
                "`dvc commit` takes them over."
            )


def _sweep(paths: Paths) -> None:
    """Remove what a killed run of this stage left half-written, and old halves of checkpoints."""
    for path in _marked(paths, Output):
        for leftover in path.parent.glob(f".{path.name}.*"):
            leftover.unlink(missing_ok=True)
    for leftover in (root() / ".checkpoints").glob(".*"):
        with suppress(FileNotFoundError):  # a training beside this one may have just renamed it
            if time.time() - leftover.stat().st_mtime > ABANDONED_SECONDS:
                leftover.unlink()


def _marked(paths: Paths, mark: type[Input] | type[Output]) -> dict[Path, Kind]:
    """Map each path of this direction to its kind."""
    return {getattr(paths, name): item.kind for name, item in _marks(paths) if isinstance(item, mark)}


def _items(paths: Paths) -> list[str]:
    """Return the members of the stage's matrix that this process is for."""
    return [getattr(paths, name) for name, item in _marks(paths) if isinstance(item, Item)]


def _marks(paths: Paths) -> Iterator[tuple[str, Any]]:
    return ((name, item) for name, field in type(paths).model_fields.items() for item in field.metadata)
