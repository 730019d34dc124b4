"""Where a run comes from: commit, state of the tree, experiment, backend and device."""

import os
import subprocess
import sys

from digits.pipeline import processes

ASKED = ("stages", "studies", "dvc.yaml", "params.yaml", "requirements.lock")  # what decides the results


def tags() -> dict[str, str]:
    """Return the tags that say which code ran, as far as git and DVC know."""
    commit = _git("rev-parse", "HEAD")
    known = {
        "commit": commit,
        "mlflow.source.git.commit": commit,
        "dirty": str(bool(_git("status", "--porcelain", "--", *ASKED))).lower(),
        "experiment": os.environ.get("DVC_EXP_NAME", ""),
        "baseline": os.environ.get("DVC_EXP_BASELINE_REV", ""),
    }
    return {key: value for key, value in known.items() if value}


def device() -> dict[str, str]:
    """Return the Keras backend and the device that it computes on; nothing where Keras is not loaded."""
    keras = sys.modules.get("keras")
    if keras is None:
        return {}
    devices = keras.distribution.list_devices("gpu") or keras.distribution.list_devices("cpu")
    return {"backend": keras.backend.backend(), "device": ", ".join(devices)}


def _git(*arguments: str) -> str:
    try:
        done = processes.run(["git", *arguments], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
