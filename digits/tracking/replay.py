"""Replays journals into MLflow: each event is sent once, through the client, in its order.

Beside the run of each stage there is one run per state of the pipeline, with all settings, all metrics and
links to the stages' runs: variants of `dvc exp run` compare as one row each, whichever stages had to run.
"""

import json
import shutil
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
LINK = "run."  # prefix of the tags of a state's run that name the run of each stage
SHARED_TAGS = ("commit", "dirty", "experiment", "baseline")
JOURNAL_TAG = "journal"


def send(journal: Journal) -> None:
    """Send what MLflow has not received of this journal."""
    events = journal.unsent()
    if not events:
        return
    replay = _Replay(store.client(), journal)
    for event in events:
        getattr(replay, f"send_{event['event']}")(event)
        journal.save_state(sent=journal.state["sent"] + 1)
    if events[-1]["event"] == "end":
        shutil.rmtree(journal.files, ignore_errors=True)  # MLflow has the copies


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
                sent += _send_rest(journal)
        except Exception as error:  # one journal must not block the others
            faults.append(RuntimeError(f"{path.name}: {type(error).__name__}: {error}"))
        finally:
            journal.close()
    if faults:
        raise ExceptionGroup("journals that could not be sent", faults)
    return sent


def _send_rest(journal: Journal) -> bool:
    """Send a journal that nobody writes any more; drop one that was cut off before it had begun."""
    if not journal.events():
        shutil.rmtree(journal.path, ignore_errors=True)
        return False
    if not journal.ended():
        journal.append("end", status="KILLED")
    send(journal)
    return True


class _Replay:
    """One journal's events on their way to its MLflow run: a method for each event."""

    def __init__(self, client: MlflowClient, journal: Journal) -> None:
        self._client = client
        self._journal = journal

    @property
    def _run_id(self) -> str:
        return str(self._journal.state["run_id"])

    def send_start(self, event: Event) -> None:
        client, name = self._client, self._journal.path.name
        experiment = store.experiment_id(client, event["experiment"])
        found = client.search_runs([experiment], f"tags.{JOURNAL_TAG} = '{name}'", max_results=1)
        new = (experiment, event["time"], {JOURNAL_TAG: name}, event["stage"])
        run = found[0] if found else client.create_run(*new)  # an earlier replay may have been cut off
        run_id = run.info.run_id
        self._journal.save_state(run_id=run_id, stage=event["stage"])
        if state := event.get("state"):
            params = self._journal.files / PARAMS
            row = enter(client, experiment, event["time"], state, event["tags"], params)
            self._journal.save_state(pipeline_id=row)
            log_tags(client, run_id, {MLFLOW_PARENT_RUN_ID: row, STATE: state["key"]})
        log_params(client, run_id, event["settings"])
        inputs = {f"{INPUT}{digest}": path for digest, path in event["inputs"].items()}
        log_tags(client, run_id, event["tags"] | inputs)
        if event["data"]:
            client.log_inputs(
                run_id, [_dataset(event["experiment"], *item) for item in event["data"].items()]
            )

    def send_tags(self, event: Event) -> None:
        log_tags(self._client, self._run_id, event["tags"])

    def send_metrics(self, event: Event) -> None:
        log_metrics(self._client, self._run_id, event["values"], event["time"], event["step"])

    def send_headline(self, event: Event) -> None:
        log_metrics(self._client, self._run_id, event["values"], event["time"])
        state = self._journal.state
        if row := state.get("pipeline_id"):
            log_metrics(self._client, row, event["values"], event["time"], prefix=f"{state['stage']}.")

    def send_artifacts(self, event: Event) -> None:
        path = self._journal.files / event["files"]
        self._client.log_artifacts(self._run_id, str(path), event["files"])

    def send_model(self, event: Event) -> None:
        file = self._journal.files / event["file"]
        log_model(self._client, self._run_id, file, event["md5"], event["example"])

    def send_about(self, event: Event) -> None:
        """Copy metrics and files onto the newest run that made the model, without reopening it."""
        experiment = self._client.get_run(self._run_id).info.experiment_id
        query, order = f"tags.`{OUTPUT}{event['md5']}` LIKE '%'", ["attributes.start_time DESC"]
        for trained in self._client.search_runs([experiment], query, order_by=order, max_results=1):
            log_metrics(self._client, trained.info.run_id, event["values"], event["time"])
            self._client.log_artifacts(trained.info.run_id, str(self._journal.files / event["files"]))

    def send_end(self, event: Event) -> None:
        state = self._journal.state
        if event["status"] == "FINISHED" and (row := state.get("pipeline_id")):
            log_tags(self._client, row, {f"{LINK}{state['stage']}": self._run_id})
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
    run_id = str(run.info.run_id)
    log_params(client, run_id, state["settings"])
    if params.exists():
        client.log_artifact(run_id, str(params))
    client.set_terminated(run_id, end_time=time)
    return run_id
