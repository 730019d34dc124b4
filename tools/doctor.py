"""Diagnose common problems and suggest fixes."""

import argparse
import ctypes
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from digits.pipeline import StageError, processes
from digits.pipeline.declaration import declared_settings
from digits.pipeline.settings import read
from digits.tracking import journal, store
from digits.tracking.sync import stale_stages
from tools.fingerprint import ROOT, differences

OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_GIGABYTES = 4
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; (.*?))? \\$", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """The result of one check; `remedy` is empty where nothing needs to be done."""

    subject: str
    found: str
    remedy: str = ""
    fault: bool = False


def main() -> int:
    """Print all findings; return 1 if one of them is a fault."""
    argparse.ArgumentParser(prog="python -m tools.doctor", description=__doc__).parse_args()
    findings = [finding for check in CHECKS for finding in check()]
    for finding in findings:
        mark = "FAULT" if finding.fault else "note " if finding.remedy else "ok   "
        print(f"{mark}  {finding.subject}: {finding.found}")
        if finding.remedy:
            print(f"       -> {finding.remedy}")
    return 1 if any(finding.fault for finding in findings) else 0


def python() -> Iterator[Finding]:
    """Check the version of Python."""
    right = OLDEST <= sys.version_info[:2] <= NEWEST
    remedy = "" if right else "rm -r .venv, then make PYTHON=python3.12 repro"
    yield Finding("Python", sys.version.split()[0], remedy, fault=not right)


def packages() -> Iterator[Finding]:
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
    found = "; ".join(wrong) or f"{len(pinned)} as pinned in requirements.lock"
    remedy = "rm .venv/installed, then make repro: it installs requirements.lock again" if wrong else ""
    yield Finding("packages", found, remedy, fault=bool(wrong))


def fingerprint() -> Iterator[Finding]:
    """Compare this machine with the one that made the committed results."""
    if unlike := differences():
        remedy = "nothing: expect different last bits; `make verify` compares within a tolerance"
        yield Finding("fingerprint", "; ".join(unlike), remedy)
    else:
        yield Finding("fingerprint", "as recorded with the results: expect the same bytes")


def git() -> Iterator[Finding]:
    """Check that this is a git repository and that git knows a committer."""
    if _output("git", "rev-parse", "--is-inside-work-tree") != "true":
        yield Finding("git", "no repository here", "clone the repository instead of copying it", fault=True)
    elif _output("git", "config", "user.email") and _output("git", "config", "user.name"):
        yield Finding("git", "the repository and the committer are known")
    else:
        remedy = "git config user.name NAME; git config user.email ADDRESS"
        yield Finding("git", "no committer, which `dvc exp run --queue` needs", remedy)


def disk() -> Iterator[Finding]:
    """Check the space for data, cache and runs."""
    free = shutil.disk_usage(ROOT).free / 1e9
    short = free < NEEDED_GIGABYTES
    remedy = "free some space, or move DVC's cache: dvc cache dir FOLDER" if short else ""
    yield Finding("disk", f"{free:.0f} GB free, {NEEDED_GIGABYTES} needed", remedy, fault=short)


def settings() -> Iterator[Finding]:
    """Look for settings that no stage of dvc.yaml depends on: changing them would change nothing."""
    keys = read(ROOT / "params.yaml").keys()
    lost = ", ".join(sorted(keys - declared_settings(ROOT)))
    found = f"no stage depends on {lost}" if lost else f"{len(keys)} blocks, each declared in dvc.yaml"
    remedy = "python -m tools.dependencies declares what the stages read; remove the rest" if lost else ""
    yield Finding("settings", found, remedy, fault=bool(lost))


def results() -> Iterator[Finding]:
    """Ask DVC which results do not belong to the working tree."""
    try:
        stale = ", ".join(stage for stage in stale_stages() if ":" not in stage)  # without the studies
    except StageError as error:
        yield Finding("pipeline", str(error), "correct dvc.yaml or params.yaml", fault=True)
        return
    found = f"out of date: {stale}" if stale else "all results belong to the current settings and code"
    yield Finding("pipeline", found, "make repro" if stale else "")


def tracking() -> Iterator[Finding]:
    """Open MLflow's store, and count the runs that it has not received."""
    try:
        store.client()
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        remedy = "start the server, or unset MLFLOW_TRACKING_URI; for a sqlite file: mlflow db upgrade URI"
        yield Finding("MLflow", f"{store.tracking_uri()} does not open: {reason}", remedy, fault=True)
    else:
        yield Finding("MLflow", f"{store.tracking_uri()} opens")
    waiting = [path.name for path in journal.journals() if journal.waits(path)]
    found = f"{len(waiting)} runs are not sent yet, the oldest is {waiting[0]}" if waiting else "all sent"
    yield Finding("journal", found, "python -m digits.tracking sync" if waiting else "")


def gpu() -> Iterator[Finding]:
    """Check whether TensorFlow finds a GPU, and if not, why."""
    if not Path("/proc/driver/nvidia").exists():
        yield Finding("GPU", "none, as no NVIDIA driver is loaded: the processor computes")
        return
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        remedy = "install the driver's libcuda"
        yield Finding("GPU", f"the driver's library is missing: {error}", remedy, fault=True)
        return
    seen = _output(sys.executable, "-c", "import keras; print(*keras.distribution.list_devices('gpu'))")
    if seen:
        yield Finding("GPU", f"TensorFlow computes on {seen}")
    else:
        remedy = ".venv/bin/pip install '.[gpu]'"
        yield Finding("GPU", "a driver is loaded, but TensorFlow finds no CUDA libraries", remedy)


def _output(*command: str) -> str:
    done = processes.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python, packages, fingerprint, git, disk, settings, results, tracking, gpu,
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
