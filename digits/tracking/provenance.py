"""Where a run comes from: commit, settings and code, experiment, backend, device, the machine's load."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from digits.pipeline import processes
from digits.pipeline.declaration import declared_settings, is_code, read_pipeline
from digits.pipeline.settings import flatten, read
from digits.tracking.digest import digests

STATE = "state"  # tag: the key of the pipeline's state
# What decides the results, as git's pathspecs; the results of the studies lie in their folder.
DECISIVE = ("digits", "stages", "studies", "dvc.yaml", "params.yaml", "requirements.lock")
RESULTS = (":(exclude)studies/dvc.lock", ":(exclude)studies/metrics", ":(exclude)studies/plots")


def read_state(params: Path) -> dict[str, Any]:
    """Return the state of the pipeline: `settings` by dotted names, and a `key` for them and all code.

    The raw data need no place in the key: the setting `dataset` and the code name them by SHA-256.
    """
    stages = read_pipeline(Path()).get("stages", {}).values()
    declared = declared_settings(Path())
    document = {key: value for key, value in read(params).items() if not stages or key in declared}
    settings = dict(flatten(document))
    code = digests(sorted({Path(dep) for stage in stages for dep in stage.get("deps", []) if is_code(dep)}))
    content = json.dumps([settings, sorted((path, md5) for md5, path in code.items())], sort_keys=True)
    return {"key": hashlib.sha256(content.encode()).hexdigest()[:16], "settings": settings}


def tags() -> dict[str, str]:
    """Return the tags that say which code ran, as far as git and DVC know."""
    commit = processes.output("git", "rev-parse", "HEAD", timeout=30)
    changed = processes.output("git", "status", "--porcelain", "--", *DECISIVE, *RESULTS, timeout=30)
    known = {
        "commit": commit,
        "mlflow.source.git.commit": commit,
        "dirty": str(bool(changed)).lower(),
        "experiment": os.environ.get("DVC_EXP_NAME", ""),
        "baseline": os.environ.get("DVC_EXP_BASELINE_REV", ""),
    }
    return {key: value for key, value in known.items() if value}


def device() -> dict[str, str]:
    """Return the Keras backend and the device that it computes on; nothing where Keras is not loaded."""
    keras, compute = sys.modules.get("keras"), sys.modules.get("digits.compute")
    if keras is None or compute is None:
        return {}
    return {"backend": keras.backend.backend(), "device": ", ".join(compute.devices())}


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
