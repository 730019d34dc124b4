"""Settings, tags, metrics and models in the portions and forms that MLflow takes."""

import json
import re
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, Metric, Param, RunTag

BATCH = 100  # MLflow takes at most this many tags or parameters at once
NOT_IN_NAMES = re.compile(r"[^\w\-. :/]", re.ASCII)  # what MLflow refuses in a metric's name
REQUIREMENTS = ("keras", "mlflow", "numpy", "tensorflow")


def log_params(client: MlflowClient, run_id: str, settings: Mapping[str, Any]) -> None:
    """Set parameters; values that are not text are written as JSON."""
    params = [Param(k, v if isinstance(v, str) else json.dumps(v)) for k, v in settings.items()]
    for start in range(0, len(params), BATCH):
        client.log_batch(run_id, params=params[start : start + BATCH])


def log_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags."""
    pairs = [RunTag(key, value) for key, value in tags.items()]
    for start in range(0, len(pairs), BATCH):
        client.log_batch(run_id, tags=pairs[start : start + BATCH])


def log_metrics(
    client: MlflowClient, run: str, values: Mapping[str, float], time: int, step: int = 0, prefix: str = ""
) -> None:
    """Log metrics under the names that MLflow takes."""
    metrics = [Metric(metric_name(f"{prefix}{key}"), value, time, step) for key, value in values.items()]
    if metrics:
        client.log_batch(run, metrics=metrics)


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
