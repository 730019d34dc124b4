"""Replays journals into MLflow: each event is sent once, through the client, in its order."""

import json
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from digits.tracking import models, pipeline, store
from digits.tracking.batches import log_metrics, log_params, log_tags
from digits.tracking.journal import Event, Journal, journals

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
    """Send what is left of journals whose process is gone; return of how many.

    A run without an end is closed as KILLED; `own` is left out. Raises ExceptionGroup with what kept
    single journals from being sent, after the others were.
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
        except Exception as error:  # one journal must not hold up the others
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
            pipeline_id = pipeline.enter(self._client, experiment, event, self._journal.files)
            self._journal.save_state(pipeline_id=pipeline_id)
            tags = {MLFLOW_PARENT_RUN_ID: pipeline_id, pipeline.STATE: event["state"]["key"]}
            log_tags(self._client, run_id, tags)
        log_params(self._client, run_id, event["settings"])
        inputs = {f"input.{digest}": path for digest, path in event["inputs"].items()}
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
            pipeline.add(self._client, self._pipeline_id, stage, event["values"], event["time"])

    def _artifacts(self, event: Event) -> None:
        path = self._journal.files / event["files"]
        self._client.log_artifacts(self._run_id, str(path), event["files"])

    def _model(self, event: Event) -> None:
        models.log(self._client, self._run_id, self._journal.files / event["file"], event)

    def _about(self, event: Event) -> None:
        """Copy figures and pictures onto the newest run that made the model, without reopening it."""
        run = self._client.get_run(self._run_id)
        query = f"tags.`output.{event['md5']}` LIKE '%'"
        trained = self._client.search_runs(
            [run.info.experiment_id], query, order_by=["attributes.start_time DESC"], max_results=1
        )
        if trained:
            run_id = trained[0].info.run_id
            log_metrics(self._client, run_id, event["values"], event["time"])
            self._client.log_artifacts(run_id, str(self._journal.files / event["files"]))

    def _end(self, event: Event) -> None:
        if self._pipeline_id and event["status"] == "FINISHED":
            pipeline.link(self._client, self._pipeline_id, self._journal.state["stage"], self._run_id)
        self._client.set_terminated(self._run_id, event["status"], event["time"])


def _dataset(name: str, path: str, digest: str) -> DatasetInput:
    source = json.dumps({"path": path, "md5": digest})
    dataset = Dataset(name=name, digest=digest, source_type="dvc", source=source)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", Path(path).name)])
