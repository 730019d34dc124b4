"""Diagnose common problems and suggest fixes."""

import argparse
import ctypes
import re
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from digits.pipeline import StageError, processes
from digits.pipeline.declaration import declared_settings
from digits.pipeline.settings import read
from digits.tracking import journal, store
from digits.tracking.sync import stale_stages
from tools.dependencies import ROOT
from tools.verify import differences

OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_GIGABYTES = 4
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; (.*?))? \\$", re.MULTILINE)


class Finding(NamedTuple):
    """The result of one check; `remedy` is empty where nothing needs to be done."""

    found: str
    remedy: str = ""
    fault: bool = False


def main() -> int:
    """Print all findings; return 1 if one of them is a fault."""
    argparse.ArgumentParser(prog="python -m tools.doctor", description=__doc__).parse_args()
    findings = {subject: check() for subject, check in CHECKS.items()}
    for subject, (found, remedy, fault) in findings.items():
        print(f"{'FAULT' if fault else 'note ' if remedy else 'ok   '}  {subject}: {found}")
        if remedy:
            print(f"       -> {remedy}")
    return 1 if any(finding.fault for finding in findings.values()) else 0


def _python() -> Finding:
    right = OLDEST <= sys.version_info[:2] <= NEWEST
    remedy = "" if right else "rm -r .venv, then make PYTHON=python3.12 repro"
    return Finding(sys.version.split()[0], remedy, fault=not right)


def _packages() -> Finding:
    """Compare the installed packages with requirements.lock."""
    pins = PIN.findall((ROOT / "requirements.lock").read_text())
    pinned = {name: pin for name, pin, marker in pins if not marker}
    wrong = []
    for name, pin in pinned.items():
        try:
            if version(name) != pin:
                wrong.append(f"{name} {version(name)} instead of {pin}")
        except PackageNotFoundError:
            wrong.append(f"{name} is missing")
    remedy = "rm .venv/installed, then make repro: it installs requirements.lock again" if wrong else ""
    return Finding("; ".join(wrong) or f"{len(pinned)} as pinned in requirements.lock", remedy, bool(wrong))


def _fingerprint() -> Finding:
    """Compare this machine with the one that made the committed results."""
    if unlike := differences():
        remedy = "nothing: expect different last bits; `make verify` compares within a tolerance"
        return Finding("; ".join(unlike), remedy)
    return Finding("as recorded with the results: expect the same bytes")


def _git() -> Finding:
    if processes.output("git", "rev-parse", "--is-inside-work-tree", cwd=ROOT) != "true":
        return Finding("no repository here", "clone the repository instead of copying it", fault=True)
    if all(processes.output("git", "config", key, cwd=ROOT) for key in ("user.email", "user.name")):
        return Finding("the repository and the committer are known")
    remedy = "git config user.name NAME; git config user.email ADDRESS"
    return Finding("no committer, which `dvc exp run --queue` needs", remedy)


def _disk() -> Finding:
    """Check the space for data, cache and runs."""
    free = shutil.disk_usage(ROOT).free / 1e9
    short = free < NEEDED_GIGABYTES
    remedy = "free some space, or move DVC's cache: dvc cache dir FOLDER" if short else ""
    return Finding(f"{free:.0f} GB free, {NEEDED_GIGABYTES} needed", remedy, fault=short)


def _settings() -> Finding:
    """Look for settings that no stage of dvc.yaml depends on: changing them would change nothing."""
    keys = read(ROOT / "params.yaml").keys()
    if lost := ", ".join(sorted(keys - declared_settings(ROOT))):
        remedy = "python -m tools.dependencies declares what the stages read; remove the rest"
        return Finding(f"no stage depends on {lost}", remedy, fault=True)
    return Finding(f"{len(keys)} blocks, each declared in dvc.yaml")


def _pipeline() -> Finding:
    """Ask DVC which results do not belong to the working tree."""
    try:
        stale = ", ".join(stage for stage in stale_stages() if ":" not in stage)  # without the studies
    except StageError as error:
        return Finding(str(error), "correct dvc.yaml or params.yaml", fault=True)
    if stale:
        return Finding(f"out of date: {stale}", "make repro")
    return Finding("all results belong to the current settings and code")


def _mlflow() -> Finding:
    try:
        store.client()
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        remedy = "start the server, or unset MLFLOW_TRACKING_URI; for a sqlite file: mlflow db upgrade URI"
        return Finding(f"{store.tracking_uri()} does not open: {reason}", remedy, fault=True)
    return Finding(f"{store.tracking_uri()} opens")


def _journal() -> Finding:
    """Count the runs that MLflow has not received."""
    if waiting := [path.name for path in journal.journals() if journal.waits(path)]:
        found = f"{len(waiting)} runs are not sent yet, the oldest is {waiting[0]}"
        return Finding(found, "python -m digits.tracking sync")
    return Finding("all sent")


def _gpu() -> Finding:
    """Check whether TensorFlow finds a GPU, and if not, why."""
    if not Path("/proc/driver/nvidia").exists():
        return Finding("none, as no NVIDIA driver is loaded: the processor computes")
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return Finding(f"the driver's library is missing: {error}", "install the driver's libcuda", True)
    script = "import keras; print(*keras.distribution.list_devices('gpu'))"
    if seen := processes.output(sys.executable, "-c", script, cwd=ROOT):
        return Finding(f"TensorFlow computes on {seen}")
    found = "a driver is loaded, but TensorFlow finds no CUDA libraries"
    return Finding(found, ".venv/bin/uv pip install --python .venv/bin/python '.[gpu]'")


CHECKS: dict[str, Callable[[], Finding]] = {
    "Python": _python, "packages": _packages, "fingerprint": _fingerprint, "git": _git, "disk": _disk,
    "settings": _settings, "pipeline": _pipeline, "MLflow": _mlflow, "journal": _journal, "GPU": _gpu,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
