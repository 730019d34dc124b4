"""The spaces under study: training and test images as vectors of each."""

from pathlib import Path

import numpy as np

from digits.data.splits import flatten
from digits.networks.common.saved import load_model, predict, up_to
from digits.pipeline import StageError
from stages.latent_analysis.case import Case

Vectors = tuple[np.ndarray, np.ndarray]  # training and test, float32 (n, d)

FEATURES = "features"  # the CNN's last hidden layer
TITLES = {
    "pixels": "raw pixels",
    "hidden": "hidden activations of the MLP",
    "features": "features of the CNN",
    "latent": "latent vectors of the autoencoder",
}


def collect(case: Case, mlp: Path) -> dict[str, Vectors]:
    """Return the vectors of each space, by the names of TITLES.

    Raises StageError when the MLP has no layer of the name that the settings give.
    """
    network, layer = load_model(mlp), case.settings.hidden_layer
    names = [each.name for each in network.layers]
    if layer not in names:
        raise StageError(
            f"latent-analysis.hidden_layer is {layer!r}; the MLP has the layers {', '.join(names)}. "
            "Name one of them in params.yaml."
        )
    splits = (case.train.images, case.test.images)
    hidden, features = up_to(network, layer), up_to(case.cnn, FEATURES)
    return {
        "pixels": (flatten(splits[0]), flatten(splits[1])),
        "hidden": (predict(hidden, splits[0]), predict(hidden, splits[1])),
        "features": (predict(features, splits[0]), predict(features, splits[1])),
        "latent": (case.codes.astype(np.float32), case.test_codes.astype(np.float32)),
    }
