"""One MLflow run for each state of the pipeline: all settings, all headline figures, links to the stages.

So the variants of `dvc exp run` compare as one row each, whichever stages had to run for them.
"""

from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient

from digits.tracking import store
from digits.tracking.batches import log_metrics, log_params, log_tags
from digits.tracking.journal import PARAMS, Event

NAME = "pipeline"  # of the run, and value of its tag `stage`
STATE = "state"  # tag: the key of the state
LINK = "run."  # beginning of the tags that name each stage's run
SHARED_TAGS = ("commit", "dirty", "experiment", "baseline")


def enter(client: MlflowClient, experiment: str, start: Event, files: Path) -> str:
    """Return the run of the state that a stage started in, created where there is none."""
    key = start["state"]["key"]
    with store.alone():
        query = f"tags.stage = '{NAME}' and tags.{STATE} = '{key}'"
        found = client.search_runs([experiment], query, max_results=1)
        if found and found[0].info.status == "FINISHED":
            return str(found[0].info.run_id)
        tags = {"stage": NAME, STATE: key} | {k: v for k, v in start["tags"].items() if k in SHARED_TAGS}
        name = tags.get("experiment", NAME)
        run = found[0] if found else client.create_run(experiment, start["time"], tags, name)
        run_id = run.info.run_id
    log_params(client, run_id, start["state"]["settings"])
    if (files / PARAMS).exists():
        client.log_artifact(run_id, str(files / PARAMS))
    client.set_terminated(run_id, end_time=start["time"])
    return str(run_id)


def add(client: MlflowClient, run_id: str, stage: str, values: Mapping[str, float], time: int) -> None:
    """Put a stage's figures on the state's run."""
    log_metrics(client, run_id, {f"{stage}.{name}": value for name, value in values.items()}, time)


def link(client: MlflowClient, run_id: str, stage: str, stage_run: str) -> None:
    """Name the stage's run on the state's run."""
    log_tags(client, run_id, {f"{LINK}{stage}": stage_run})
