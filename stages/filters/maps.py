"""The maps of the convolutions: where they are read, and what they show of single images."""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from digits.data.splits import Split
from digits.networks.common.saved import predict, up_to

COLUMNS = 15  # maps of all convolutions together in the picture of all classes


@dataclass(frozen=True)
class Maps:
    """The activations of a convolution for one image of each class present.

    layer: the convolution's name
    activations: float32 (n, height, width, n maps)
    """

    layer: str
    activations: np.ndarray

    def most_varied(self, n: int) -> np.ndarray:
        """Return up to n maps, int64, whose means differ most between the images, in ascending order."""
        spread = self.activations.mean(axis=(1, 2), dtype=np.float64).std(axis=0)
        return np.sort(np.argsort(-spread, kind="stable")[:n])


def find_activations(model: keras.Model) -> dict[str, str]:
    """Map each convolution's name to the name of the layer that gives its activations.

    That is the convolution itself, or the layer of an activation that stands before the next one, for
    a network in which pooling and batch normalisation come between the two.
    """
    found: dict[str, str] = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            latest = layer.name
            found[latest] = layer.name
        elif isinstance(layer, keras.layers.Activation) and found:
            found[latest] = layer.name
    return found


def choose_examples(test: Split) -> Split:
    """Return the first image of each class present, in the order of classes."""
    _, firsts = np.unique(test.labels, return_index=True)
    return Split(test.images[firsts], test.labels[firsts], test.indices[firsts])


def choose_shown(labels: np.ndarray, wanted: int) -> int:
    """Return the position of the label `wanted`, or of the next one present after it, or of the first."""
    later = np.flatnonzero(labels >= wanted)
    return int(later[0]) if len(later) else 0


def look(model: keras.Model, images: np.ndarray) -> list[Maps]:
    """Return the maps of every convolution for these images."""
    return [
        Maps(convolution, predict(up_to(model, layer), images))
        for convolution, layer in find_activations(model).items()
    ]


def tabulate(maps: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Return a row a node: row, column, and its value in each of the named maps.

    maps: (height, width, n maps)
    """
    rows, columns = np.indices(maps.shape[:2]).reshape(2, -1)
    values = dict(zip(names, maps.reshape(len(rows), -1).T, strict=True))
    return pd.DataFrame({"row": rows, "column": columns, **values})


def tabulate_kernels(weights: np.ndarray) -> pd.DataFrame:
    """Return a row a weight: filter, row, column, channel, weight.

    weights: (height, width, channels, n filters)
    """
    rows, columns, channels, filters = np.indices(weights.shape).reshape(4, -1)
    places = {"filter": filters, "row": rows, "column": columns, "channel": channels}
    return pd.DataFrame(places | {"weight": weights.ravel()}).sort_values(list(places)).reset_index(drop=True)


def tabulate_classes(found: Maps, chosen: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return a row a node, as `tabulate`, with a column CLASS_MAP for each image and chosen map.

    classes: of each image
    """
    names = [f"{name}_{number}" for name in classes for number in chosen]
    return tabulate(np.concatenate([*found.activations[..., chosen]], axis=-1), names)
