"""Replays journals into MLflow: each event is sent once, through the client, in its order.

Beside the run of each stage there is one run per state of the pipeline, with all settings, all metrics and
links to the stages' runs: variants of `dvc exp run` compare as one row each, whichever stages had to run.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from digits.tracking import store
from digits.tracking.digest import INPUT, OUTPUT
from digits.tracking.journal import PARAMS, Event, Journal, journals
from digits.tracking.provenance import STATE
from digits.tracking.uploads import log_metrics, log_model, log_params, log_tags

PIPELINE = "pipeline"  # name of a state's run, and value of its tag `stage`
LINK = "run."  # prefix of the tags that name each stage's run
SHARED_TAGS = ("commit", "dirty", "experiment", "baseline")
JOURNAL_TAG = "journal"


def send(journal: Journal) -> None:
    """Send what MLflow has not received of this journal."""
    events = journal.unsent()
    if not events:
        return
    replay = _Replay(store.client(), journal)
    for event in events:
        replay.handle(event)
        journal.save_state(sent=journal.state["sent"] + 1)
    if events[-1]["event"] == "end":
        journal.forget_files()


def send_all(own: Journal | None = None) -> int:
    """Send what is left of journals whose process is gone; return their number.

    A run without an end is closed as KILLED; `own` is left out. Raises ExceptionGroup with the faults of
    journals that could not be sent, after the others were.
    """
    faults: list[Exception] = []
    sent = 0
    for path in journals():
        if own and path == own.path:
            continue
        journal = Journal(path)
        try:
            if journal.unfinished() and journal.lock():
                if not journal.events():
                    journal.discard()
                    continue
                if not journal.ended():
                    journal.append("end", status="KILLED")
                send(journal)
                sent += 1
        except Exception as error:  # one journal must not block the others
            faults.append(RuntimeError(f"{path.name}: {type(error).__name__}: {error}"))
        finally:
            journal.close()
    if faults:
        raise ExceptionGroup("journals that could not be sent", faults)
    return sent


class _Replay:
    """One journal's events on their way to its MLflow run."""

    def __init__(self, client: MlflowClient, journal: Journal) -> None:
        self._client = client
        self._journal = journal

    def handle(self, event: Event) -> None:
        getattr(self, f"_{event['event']}")(event)

    @property
    def _run_id(self) -> str:
        return str(self._journal.state["run_id"])

    @property
    def _pipeline_id(self) -> str | None:
        return self._journal.state.get("pipeline_id")

    def _start(self, event: Event) -> None:
        experiment = store.experiment_id(self._client, event["experiment"])
        run_id = (
            self._existing(experiment)
            or self._client.create_run(
                experiment,
                start_time=event["time"],
                run_name=event["stage"],
                tags={JOURNAL_TAG: self._journal.path.name},
            ).info.run_id
        )
        self._journal.save_state(run_id=run_id, stage=event["stage"])
        if event.get("state"):
            params = self._journal.files / PARAMS
            row = enter(self._client, experiment, event["time"], event["state"], event["tags"], params)
            self._journal.save_state(pipeline_id=row)
            log_tags(self._client, run_id, {MLFLOW_PARENT_RUN_ID: row, STATE: event["state"]["key"]})
        log_params(self._client, run_id, event["settings"])
        inputs = {f"{INPUT}{digest}": path for digest, path in event["inputs"].items()}
        log_tags(self._client, run_id, event["tags"] | inputs)
        datasets = [_dataset(event["experiment"], *item) for item in event["data"].items()]
        if datasets:
            self._client.log_inputs(run_id, datasets)

    def _existing(self, experiment: str) -> str | None:
        """Find the run that an earlier replay created before it was cut off."""
        query = f"tags.{JOURNAL_TAG} = '{self._journal.path.name}'"
        runs = self._client.search_runs([experiment], query, max_results=1)
        return str(runs[0].info.run_id) if runs else None

    def _tags(self, event: Event) -> None:
        log_tags(self._client, self._run_id, event["tags"])

    def _metrics(self, event: Event) -> None:
        log_metrics(self._client, self._run_id, event["values"], event["time"], event["step"])

    def _headline(self, event: Event) -> None:
        log_metrics(self._client, self._run_id, event["values"], event["time"])
        if self._pipeline_id:
            stage = self._journal.state["stage"]
            add(self._client, self._pipeline_id, stage, event["values"], event["time"])

    def _artifacts(self, event: Event) -> None:
        path = self._journal.files / event["files"]
        self._client.log_artifacts(self._run_id, str(path), event["files"])

    def _model(self, event: Event) -> None:
        file = self._journal.files / event["file"]
        log_model(self._client, self._run_id, file, event["md5"], event["example"])

    def _about(self, event: Event) -> None:
        """Copy metrics and files onto the newest run that made the model, without reopening it."""
        run = self._client.get_run(self._run_id)
        query = f"tags.`{OUTPUT}{event['md5']}` LIKE '%'"
        trained = self._client.search_runs(
            [run.info.experiment_id], query, order_by=["attributes.start_time DESC"], max_results=1
        )
        if trained:
            run_id = trained[0].info.run_id
            log_metrics(self._client, run_id, event["values"], event["time"])
            self._client.log_artifacts(run_id, str(self._journal.files / event["files"]))

    def _end(self, event: Event) -> None:
        if self._pipeline_id and event["status"] == "FINISHED":
            link(self._client, self._pipeline_id, self._journal.state["stage"], self._run_id)
        self._client.set_terminated(self._run_id, event["status"], event["time"])


def _dataset(name: str, path: str, digest: str) -> DatasetInput:
    source = json.dumps({"path": path, "md5": digest})
    dataset = Dataset(name=name, digest=digest, source_type="dvc", source=source)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", Path(path).name)])


def enter(
    client: MlflowClient,
    experiment: str,
    time: int,
    state: Mapping[str, Any],
    tags: Mapping[str, str],
    params: Path,
) -> str:
    """Return the run of a state of the pipeline, created where there is none.

    state: key and settings; tags: of the stage's run, a few are shared; params: a file of all settings.
    """
    with store.alone():
        query = f"tags.stage = '{PIPELINE}' and tags.{STATE} = '{state['key']}'"
        found = client.search_runs([experiment], query, max_results=1)
        if found and found[0].info.status == "FINISHED":
            return str(found[0].info.run_id)
        own = {"stage": PIPELINE, STATE: state["key"]} | {k: tags[k] for k in SHARED_TAGS if k in tags}
        run = found[0] if found else client.create_run(experiment, time, own, own.get("experiment", PIPELINE))
        run_id = run.info.run_id
    log_params(client, run_id, state["settings"])
    if params.exists():
        client.log_artifact(run_id, str(params))
    client.set_terminated(run_id, end_time=time)
    return str(run_id)


def add(client: MlflowClient, run_id: str, stage: str, values: Mapping[str, float], time: int) -> None:
    """Log a stage's metrics on the state's run."""
    log_metrics(client, run_id, {f"{stage}.{name}": value for name, value in values.items()}, time)


def link(client: MlflowClient, run_id: str, stage: str, stage_run: str) -> None:
    """Name the stage's run on the state's run."""
    log_tags(client, run_id, {f"{LINK}{stage}": stage_run})
