"""Where a run comes from: commit, settings and code, experiment, backend, device, the machine's load."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypedDict

from digits.pipeline import processes
from digits.pipeline.declaration import declared_settings, is_code, read_pipeline
from digits.pipeline.settings import flatten, read
from digits.tracking.digest import digests

STATE = "state"  # tag: the key of a PipelineState
# What decides the results, as git's pathspecs; the results of the studies lie in their folder.
DECISIVE = ("digits", "stages", "studies", "dvc.yaml", "params.yaml", "requirements.lock")
RESULTS = (":(exclude)studies/dvc.lock", ":(exclude)studies/metrics", ":(exclude)studies/plots")


class PipelineState(TypedDict):
    """A key for all settings and all code of the pipeline, and the settings by dotted names.

    The raw data need no place in the key: the setting `dataset` and the code name them by SHA-256.
    """

    key: str
    settings: dict[str, Any]


def read_state(params: Path) -> PipelineState:
    """Return the state of the working tree; the key changes with any declared setting or line of code."""
    stages = read_pipeline(Path()).get("stages", {}).values()
    declared = declared_settings(Path())
    document = {key: value for key, value in read(params).items() if not stages or key in declared}
    settings = dict(flatten(document))
    code = digests(sorted({Path(dep) for stage in stages for dep in stage.get("deps", []) if is_code(dep)}))
    content = json.dumps([settings, sorted((path, md5) for md5, path in code.items())], sort_keys=True)
    return {"key": hashlib.sha256(content.encode()).hexdigest()[:16], "settings": settings}


def tags() -> dict[str, str]:
    """Return the tags that say which code ran, as far as git and DVC know."""
    commit = _git("rev-parse", "HEAD")
    known = {
        "commit": commit,
        "mlflow.source.git.commit": commit,
        "dirty": str(bool(_git("status", "--porcelain", "--", *DECISIVE, *RESULTS))).lower(),
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


def load() -> Iterator[dict[str, float]]:
    """Yield the machine's load at each moment that one is taken; names as in MLflow's own system metrics."""
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

    monitors = [CPUMonitor()]
    with suppress(ImportError, RuntimeError):  # without NVIDIA's library or its GPUs
        monitors.append(GPUMonitor())
    while True:
        values: dict[str, float] = {}
        for monitor in monitors:
            monitor.collect_metrics()
            values |= {f"system/{name}": value for name, value in monitor.aggregate_metrics().items()}
            monitor.clear_metrics()
        yield values


def _git(*arguments: str) -> str:
    try:
        done = processes.run(["git", *arguments], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
