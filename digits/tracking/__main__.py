"""Ask and keep the record: which run made a file, what a run made, whether the two ledgers agree."""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from digits.pipeline import StageError
from digits.tracking import audit, promotion, restore, store, sync
from digits.tracking.digest import locked_outputs, md5
from digits.tracking.history import History
from digits.tracking.ledger import INPUT, Ledger, declared, tagged

PARAMS = Path("params.yaml")
NONE_MADE = (
    "No run in MLflow has made these bytes. If they came from DVC's cache or from a colleague, "
    "`python -m digits.tracking sync` enters them; `dvc repro` makes them anew."
)


def main(words: list[str] | None = None) -> int:
    """Run the command (from the command line unless given); return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m digits.tracking", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    which = commands.add_parser("which", help="the run, commit, settings and inputs that made a file")
    which.set_defaults(run_command=_which)
    which.add_argument("file", type=Path, metavar="FILE", help="a file or folder, by its bytes")
    show = commands.add_parser("show", help="what a run made, and the commands that restore those bytes")
    show.set_defaults(run_command=_show)
    show.add_argument("run", metavar="RUN", help="identifier of the run, or the beginning of it")
    complete = commands.add_parser("sync", help="send what MLflow lacks; enter what came otherwise")
    complete.set_defaults(run_command=_sync)
    compare = commands.add_parser("audit", help="hold metrics/, git and MLflow against each other")
    compare.set_defaults(run_command=_audit)
    promote = commands.add_parser("promote", help="make a network the champion if it is better")
    promote.set_defaults(run_command=_promote)
    promote.add_argument("network", choices=promotion.CLASSIFIERS, help="the network in models/")
    arguments = parser.parse_args(words)
    try:
        return int(arguments.run_command(arguments))
    except StageError as error:
        sys.exit(f"record: {error}")
    except MlflowException as error:
        sys.exit(
            f"record: MLflow at {store.tracking_uri()} does not answer as it should: {error.message} "
            "`make doctor` says what helps."
        )


def _which(arguments: argparse.Namespace) -> int:
    path: Path = arguments.file
    if not path.exists():
        raise StageError(f"{path} is not there. `dvc checkout` brings back what dvc.lock names.")
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
    print("outputs:", *_indented(declared(runs[0])), sep="\n")
    print("to bring them back:", *(f"  {line}" for line in restore.commands(runs[0], History())), sep="\n")
    return 0


def _sync(arguments: argparse.Namespace) -> int:
    done = sync.sync(PARAMS)
    print(f"Runs sent to MLflow: {done.sent}.")
    if done.restored:
        print(f"Entered as restored: {', '.join(done.restored)}.")
    if done.stale:
        print(
            f"Left out, since `dvc status` finds them changed or missing: {', '.join(done.stale)}. "
            "`dvc repro` makes them, `dvc checkout` brings back what is in DVC's cache."
        )
    if done.unsent:
        print("Could not be sent:", *done.unsent, sep="\n  ")
    return 1 if done.unsent else 0


def _audit(arguments: argparse.Namespace) -> int:
    found = audit.audit(Ledger(), History(), locked_outputs())
    print(f"Numbers in metrics/ compared with MLflow: {found.numbers}.")
    print(
        f"Recorded outputs: {found.committed} committed, {found.of_experiments} of experiments, "
        f"{found.uncommitted} of runs never committed."
    )
    if found.unrecorded:
        print("In no run (`python -m digits.tracking sync` enters them):", *found.unrecorded, sep="\n  ")
    if found.not_run:
        print("Of studies that were not run here:", *found.not_run, sep="\n  ")
    if found.contradictions:
        print("Contradictions:", *found.contradictions, sep="\n  ")
    if found.sound:
        print("The two ledgers agree.")
    return 0 if found.sound else 1


def _promote(arguments: argparse.Namespace) -> int:
    verdict = promotion.promote(Ledger(), arguments.network)
    print(
        f"{arguments.network} {'is now' if verdict.promoted else 'is not made'} champion: {verdict.reason}."
    )
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


if __name__ == "__main__":
    sys.exit(main())
