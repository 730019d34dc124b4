"""Find the run that made a file, show what a run made, and keep MLflow, git and metrics/ consistent."""

import argparse
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from digits.pipeline import StageError
from digits.tracking import audit, promotion, store, sync
from digits.tracking.digest import INPUT, locked_outputs, md5
from digits.tracking.history import History, restoring
from digits.tracking.store import Ledger, outputs, tagged

NONE_MADE = (
    "No run in MLflow has made these bytes. If they came from DVC's cache or from a colleague, "
    "`python -m digits.tracking sync` enters them; `dvc repro` makes them again."
)


def main(words: list[str] | None = None) -> int:
    """Run the command (from the command line unless given); return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m digits.tracking", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands = {}
    for name, (function, description) in COMMANDS.items():
        commands[name] = subparsers.add_parser(name, help=description, description=description)
        commands[name].set_defaults(run_command=function)
    commands["which"].add_argument("file", type=Path, metavar="FILE", help="a file or folder, under any name")
    commands["show"].add_argument("run", metavar="RUN", help="identifier of the run, or its first characters")
    commands["promote"].add_argument("network", choices=promotion.CLASSIFIERS, help="the network in models/")
    arguments = parser.parse_args(words)
    try:
        return int(arguments.run_command(arguments))
    except StageError as error:
        sys.exit(f"tracking: {error}")
    except MlflowException as error:
        uri = store.tracking_uri()
        sys.exit(f"tracking: MLflow at {uri} failed: {error.message} `make doctor` suggests a fix.")


def _which(arguments: argparse.Namespace) -> int:
    path: Path = arguments.file
    if not path.exists():
        raise StageError(f"{path} is not there. `dvc checkout` restores what dvc.lock names.")
    digest = md5(path)
    print(f"{path} has the MD5 {digest}.")
    makers = Ledger().makers(digest)
    if not makers:
        print(NONE_MADE)
        return 1
    if len(makers) > 1:
        print(f"{len(makers)} runs made these bytes; this is the newest.")
    print(*_describe(makers[0]), sep="\n")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    runs = Ledger().with_prefix(arguments.run)
    if len(runs) != 1:
        raise StageError(
            f"{len(runs) or 'no'} runs have an identifier that begins with {arguments.run!r}; "
            "MLflow's UI shows it on the run's page, `which FILE` prints it."
        )
    print(*_describe(runs[0]), sep="\n")
    print("outputs:", *_indented(outputs(runs[0])), sep="\n")
    commands = restoring(outputs(runs[0]), History())
    print("to restore them:", *(f"  {line}" for line in commands), sep="\n")
    return 0


def _sync(arguments: argparse.Namespace) -> int:
    done = sync.sync()
    print(f"Runs sent to MLflow: {done.sent}.")
    if done.restored:
        print(f"Entered as restored: {', '.join(done.restored)}.")
    if done.stale:
        print(
            f"Left out, since `dvc status` finds them changed or missing: {', '.join(done.stale)}. "
            "`dvc repro` makes them, `dvc checkout` restores what is in DVC's cache."
        )
    if done.unsent:
        print("Could not be sent:", *done.unsent, sep="\n  ")
    return 1 if done.unsent else 0


def _audit(arguments: argparse.Namespace) -> int:
    found = audit.audit(Ledger(), History(), locked_outputs())
    print(f"Numbers in metrics/ compared with MLflow: {found.numbers}.")
    print(
        f"Tracked outputs: {found.committed} committed, {found.of_experiments} of experiments, "
        f"{found.uncommitted} of runs never committed."
    )
    if found.untracked:
        print("In no run (`python -m digits.tracking sync` enters them):", *found.untracked, sep="\n  ")
    if found.not_run:
        print("Of studies that have not been run here:", *found.not_run, sep="\n  ")
    if found.contradictions:
        print("Contradictions:", *found.contradictions, sep="\n  ")
    if found.sound:
        print("The two ledgers agree.")
    return 0 if found.sound else 1


def _promote(arguments: argparse.Namespace) -> int:
    verdict = promotion.promote(Ledger(), arguments.network)
    becomes = "is now" if verdict.promoted else "does not become"
    print(f"{arguments.network} {becomes} champion: {verdict.reason}.")
    return 0


def _describe(run: Run) -> Iterator[str]:
    """Yield lines that say what a run is and where it comes from."""
    tags = run.data.tags
    began = datetime.fromtimestamp(run.info.start_time / 1000, UTC)
    restored = ", entered from restored files" if tags.get("restored") == "true" else ""
    dirty = " with uncommitted changes" if tags.get("dirty") == "true" else ""
    yield f"run: {run.info.run_id} ({run.info.status.lower()}{restored})"
    yield f"stage: {tags['stage']}, {began:%Y-%m-%d %H:%M:%S} UTC"
    yield f"commit: {tags.get('commit', 'unknown')}{dirty}"
    if "experiment" in tags:
        yield f"experiment: {tags['experiment']}"
    yield "settings:"
    yield from _indented(dict(sorted(run.data.params.items())), separator=" = ")
    yield "inputs:"
    yield from _indented(tagged(run, INPUT))


def _indented(pairs: dict[str, str], separator: str = "  ") -> list[str]:
    return [f"  {key}{separator}{value}" for key, value in pairs.items()]


COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], int], str]] = {
    "which": (_which, "show the run, commit, settings and inputs that made a file"),
    "show": (_show, "show what a run made, and the commands that restore it"),
    "sync": (_sync, "send waiting runs to MLflow; enter results that no run here made"),
    "audit": (_audit, "cross-check metrics/, git and MLflow"),
    "promote": (_promote, "register a network; make it champion if it is better on the test set"),
}

if __name__ == "__main__":
    sys.exit(main())
