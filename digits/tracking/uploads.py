"""Settings, tags, metrics and models in the portions and forms that MLflow takes."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
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
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in settings.items()}
    for chunk in _chunks([Param(key, text) for key, text in texts.items()]):
        client.log_batch(run_id, params=chunk)


def log_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags."""
    for chunk in _chunks([RunTag(key, value) for key, value in tags.items()]):
        client.log_batch(run_id, tags=chunk)


def log_metrics(
    client: MlflowClient, run_id: str, values: Mapping[str, float], time: int, step: int = 0
) -> None:
    """Log metrics under the names that MLflow takes."""
    metrics = [Metric(metric_name(key), value, time, step) for key, value in values.items()]
    if metrics:
        client.log_batch(run_id, metrics=metrics)


def metric_name(name: str) -> str:
    """Return the name with an underscore for each character that MLflow refuses."""
    return NOT_IN_NAMES.sub("_", name)


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


def log_model(client: MlflowClient, run_id: str, file: Path, md5: str, example: list[Any]) -> None:
    """Log a Keras model with signature, input example and pinned requirements, tagged with its MD5."""
    run = client.get_run(run_id)
    if run.outputs and run.outputs.model_outputs:
        return  # an earlier replay came this far
    model = client.create_logged_model(
        run.info.experiment_id, name=file.stem, source_run_id=run_id, tags={"md5": md5}
    )
    with tempfile.TemporaryDirectory() as folder:
        _save(file, example, Path(folder) / file.stem)
        client.log_model_artifacts(model.model_id, str(Path(folder) / file.stem))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])


def _save(file: Path, example: list[Any], folder: Path) -> None:
    import keras
    import numpy as np
    from mlflow import tensorflow
    from mlflow.models import infer_signature

    network = keras.saving.load_model(file, compile=False)
    images = np.asarray(example, dtype=np.float32)
    tensorflow.save_model(
        network,
        str(folder),
        signature=infer_signature(images, network.predict(images, verbose=0)),
        input_example=images,
        pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
    )
