"""Runs the committed pipeline in a fresh clone with an empty cache and compares it with dvc.lock.

Where this machine's fingerprint is the recorded one, every output must have the same bytes; elsewhere
every number in metrics/ must lie within the stated tolerance.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from stages.shared.parameters import flatten
from tools.fingerprint import ROOT, differences
from tools.sandbox import Sandbox

# Another processor rounds otherwise, and a training then goes another way, as with another seed.
# Shares (accuracies and the like) may move by this much, all other numbers by this part of themselves.
SHARE_TOLERANCE = 0.006
RELATIVE_TOLERANCE = 0.3
SHARES = ("accuracy", "accuracy_low", "accuracy_high", "val_accuracy", "first", "second", "both")
FREE = ("best_epoch", "epochs", "errors")  # whole numbers that follow from the others


def main() -> int:
    """Rerun, compare, say what was found; return 1 when something differs that must not."""
    argparse.ArgumentParser(prog="python -m tools.rerun", description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="rerun-") as folder:
        subprocess.run(["git", "clone", "-q", str(ROOT), folder], check=True)
        sandbox = Sandbox(Path(folder))
        done = subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=folder, env=sandbox.environment())
        if done.returncode:
            return done.returncode
        unlike = list(compare_bytes(ROOT, sandbox.path))
        numbers = list(compare_numbers(ROOT / "metrics", sandbox.path / "metrics"))
    machine = differences()
    return report(unlike, numbers, machine)


def report(unlike: list[str], numbers: list[str], machine: list[str]) -> int:
    """Print what the comparison found; return the exit code."""
    if not unlike:
        print("Same bytes: every output of the rerun is the one in dvc.lock.")
        return 0
    print("Other bytes:", *unlike, sep="\n  ")
    if not machine:
        print("The machine's fingerprint is the recorded one, so these should be the same bytes.")
        return 1
    print("The machine's fingerprint is another:", *machine, sep="\n  ")
    if numbers:
        print("Beyond the tolerance:", *numbers, sep="\n  ")
        return 1
    print("Every number lies within the tolerance for another machine.")
    return 0


def compare_bytes(recorded: Path, rerun: Path) -> Iterator[str]:
    """Yield `stage: path` for each output whose MD5 differs between the two dvc.lock files."""
    ours, theirs = _outputs(recorded), _outputs(rerun)
    for stage, path in sorted(ours.keys() | theirs.keys()):
        if ours.get((stage, path)) != theirs.get((stage, path)):
            yield f"{stage}: {path}"


def _outputs(repository: Path) -> dict[tuple[str, str], str]:
    lock = YAML(typ="safe").load(repository / "dvc.lock")
    return {
        (stage, out["path"]): out["md5"]
        for stage, entry in lock["stages"].items()
        for out in entry.get("outs", [])
    }


def compare_numbers(recorded: Path, rerun: Path) -> Iterator[str]:
    """Yield a line for each number in metrics/ that is missing or beyond its tolerance."""
    for path in sorted(recorded.glob("*.json")):
        if path.name == "fingerprint.json":
            continue
        ours, theirs = (
            dict(flatten(json.loads((folder / path.name).read_text()))) for folder in (recorded, rerun)
        )
        for key in sorted(ours.keys() | theirs.keys()):
            if not _close(key.rsplit(".", 1)[-1], ours.get(key), theirs.get(key)):
                yield f"{path.stem}: {key} is {theirs.get(key)}, recorded {ours.get(key)}"


def _close(name: str, ours: Any, theirs: Any) -> bool:
    if ours is None or theirs is None:
        return False
    if name in FREE:
        return True
    if name in SHARES:
        return abs(ours - theirs) <= SHARE_TOLERANCE
    return abs(ours - theirs) <= RELATIVE_TOLERANCE * max(abs(ours), abs(theirs))


if __name__ == "__main__":
    sys.exit(main())
