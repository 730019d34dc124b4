"""Find the run that made a file, show what a run made, and keep MLflow, git and metrics/ consistent."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from digits.networks.registry import CLASSIFIERS
from digits.pipeline import StageError
from digits.tracking import audit, promotion, store, sync
from digits.tracking.digest import INPUT, locked_outputs, md5
from digits.tracking.history import read_history, restoring
from digits.tracking.store import Ledger, outputs, tagged

NONE_MADE = (
    "No run in MLflow has made these bytes. If they came from DVC's cache or from a colleague, "
    "`python -m digits.tracking sync` enters them; `dvc repro` makes them again."
)


def main(words: list[str] | None = None) -> int:
    """Run the command (from the command line unless given); return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m digits.tracking", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, description) in COMMANDS.items():
        subparsers.add_parser(name, help=description, description=description)
    commands = subparsers.choices
    commands["which"].add_argument("path", type=Path, metavar="FILE", help="a file or folder, under any name")
    commands["show"].add_argument("prefix", metavar="RUN", help="a run's identifier, or its first characters")
    commands["promote"].add_argument("network", choices=CLASSIFIERS, help="the network in models/")
    arguments = vars(parser.parse_args(words))
    try:
        return COMMANDS[arguments.pop("command")][0](**arguments)
    except StageError as error:
        sys.exit(f"tracking: {error}")
    except MlflowException as error:
        uri = store.tracking_uri()
        sys.exit(f"tracking: MLflow at {uri} failed: {error.message} `make doctor` suggests a fix.")


def _which(path: Path) -> int:
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


def _show(prefix: str) -> int:
    runs = [run for run in Ledger().runs if run.info.run_id.startswith(prefix)]
    if len(runs) != 1:
        raise StageError(
            f"{len(runs) or 'no'} runs have an identifier that begins with {prefix!r}; "
            "MLflow's UI shows it on the run's page, `which FILE` prints it."
        )
    print(*_describe(runs[0]), sep="\n")
    _list("outputs:", (f"{path}  {digest}" for path, digest in outputs(runs[0]).items()))
    _list("to restore them:", restoring(outputs(runs[0]), read_history()))
    return 0


def _sync() -> int:
    sent, unsent, restored, stale = sync.sync()
    print(f"Runs sent to MLflow: {sent}.")
    if restored:
        print(f"Entered as restored: {', '.join(restored)}.")
    if stale:
        print(
            f"Left out, since `dvc status` finds them changed or missing: {', '.join(stale)}. "
            "`dvc repro` makes them, `dvc checkout` restores what is in DVC's cache."
        )
    _list("Could not be sent:", unsent)
    return 1 if unsent else 0


def _audit() -> int:
    found = audit.audit(Ledger(), read_history(), locked_outputs())
    print(f"Numbers in metrics/ compared with MLflow: {found.numbers}.")
    print(
        f"Tracked outputs: {found.outputs['committed']} committed, {found.outputs['experiment']} of "
        f"experiments, {found.outputs['neither']} of runs never committed."
    )
    _list("In no run (`python -m digits.tracking sync` enters them):", found.untracked)
    _list("Of studies that have not been run here:", found.not_run)
    _list("Contradictions:", found.contradictions)
    if found.sound:
        print("The two ledgers agree.")
    return 0 if found.sound else 1


def _promote(network: str) -> int:
    promoted, reason = promotion.promote(Ledger(), network)
    print(f"{network} {'is now' if promoted else 'does not become'} champion: {reason}.")
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
    yield from (f"  {key} = {value}" for key, value in sorted(run.data.params.items()))
    yield "inputs:"
    yield from (f"  {path}  {digest}" for path, digest in tagged(run, INPUT).items())


def _list(title: str, lines: Iterable[str]) -> None:
    """Print the title and the lines; nothing where there are no lines."""
    if listed := [f"  {line}" for line in lines]:
        print(title, *listed, sep="\n")


COMMANDS: dict[str, tuple[Callable[..., int], str]] = {
    "which": (_which, "show the run, commit, settings and inputs that made a file"),
    "show": (_show, "show what a run made, and the commands that restore it"),
    "sync": (_sync, "send waiting runs to MLflow; enter results that no run here made"),
    "audit": (_audit, "cross-check metrics/, git and MLflow"),
    "promote": (_promote, "register a network; make it champion if it is better on the test set"),
}

if __name__ == "__main__":
    sys.exit(main())
