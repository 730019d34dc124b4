"""Replays journals into MLflow: each event is sent once, through the client, in its order.

Beside the run of each stage there is one run per state of the pipeline, with all settings, all metrics and
links to the stages' runs: variants of `dvc exp run` compare as one row each, whichever stages had to run.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from digits.pipeline.settings import PARAMS
from digits.tracking import store
from digits.tracking.digest import INPUT, OUTPUT
from digits.tracking.journal import Event, Journal, journals
from digits.tracking.provenance import STATE

PIPELINE = "pipeline"  # name of a state's run, and value of its tag `stage`
LINK = "run."  # prefix of the tags of a state's run that name the run of each stage
SHARED_TAGS = ("commit", "dirty", "experiment", "baseline")
JOURNAL_TAG = "journal"
BATCH = 100  # MLflow takes at most this many tags or parameters at once
NOT_IN_NAMES = re.compile(r"[^\w\-. :/]", re.ASCII)  # what MLflow refuses in a metric's name
REQUIREMENTS = ("keras", "mlflow", "numpy", "tensorflow")


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


def send_all(own: Journal | None = None) -> tuple[int, list[str]]:
    """Send what is left of journals whose process is gone; return their number, and a line for each fault.

    A run without an end is closed as KILLED; `own` is left out.
    """
    sent, faults = 0, []
    for path in journals():
        if own and path == own.path:
            continue
        try:
            with closing(Journal(path)) as journal:
                if journal.unfinished() and journal.lock():
                    sent += _send_rest(journal)
        except Exception as error:  # one journal must not block the others
            faults.append(f"{path.name}: {type(error).__name__}: {error}")
    return sent, faults


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
        datasets = [_dataset(event["experiment"], *item) for item in event["data"].items()]
        if datasets:
            client.log_inputs(run_id, datasets)

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
    dataset = Dataset(name, digest, source_type="dvc", source=json.dumps({"path": path, "md5": digest}))
    return DatasetInput(dataset, [InputTag("mlflow.data.context", Path(path).name)])


def enter(
    client: MlflowClient, experiment: str, time: int, state: Event, tags: dict[str, str], params: Path
) -> str:
    """Return the run of a state of the pipeline, created where there is none.

    tags: of the stage's run, a few are shared; params: a file of all settings.
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


def log_params(client: MlflowClient, run_id: str, settings: Mapping[str, Any]) -> None:
    """Set parameters; values that are not text are written as JSON."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in settings.items()}
    _log(client, run_id, params=[Param(*pair) for pair in texts.items()])


def log_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags."""
    _log(client, run_id, tags=[RunTag(*pair) for pair in tags.items()])


def log_metrics(
    client: MlflowClient, run: str, values: Mapping[str, float], time: int, step: int = 0, prefix: str = ""
) -> None:
    """Log metrics under the names that MLflow takes."""
    metrics = [Metric(metric_name(f"{prefix}{key}"), value, time, step) for key, value in values.items()]
    _log(client, run, metrics=metrics)


def _log(client: MlflowClient, run_id: str, **entities: list[Any]) -> None:
    """Log parameters, tags or metrics in batches that MLflow takes."""
    for kind, items in entities.items():
        for start in range(0, len(items), BATCH):
            client.log_batch(run_id, **{kind: items[start : start + BATCH]})


def metric_name(name: str) -> str:
    """Return the name with an underscore for each character that MLflow refuses."""
    return NOT_IN_NAMES.sub("_", name)


def log_model(client: MlflowClient, run_id: str, file: Path, md5: str, example: list[Any]) -> None:
    """Log a Keras model with signature, input example and pinned requirements, tagged with its MD5."""
    run = client.get_run(run_id)
    if run.outputs and run.outputs.model_outputs:
        return  # an earlier replay came this far
    model = client.create_logged_model(run.info.experiment_id, file.stem, run_id, tags={"md5": md5})
    with tempfile.TemporaryDirectory() as temporary:
        folder = f"{temporary}/{file.stem}"
        _save(file, example, folder)
        client.log_model_artifacts(model.model_id, folder)
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])


def _save(file: Path, example: list[Any], folder: str) -> None:
    import keras
    import numpy as np
    from mlflow import tensorflow
    from mlflow.models import infer_signature

    network = keras.saving.load_model(file, compile=False)
    images = np.asarray(example, dtype=np.float32)
    tensorflow.save_model(
        network,
        folder,
        signature=infer_signature(images, network.predict(images, verbose=0)),
        input_example=images,
        pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
    )
