"""Run the committed pipeline in a fresh clone with an empty cache and compare its outputs with dvc.lock.

Every output must have the same bytes on any x86-64 processor with AVX2 and any number of cores. With a GPU,
another architecture or other libraries every metric must lie within the stated tolerance.
"""

import argparse
import json
import math
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from digits.compute import devices
from digits.networks.registry import CLASSIFIERS
from digits.pipeline import processes
from digits.pipeline.settings import read
from digits.tracking.digest import cached, locked_stages
from tools.dependencies import ROOT
from tools.sandbox import Sandbox

RECORDED = Path("metrics") / "fingerprint.json"  # what decides the bytes of the committed results
LIBRARIES = ("keras", "matplotlib", "numpy", "pandas", "pillow", "scikit-learn", "scipy", "tensorflow")
# A GPU may round differently; a training then takes another course, as with another seed.
# Accuracies may move by this much, all other metrics by this fraction of themselves.
ACCURACY_TOLERANCE = {"rel_tol": 0.0, "abs_tol": 0.006}
RELATIVE_TOLERANCE = {"rel_tol": 0.3}
ACCURACIES = {*CLASSIFIERS, *(f"{name}_val" for name in CLASSIFIERS), "pixels"}


class Unlike(NamedTuple):
    """An output with different bytes in the new run: both MD5s, None where the output is missing."""

    stage: str
    path: str
    recorded: str | None
    found: str | None

    def __str__(self) -> str:
        return f"{self.stage}: {self.path}"


def main() -> int:
    """Run the clone, compare and report; return 1 where a difference is not allowed."""
    parser = argparse.ArgumentParser(prog="python -m tools.verify", description=__doc__)
    parser.add_argument("--into", type=Path, help="empty folder in which the clone is kept")
    parser.add_argument("--record", action="store_true", help=f"write this machine to {RECORDED} instead")
    arguments = parser.parse_args()
    if arguments.record:
        (ROOT / RECORDED).write_text(json.dumps(fingerprint(), indent=2, sort_keys=True) + "\n")
        return 0
    kept = nullcontext(arguments.into) if arguments.into else tempfile.TemporaryDirectory(prefix="verify-")
    with kept as folder, tempfile.TemporaryDirectory() as other:
        rerun, recorded = _clone(Path(folder)), _clone(Path(other) / "recorded")
        (recorded / ".dvc" / "cache").symlink_to(ROOT / ".dvc" / "cache")  # to find the differing file
        environment = Sandbox(rerun).environment()
        done = processes.run([sys.executable, "-m", "dvc", "repro"], cwd=rerun, env=environment, own=True)
        if done.returncode:
            return done.returncode
        unlike = list(compare_bytes(recorded, rerun))
        detail = pinpoint(recorded, rerun, unlike[0]) if unlike else ""
        metrics = list(compare_metrics(recorded / "metrics", rerun / "metrics"))
        return report(unlike, detail, metrics, differences(recorded))


def fingerprint() -> dict[str, Any]:
    """Return what decides the bytes of a result, beside the commit."""
    found = {
        "gpu": any("gpu" in device.lower() for device in devices()),
        "libraries": {library: version(library) for library in LIBRARIES},
        "machine": platform.machine(),
        "system": platform.system(),
    }
    if read(ROOT / "params.yaml")["compute"]["instruction_set"] == "native":
        found["processor"] = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[:1]
    return found


def differences(repository: Path = ROOT) -> list[str]:
    """Return one line for each difference between this machine and the recorded one."""
    recorded, here = json.loads((repository / RECORDED).read_text()), fingerprint()
    unlike = [key for key in sorted(here | recorded) if recorded.get(key) != here.get(key)]
    return [f"{key}: recorded {recorded.get(key)}, here {here.get(key)}" for key in unlike]


def _clone(folder: Path) -> Path:
    """Clone the last commit into the folder, without the user's hooks, templates and line endings."""
    bare = ["clone", "-q", "--no-checkout", "--template=", str(ROOT), str(folder)]
    processes.run(["git", "-c", f"core.hooksPath={os.devnull}", *bare], check=True)
    Sandbox(folder).git("reset", "-q", "--hard")
    return folder


def report(unlike: list[Unlike], detail: str, metrics: list[str], machine: list[str]) -> int:
    """Print what the comparison found; return the exit code."""
    if not unlike:
        print("Same bytes: every output of the new run is the one in dvc.lock.")
        return 0
    print("Different bytes:", *unlike, sep="\n  ")
    print(f"The first difference is in {unlike[0].stage}: {detail}")
    if not machine:
        print("The machine has the recorded fingerprint, so the bytes should be the same.")
        return 1
    print("The machine's fingerprint differs:", *machine, sep="\n  ")
    if metrics:
        print("Beyond the tolerance:", *metrics, sep="\n  ")
        return 1
    print("Every metric lies within the tolerance for another machine.")
    return 0


def compare_bytes(recorded: Path, rerun: Path) -> Iterator[Unlike]:
    """Yield each output whose MD5 differs between the two dvc.lock files, in the order of dvc.yaml.

    Models come first within a stage, because everything else follows from them.
    """
    ours, theirs = _outputs(recorded), _outputs(rerun)
    order = list(YAML(typ="safe").load(recorded / "dvc.yaml")["stages"])
    place = {key: (order.index(key[0]), not key[1].endswith(".keras"), key[1]) for key in ours | theirs}
    for key in sorted(place, key=place.__getitem__):
        if ours.get(key) != theirs.get(key):
            yield Unlike(*key, ours.get(key), theirs.get(key))


def _outputs(repository: Path) -> dict[tuple[str, str], str]:
    stages = locked_stages(repository).items()
    return {(stage, out["path"]): out["md5"] for stage, entry in stages for out in entry.get("outs", [])}


def pinpoint(recorded: Path, rerun: Path, unlike: Unlike) -> str:
    """Return where an output differs: the first file of a folder, the tensor of a model.

    DVC's listings say which files differ or, for folders in git, git does.
    """
    if unlike.path.endswith(".keras"):
        return f"{unlike.path}, {_largest_difference(recorded, rerun, unlike)}"
    if not (rerun / unlike.path).is_dir():
        return unlike.path
    if changed := _listing(recorded, unlike.recorded) ^ _listing(rerun, unlike.found):
        return f"{unlike.path}/{min(changed)[0]}"
    status = Sandbox(rerun).git("status", "--porcelain", "--", unlike.path).splitlines()
    return status[0][3:] if status else f"{unlike.path} (DVC's cache does not list the recorded files)"


def _listing(repository: Path, md5: str | None) -> set[tuple[str, str]]:
    """Return names and MD5s of a folder's files from DVC's cache; nothing if it has no listing."""
    path = cached(md5 or "absent", repository)
    entries = json.loads(path.read_text()) if path.exists() else []
    return {(entry["relpath"], entry["md5"]) for entry in entries}


def _largest_difference(recorded: Path, rerun: Path, unlike: Unlike) -> str:
    """Return what `compare_models` says of a recorded model, if DVC's cache has it, and the new one."""
    ours = cached(unlike.recorded or "absent", recorded)
    if not ours.exists():
        return "the recorded model is not in DVC's cache, so the tensor is unknown"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "recorded.keras"
        shutil.copyfile(ours, copy)
        return compare_models(copy, rerun / unlike.path)


def compare_models(first: Path, second: Path) -> str:
    """Return the name of the tensor in which two stored models differ most, and by how much."""
    import numpy as np

    from digits.networks.common.saved import load_model

    pairs = list(zip(load_model(first).weights, load_model(second).weights, strict=False))
    if any(one.shape != other.shape for one, other in pairs):
        return "which has different layers"
    gaps = [float(np.abs(one.numpy() - other.numpy()).max()) for one, other in pairs]
    if not any(gaps):
        return "which has equal weights: the configuration differs"
    largest = int(np.argmax(gaps))
    return f"largest difference in {pairs[largest][0].path}: {gaps[largest]:.2g}"


def compare_metrics(recorded: Path, rerun: Path) -> Iterator[str]:
    """Yield a line for each metric of the pipeline that is missing or beyond its tolerance."""
    for path in sorted({*recorded.glob("*.json")} - {recorded / RECORDED.name}):
        ours, theirs = (json.loads((folder / path.name).read_text()) for folder in (recorded, rerun))
        for key in sorted(ours.keys() | theirs.keys()):
            tolerance = ACCURACY_TOLERANCE if key in ACCURACIES else RELATIVE_TOLERANCE
            one, other = ours.get(key), theirs.get(key)
            if one is None or other is None or not math.isclose(one, other, **tolerance):
                yield f"{path.stem}: {key} is {other}, recorded {one}"


if __name__ == "__main__":
    sys.exit(main())
