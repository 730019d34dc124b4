"""Keras models on disk: `.keras` files without timestamps, so that equal models are equal bytes."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from digits.compute import parallel
from digits.data.files import replacing
from digits.networks.common.normalization import fold

PREDICTION_BATCH = 500
FEATURES = "features"  # name of the CNN's last hidden layer
LATENT = "latent"  # name of the autoencoder's layer whose outputs are the latent vectors
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


def save_model(path: Path, model: keras.Model) -> None:
    """Write architecture and weights so that plain `keras.saving.load_model` reads them."""
    folded = fold(model)
    bare = folded.from_config(folded.get_config())  # without the optimizer and its state
    bare.set_weights(folded.get_weights())
    with replacing(path) as temporary:
        keras.saving.save_model(bare, temporary, overwrite=True)
        _make_canonical(temporary)


def load_model(path: Path) -> keras.Model:
    """Read a model that `save_model` wrote."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def _make_canonical(path: Path) -> None:
    """Rewrite the zip without its times, and without the addresses of objects in memory."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in sorted(archive.namelist())}
    metadata = json.loads(members["metadata.json"])
    members["metadata.json"] = json.dumps({"keras_version": metadata["keras_version"]}).encode()
    config = _numbered(json.loads(members["config.json"]), {})
    members["config.json"] = json.dumps(config, sort_keys=True).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)


def _numbered(config: Any, numbers: dict[int, int]) -> Any:
    """Return the configuration with each `shared_object_id`, an address, replaced by 1, 2, 3 ..."""
    if isinstance(config, list):
        return [_numbered(item, numbers) for item in config]
    if not isinstance(config, dict):
        return config
    renumbered = {key: _numbered(config[key], numbers) for key in sorted(config)}
    if "shared_object_id" in config:
        address = config["shared_object_id"]
        renumbered["shared_object_id"] = numbers.setdefault(address, len(numbers) + 1)
    return renumbered


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the model's outputs for any number of inputs, float32, batch by batch.

    images: pixels (n, height, width, channels) from 0 to 255, or latents (n, d) for a decoder; any
        dtype, since they are cast to float32 here

    `Model.predict` would wait at its end for a thread of tf.data, as long again as the network computes.
    """
    starts = range(0, len(images), PREDICTION_BATCH)
    model.make_predict_function()  # before the threads, which would each make one

    def outputs(start: int) -> np.ndarray:
        batch = images[start : start + PREDICTION_BATCH].astype(np.float32, copy=False)
        return keras.ops.convert_to_numpy(model.predict_on_batch(batch))

    return np.concatenate(parallel(outputs, starts))


def up_to(model: keras.Model, layer: str) -> keras.Model:
    """Return the network from the model's input to the output of the named layer; weights are shared."""
    return keras.Model(model.inputs, model.get_layer(layer).output)


def split_autoencoder(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Return the encoder (raw pixels to latent vectors) and the decoder (back to [0, 1]).

    Both share their weights with `model`.
    """
    names = [layer.name for layer in model.layers]
    position = names.index(LATENT)
    encoder = keras.Model(model.input, model.layers[position].output, name="encoder")
    latent = tensor = keras.Input(encoder.output.shape[1:], name=LATENT)
    for layer in model.layers[position + 1 :]:
        tensor = layer(tensor)
    return encoder, keras.Model(latent, tensor, name="decoder")
