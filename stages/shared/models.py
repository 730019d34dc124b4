"""Keras models on disk: `.keras` files that carry no time, so that equal models are equal bytes."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np

from stages.shared.files import replacing

PREDICTION_BATCH = 500
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


def save_model(path: Path, model: keras.Model) -> None:
    """Write the model so that plain `keras.saving.load_model` reads it; the optimizer is left out."""
    with replacing(path) as temporary:
        keras.saving.save_model(model, temporary, overwrite=True, include_optimizer=False)
        _make_canonical(temporary)


def load_model(path: Path) -> keras.Model:
    """Read a model that `save_model` wrote."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def _make_canonical(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in sorted(archive.namelist())}
    metadata = json.loads(members["metadata.json"])
    members["metadata.json"] = json.dumps({"keras_version": metadata["keras_version"]}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the model's outputs for images of any number, float32, batch by batch.

    `Model.predict` would wait at its end for a thread of tf.data, see stages/shared/training.py.
    """
    return np.concatenate(
        [
            keras.ops.convert_to_numpy(model.predict_on_batch(images[start : start + PREDICTION_BATCH]))
            for start in range(0, len(images), PREDICTION_BATCH)
        ]
    )


def up_to(model: keras.Model, layer: str) -> keras.Model:
    """Return the network from the model's input to the output of the named layer; weights are shared."""
    return keras.Model(model.inputs, model.get_layer(layer).output)
