"""A stage in a process of its own that only tracks a run, and what MLflow has of it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from digits.pipeline import processes
from tests.support.helpers import ROOT

DEAD_SERVER = "http://127.0.0.1:9"
STAGE = """
    import sys, time
    from pathlib import Path
    from digits import tracking

    name, seconds = sys.argv[1], float(sys.argv[2])
    out, metrics = Path(name) / "out.txt", Path(name) / "figures.json"
    entry = tracking.Entry(name, "digits", {"block.size": 3}, {}, {out: "file", metrics: "metrics"})
    with tracking.start(entry) as run:
        run.epoch(1, {"loss": 0.5, "loss (größte), %": 0.25})
        print("started", flush=True)
        time.sleep(seconds)
        out.parent.mkdir(exist_ok=True)
        out.write_text(name)
        metrics.write_text('{"net": {"accuracy": 0.75}, "words": ["left", "out"]}')
"""


def start(folder: Path, name: str, seconds: float = 0, **environment: str) -> "subprocess.Popen[str]":
    return processes.start(
        [sys.executable, "-c", textwrap.dedent(STAGE), name, str(seconds)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> str:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return errors


def runs(folder: Path) -> dict[str, Run]:
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("digits")
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
