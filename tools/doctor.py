"""Looks at everything the pipeline needs, and says of each thing whether it is well and what helps if not."""

import argparse
import ctypes
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ruamel.yaml import YAML

from digits.pipeline import StageError, processes
from digits.pipeline.settings import flatten, read
from digits.tracking import journal, store
from digits.tracking.sync import stale_stages
from tools.fingerprint import ROOT, differences

OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_GIGABYTES = 4
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; (.*?))? \\$", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `remedy` is empty where nothing is to be done."""

    subject: str
    found: str
    remedy: str = ""
    fault: bool = False


def main() -> int:
    """Print all findings; return 1 where one of them is a fault."""
    argparse.ArgumentParser(prog="python -m tools.doctor", description=__doc__).parse_args()
    findings = [finding for check in CHECKS for finding in check()]
    for finding in findings:
        mark = "FAULT" if finding.fault else "note " if finding.remedy else "ok   "
        print(f"{mark}  {finding.subject}: {finding.found}")
        if finding.remedy:
            print(f"       -> {finding.remedy}")
    return 1 if any(finding.fault for finding in findings) else 0


def python() -> Iterator[Finding]:
    """Look at the interpreter."""
    right = OLDEST <= sys.version_info[:2] <= NEWEST
    remedy = "" if right else "make PYTHON=python3.12 repro, after rm -r .venv"
    yield Finding("Python", sys.version.split()[0], remedy, fault=not right)


def packages() -> Iterator[Finding]:
    """Compare what is installed with requirements.lock."""
    pinned = {
        name: pin for name, pin, marker in PIN.findall((ROOT / "requirements.lock").read_text()) if not marker
    }
    unlike = []
    for name, pin in pinned.items():
        try:
            if version(name) != pin:
                unlike.append(f"{name} {version(name)} instead of {pin}")
        except PackageNotFoundError:
            unlike.append(f"{name} is missing")
    if unlike:
        remedy = "rm .venv/installed, then make repro: it installs requirements.lock anew"
        yield Finding("packages", "; ".join(unlike), remedy, fault=True)
    else:
        yield Finding("packages", f"{len(pinned)} as pinned in requirements.lock")


def fingerprint() -> Iterator[Finding]:
    """Compare this machine with the one that made the committed results."""
    unlike = differences()
    if unlike:
        remedy = "nothing: other last bits are to be expected, and `make verify` compares by tolerance"
        yield Finding("fingerprint", "; ".join(unlike), remedy)
    else:
        yield Finding("fingerprint", "as recorded with the results: the same bytes are to be expected")


def git() -> Iterator[Finding]:
    """Look for a repository and a committer."""
    if _output("git", "rev-parse", "--is-inside-work-tree") != "true":
        yield Finding("git", "no repository here", "clone the repository instead of copying it", fault=True)
        return
    if _output("git", "config", "user.email") and _output("git", "config", "user.name"):
        yield Finding("git", "repository and committer are known")
    else:
        remedy = "git config user.name NAME; git config user.email ADDRESS"
        yield Finding("git", "no committer, which `dvc exp run --queue` wants", remedy)


def disk() -> Iterator[Finding]:
    """Look at the room for data, cache and record."""
    free = shutil.disk_usage(ROOT).free / 1e9
    short = free < NEEDED_GIGABYTES
    remedy = "make room, or move DVC's cache: dvc cache dir FOLDER" if short else ""
    yield Finding("disk", f"{free:.0f} GB free, {NEEDED_GIGABYTES} needed", remedy, fault=short)


def results() -> Iterator[Finding]:
    """Ask DVC which results are not those of the working tree."""
    try:
        stale = [stage for stage in stale_stages() if ":" not in stage]  # without the studies
    except StageError as error:
        yield Finding("pipeline", str(error), "mend dvc.yaml or params.yaml", fault=True)
        return
    if stale:
        yield Finding("pipeline", f"to be run: {', '.join(stale)}", "make repro")
    else:
        yield Finding("pipeline", "all results are those of the settings and the code")


def undeclared() -> Iterator[Finding]:
    """Look for settings that no stage of dvc.yaml depends on: changing them would change nothing."""
    pipelines = [YAML(typ="safe").load(ROOT / name) for name in ("dvc.yaml", "studies/dvc.yaml")]
    stages = [stage for pipeline in pipelines for stage in pipeline["stages"].values()]
    declared = {key for stage in stages for key in stage.get("params", []) if isinstance(key, str)}
    keys = [key for key, _ in flatten(read(ROOT / "params.yaml"))]
    lost = [key for key in keys if not any(key == known or key.startswith(f"{known}.") for known in declared)]
    if lost:
        remedy = "name them under `params:` of the stage that reads them, in dvc.yaml"
        yield Finding("settings", f"no stage depends on {', '.join(lost)}", remedy, fault=True)
    else:
        yield Finding("settings", f"{len(keys)}, each declared in dvc.yaml")


def record() -> Iterator[Finding]:
    """Open MLflow's store, and count the journals that it has not received."""
    try:
        store.client()
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        remedy = "start the server, or unset MLFLOW_TRACKING_URI; a sqlite file: mlflow db upgrade URI"
        yield Finding("MLflow", f"{store.tracking_uri()} does not open: {reason}", remedy, fault=True)
    else:
        yield Finding("MLflow", f"{store.tracking_uri()} opens")
    waiting = [path.name for path in journal.journals() if journal.waits(path)]
    if waiting:
        found = f"{len(waiting)} runs wait to be sent, the oldest is {waiting[0]}"
        yield Finding("journal", found, "python -m digits.tracking sync")
    else:
        yield Finding("journal", "everything is sent")


def gpu() -> Iterator[Finding]:
    """Say whether TensorFlow sees a GPU, and if not, why."""
    if not Path("/proc/driver/nvidia").exists():
        yield Finding("GPU", "none: no NVIDIA driver is loaded, the processor computes")
        return
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        yield Finding(
            "GPU", f"driver without its library: {error}", "install the driver's libcuda", fault=True
        )
        return
    code = "import keras; print(*keras.distribution.list_devices('gpu'))"
    seen = _output(sys.executable, "-c", code)
    if seen:
        yield Finding("GPU", f"TensorFlow computes on {seen}")
    else:
        remedy = ".venv/bin/pip install '.[gpu]'"
        yield Finding("GPU", "a driver is loaded, but TensorFlow finds no CUDA libraries", remedy)


def _output(*command: str) -> str:
    done = processes.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python, packages, fingerprint, git, disk, undeclared, results, record, gpu,
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
