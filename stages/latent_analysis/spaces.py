"""The spaces under study: training and test images as vectors of each."""

from pathlib import Path

import keras
import numpy as np

from stages.networks.autoencoder import split_autoencoder
from stages.shared.data import Split, flatten
from stages.shared.errors import StageError
from stages.shared.models import load_model, predict, up_to

Vectors = tuple[np.ndarray, np.ndarray]  # training and test, float32 (n, d)


def open_autoencoder(path: Path) -> tuple[keras.Model, keras.Model]:
    """Return encoder and decoder of a saved autoencoder."""
    return split_autoencoder(load_model(path))


def collect(train: Split, test: Split, mlp: Path, layer: str, encoder: keras.Model) -> dict[str, Vectors]:
    """Return the vectors of each space: `pixels`, `hidden` (of the MLP) and `latent`.

    Raises StageError when the MLP has no layer of that name.
    """
    network = load_model(mlp)
    names = [each.name for each in network.layers]
    if layer not in names:
        raise StageError(
            f"latent-analysis.hidden_layer is {layer!r}; the MLP has the layers {', '.join(names)}. "
            "Name one of them in params.yaml."
        )
    hidden = up_to(network, layer)
    return {
        "pixels": (flatten(train.images), flatten(test.images)),
        "hidden": (predict(hidden, train.images), predict(hidden, test.images)),
        "latent": (predict(encoder, train.images), predict(encoder, test.images)),
    }
