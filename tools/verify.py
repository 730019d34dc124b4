"""Runs the committed pipeline in a fresh clone with an empty cache and compares it with dvc.lock.

Where this machine's fingerprint is the recorded one, every output must have the same bytes; elsewhere
every number in metrics/ must lie within the stated tolerance.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from digits.pipeline import processes
from digits.pipeline.settings import flatten
from digits.tracking.digest import cached, locked_stages
from tools.fingerprint import ROOT, differences
from tools.sandbox import Sandbox

# Another processor rounds otherwise, and a training then goes another way, as with another seed.
# Shares (accuracies and the like) may move by this much, all other numbers by this part of themselves.
SHARE_TOLERANCE = 0.006
RELATIVE_TOLERANCE = 0.3
SHARES = (
    "accuracy", "accuracy_confirmed", "accuracy_high", "accuracy_low", "average_precision",
    "balanced_accuracy", "both", "first", "macro_f1", "roc_auc", "second", "top2_accuracy", "val_accuracy",
)  # fmt: skip
FREE = (  # counts that follow from the others, and what one image more or less changes much
    "best", "best_epoch", "both_right", "both_wrong", "completeness_error", "dead", "epochs", "errors",
    "henze_zirkler_p", "mardia_kurtosis_p", "mardia_skewness_p", "mcnemar_log10_p", "only_cnn_right",
    "only_mlp_right", "silent", "unreached",
)  # fmt: skip


@dataclass(frozen=True)
class Unlike:
    """An output whose bytes in the new run are not the recorded ones (MD5, None where there is none)."""

    stage: str
    path: str
    recorded: str | None
    found: str | None

    def __str__(self) -> str:
        return f"{self.stage}: {self.path}"


def main() -> int:
    """Run the clone, compare, say what was found; return 1 when something differs that must not."""
    parser = argparse.ArgumentParser(prog="python -m tools.verify", description=__doc__)
    parser.add_argument("--into", type=Path, help="empty folder that keeps the clone, its MLflow store too")
    with _folder(parser.parse_args().into) as rerun, tempfile.TemporaryDirectory() as other:
        recorded = _clone(Path(other) / "recorded")
        (recorded / ".dvc" / "cache").symlink_to(ROOT / ".dvc" / "cache")  # to name a file or tensor
        environment = Sandbox(_clone(rerun)).environment()
        done = processes.run([sys.executable, "-m", "dvc", "repro"], cwd=rerun, env=environment, own=True)
        if done.returncode:
            return done.returncode
        unlike = list(compare_bytes(recorded, rerun))
        detail = pinpoint(recorded, rerun, unlike[0]) if unlike else ""
        numbers = list(compare_numbers(recorded / "metrics", rerun / "metrics"))
        return report(unlike, detail, numbers, differences(recorded))


def _clone(folder: Path) -> Path:
    """Clone the last commit into the folder, without the user's hooks, templates and line endings."""
    bare = ["clone", "-q", "--no-checkout", "--template=", str(ROOT), str(folder)]
    processes.run(["git", "-c", f"core.hooksPath={os.devnull}", *bare], check=True)
    Sandbox(folder).git("reset", "-q", "--hard")
    return folder


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """Yield the chosen folder, which stays, or a temporary one."""
    if chosen:
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        yield Path(folder)


def report(unlike: list[Unlike], detail: str, numbers: list[str], machine: list[str]) -> int:
    """Print what the comparison found; return the exit code."""
    if not unlike:
        print("Same bytes: every output of the new run is the one in dvc.lock.")
        return 0
    print("Other bytes:", *unlike, sep="\n  ")
    print(f"The first difference is in {unlike[0].stage}: {detail}")
    if not machine:
        print("The machine's fingerprint is the recorded one, so these should be the same bytes.")
        return 1
    print("The machine's fingerprint is another:", *machine, sep="\n  ")
    if numbers:
        print("Beyond the tolerance:", *numbers, sep="\n  ")
        return 1
    print("Every number lies within the tolerance for another machine.")
    return 0


def compare_bytes(recorded: Path, rerun: Path) -> Iterator[Unlike]:
    """Yield each output whose MD5 differs between the two dvc.lock files, in the order of dvc.yaml.

    Within a stage models come first, since everything else follows from them.
    """
    ours, theirs = _outputs(recorded), _outputs(rerun)
    order = list(YAML(typ="safe").load(recorded / "dvc.yaml")["stages"])
    for stage, path in sorted(
        ours.keys() | theirs.keys(), key=lambda key: (order.index(key[0]), not _is_model(key[1]), key[1])
    ):
        unlike = Unlike(stage, path, ours.get((stage, path)), theirs.get((stage, path)))
        if unlike.recorded != unlike.found:
            yield unlike


def _is_model(path: str) -> bool:
    return path.endswith(".keras")


def _outputs(repository: Path) -> dict[tuple[str, str], str]:
    return {
        (stage, out["path"]): out["md5"]
        for stage, entry in locked_stages(repository).items()
        for out in entry.get("outs", [])
    }


def pinpoint(recorded: Path, rerun: Path, unlike: Unlike) -> str:
    """Say where in an output the first difference is: the file in a folder, the tensor in a model."""
    if (rerun / unlike.path).is_dir():
        return _first_file(recorded, rerun, unlike)
    if _is_model(unlike.path):
        return f"{unlike.path}, {_largest_difference(recorded, rerun, unlike)}"
    return unlike.path


def _first_file(recorded: Path, rerun: Path, unlike: Unlike) -> str:
    """Return the first file that differs, from DVC's listings or, where git holds the folder, from git."""
    ours, theirs = (
        _listing(repository, md5) for repository, md5 in ((recorded, unlike.recorded), (rerun, unlike.found))
    )
    changed = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if changed:
        return f"{unlike.path}/{changed[0]}"
    status = Sandbox(rerun).git("status", "--porcelain", "--", unlike.path).splitlines()
    return status[0][3:] if status else f"{unlike.path} (which file is unknown: its recorded listing is gone)"


def _listing(repository: Path, md5: str | None) -> dict[str, str]:
    """Return the files of a folder by name, as DVC's cache lists them; nothing where it does not."""
    path = cached(md5 or "absent", repository)
    if not path.exists():
        return {}
    return {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_text())}


def _largest_difference(recorded: Path, rerun: Path, unlike: Unlike) -> str:
    """Name the tensor in which two models differ most."""
    import numpy as np

    from digits.networks.common.saved import load_model

    ours = cached(unlike.recorded or "absent", recorded)
    if not ours.exists():
        return "which tensor is unknown: the recorded model is not in DVC's cache here"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "recorded.keras"
        shutil.copyfile(ours, copy)
        pairs = list(zip(load_model(copy).weights, load_model(rerun / unlike.path).weights, strict=False))
    if any(one.shape != other.shape for one, other in pairs):
        return "whose layers are others"
    gaps = [float(np.abs(one.numpy() - other.numpy()).max()) for one, other in pairs]
    if not any(gaps):
        return "whose weights are equal: the configuration differs"
    largest = int(np.argmax(gaps))
    return f"largest difference in {pairs[largest][0].path}: {gaps[largest]:.2g}"


def compare_numbers(recorded: Path, rerun: Path) -> Iterator[str]:
    """Yield a line for each number in metrics/ that is missing or beyond its tolerance."""
    for path in sorted(recorded.glob("*.json")):
        if path.name == "fingerprint.json":
            continue
        ours, theirs = (
            dict(flatten(json.loads((folder / path.name).read_text()))) for folder in (recorded, rerun)
        )
        for key in sorted(ours.keys() | theirs.keys()):
            if not _close(key.split("."), ours.get(key), theirs.get(key)):
                yield f"{path.stem}: {key} is {theirs.get(key)}, recorded {ours.get(key)}"


def _close(names: list[str], ours: Any, theirs: Any) -> bool:
    if ours is None or theirs is None:
        return False
    if any(name in FREE for name in names):
        return True
    if names[-1] in SHARES:
        return abs(ours - theirs) <= SHARE_TOLERANCE
    return abs(ours - theirs) <= RELATIVE_TOLERANCE * max(abs(ours), abs(theirs))


if __name__ == "__main__":
    sys.exit(main())
