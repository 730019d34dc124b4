"""Keras models as MLflow's logged models: with signature, input example and pinned requirements."""

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput

REQUIREMENTS = ("keras", "mlflow", "numpy", "tensorflow")


def log(client: MlflowClient, run_id: str, file: Path, event: dict[str, Any]) -> None:
    """Register the Keras model in `file` as a logged model of the run, tagged with its MD5."""
    name = file.stem
    run = client.get_run(run_id)
    if run.outputs and run.outputs.model_outputs:
        return  # an earlier replay came this far
    model = client.create_logged_model(
        run.info.experiment_id, name=name, source_run_id=run_id, tags={"md5": event["md5"]}
    )
    with tempfile.TemporaryDirectory() as folder:
        _save(file, event["example"], Path(folder) / name)
        client.log_model_artifacts(model.model_id, str(Path(folder) / name))
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
