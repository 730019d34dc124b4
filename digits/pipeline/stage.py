"""The command of a stage: paths from dvc.yaml, settings from params.yaml, and a record of the run.

What every stage needs is imported from here.
"""

import argparse
import errno
import inspect
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import Field, create_model

from digits import compute, tracking
from digits.pipeline import StageError, settings, watchdog
from digits.pipeline.declaration import Paths, declare, describe, read_pipeline
from digits.pipeline.settings import Block, Confidence, Seed
from digits.tracking import Run
from digits.tracking.journal import root

__all__ = ["Block", "Confidence", "Paths", "Run", "Seed", "run_stage", "settings_model"]

REMEDIES = {
    errno.EACCES: "Give yourself the right to write there",
    errno.EPERM: "Give yourself the right to write there",
    errno.EROFS: "Choose a folder that can be written",
    errno.ENOSPC: "Make room on that disk (`dvc gc --all-commits --all-experiments` drops what none names)",
    errno.EDQUOT: "Make room within your quota",
}
ABANDONED_SECONDS = 3600.0  # no checkpoint takes that long to be written

Main = Callable[..., None]


def run_stage(main: Main) -> None:
    """Run `main(paths, run, ...)` as the stage whose module it is: check settings and inputs, and record it.

    The stage's name and description are those of its module; its paths are read from the dvc.yaml of its
    package, its settings from params.yaml: they are the further parameters of `main`, see
    `settings_model`. The setting `compute` is applied before `main` is called, so most stages take it for
    that alone. Ends with exit code 1 and one message on a known error. Heavy imports belong inside `main`:
    the environment must be set before NumPy or Keras loads, and a wrong setting should be answered at once.
    """
    watchdog.hold()
    module = sys.modules["__main__"]
    name = str(module.__spec__ and module.__spec__.name).removesuffix(".__main__")
    package, *_, word = name.split(".")
    stage, folder = word.replace("_", "-"), Path() if package == "stages" else Path(package)
    items = _parse(stage, name, str(module.__doc__), folder)
    try:
        _run(main, stage, items, folder)
    except StageError as error:
        sys.exit(f"{stage}: {error}")
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        file = f"{error.filename}: " if error.filename else ""
        sys.exit(f"{stage}: {file}{error.strerror}. {REMEDIES[error.errno]}, and run it again.")


def _run(main: Main, stage: str, items: Mapping[str, str], folder: Path) -> None:
    paths, inputs, outputs = declare(stage, items, folder)
    parameters = settings.load(settings_model(main, items), folder)
    experiment = settings.load(settings.Experiment).dataset
    for chosen in dict(parameters).values():
        if isinstance(chosen, compute.Compute):
            compute.pin(chosen)
    if folder != Path() and root().resolve() != Path.cwd():
        raise StageError(
            f"{folder} need the data of the project, which a temporary copy does not have: "
            "run `dvc exp run` without --temp and --queue."
        )
    _check_inputs(inputs)
    _sweep(outputs)
    entry = tracking.Entry(
        stage="@".join([stage, *items.values()]),
        experiment=experiment,
        settings=dict(settings.flatten(parameters.model_dump(mode="json", by_alias=True))),
        inputs=inputs,
        outputs=outputs,
        params=settings.PARAMS if folder == Path() else None,
    )
    with tracking.start(entry) as run:
        main(paths, run, **dict(parameters))


def settings_model(main: Main, items: Mapping[str, str]) -> type[Block]:
    """Return the model of a stage's settings, a field for each parameter of `main` but paths and run.

    A block is named in params.yaml as here, with hyphens for underscores, and a plain value as here. Another
    key is an alias in the annotation. Where a setting depends on the item of a matrix, the module has a
    function `by_item(items)` that returns its annotation by its name.
    """
    annotations = {
        name: each.annotation for name, each in inspect.signature(main, eval_str=True).parameters.items()
    }
    if by_item := getattr(sys.modules[main.__module__], "by_item", None):
        annotations |= by_item(items)
    fields: dict[str, Any] = {
        name: (each, Field(alias=name.replace("_", "-")) if _is_block(each) else ...)
        for name, each in annotations.items()
        if name not in ("paths", "run")
    }
    return create_model("Settings", __base__=Block, **fields)


def _is_block(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Block)


def _parse(stage: str, module: str, description: str, folder: Path) -> dict[str, str]:
    """Return the items of the stage's matrix that the command line names."""
    entry = read_pipeline(folder).get("stages", {}).get(stage)
    if entry is None:
        sys.exit(f"{stage}: {folder / 'dvc.yaml'} has no such stage. Run this from the project's own folder.")
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        epilog=describe(stage, folder),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, members in entry.get("matrix", {}).items():
        choices = [str(member) for member in members]
        parser.add_argument(name, metavar=name.upper(), choices=choices, help=f"one of {', '.join(choices)}")
    return dict(vars(parser.parse_args()))


def _check_inputs(inputs: Iterable[Path]) -> None:
    """Raise StageError where an input is not there, or not what dvc.lock says the stage before it made."""
    recorded = tracking.locked_outputs()
    for path in inputs:
        if not path.exists():
            raise StageError(f"{path} is not there. `dvc checkout` brings it back, `dvc repro` makes it.")
        expected = recorded.get(path.as_posix())
        if expected and (found := tracking.md5(path)) != expected:
            raise StageError(
                f"{path} has the MD5 {found}; dvc.lock names {expected}. `dvc checkout --force {path}` "
                "brings those bytes back (`git restore`, where git holds them); if the new ones are meant, "
                "`dvc commit` takes them over."
            )


def _sweep(outputs: Iterable[Path]) -> None:
    """Remove what a killed run of this stage left half-written, and old halves of checkpoints."""
    for path in outputs:
        for leftover in path.parent.glob(f".{path.name}.*"):
            leftover.unlink(missing_ok=True)
    for leftover in (root() / ".checkpoints").glob(".*"):
        with suppress(FileNotFoundError):  # a training beside this one may have just renamed it
            if time.time() - leftover.stat().st_mtime > ABANDONED_SECONDS:
                leftover.unlink()
