"""The pattern that excites each map of a convolution most, beside the training image that does."""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from digits.analysis.saliency.gradients import output_gradient
from digits.analysis.saliency.maximization import find_still, maximize
from digits.networks.common.saved import predict
from stages.filters.settings import Filters

EXCITED, UNREACHED, DEAD = "excited", "unreached", "dead"


@dataclass(frozen=True)
class Patterns:
    """What excites the maps of a convolution.

    images: uint8 (n maps, height, width, channels), the pattern of each map
    searched: number of training images
    table: a row a map: map, state, pattern, noise and image (mean activations of the map by the
        pattern, by the best of the noise and by the best training image), position (of that image)
    """

    layer: str
    images: np.ndarray
    searched: int
    table: pd.DataFrame

    @property
    def figures(self) -> dict[str, float]:
        """Return numbers of maps by state and, of the excited ones, what patterns, noise and images reach.

        Medians over the maps, the least and the most that a pattern reaches, and beats_images, the share
        of the maps which their pattern excites more than any image.
        """
        state = self.table["state"]
        figures: dict[str, float] = {"maps": len(state)}
        figures |= {name: int((state == name).sum()) for name in (UNREACHED, DEAD)}
        excited = self.table[state == EXCITED]
        if len(excited):
            for column in ("pattern", "noise", "image"):
                figures[f"median_{column}"] = float(excited[column].median())
            figures |= {f"{end}_pattern": float(excited["pattern"].agg(end)) for end in ("min", "max")}
            figures["beats_images"] = float((excited["pattern"] > excited["image"]).mean())
        return figures


def search(
    model: keras.Model, convolution: str, layer: str, noise: np.ndarray, train: np.ndarray, settings: Filters
) -> Patterns:
    """Look for the pattern of each map.

    layer: where the convolution's activations are; noise, train: images (n, height, width, channels)
    """
    average = keras.layers.GlobalAveragePooling2D()
    activation = keras.Model(model.inputs, average(model.get_layer(layer).output))
    # A rectified map that is silent has no slope; what goes into its activation always has one.
    potential = keras.Model(model.inputs, average(open_activation(model, layer)))

    def excite(images: np.ndarray) -> np.ndarray:
        return predict(activation, images)

    def charge(images: np.ndarray) -> np.ndarray:
        return predict(potential, images)

    def gradient(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
        return output_gradient(potential, images, maps)

    images = maximize(excite, charge, gradient, noise, settings.starts, settings.steps, settings.step)
    table = _tabulate(*(excite(each) for each in (images, noise, train)))
    return Patterns(convolution, images, len(train), table)


def open_activation(model: keras.Model, layer: str) -> keras.KerasTensor:
    """Return what goes into the activation function of a layer of activation or a convolution."""
    found = model.get_layer(layer)
    if isinstance(found, keras.layers.Activation):
        return found.input
    linear = keras.layers.Conv2D.from_config(found.get_config() | {"activation": "linear"})
    output = linear(found.input)
    linear.set_weights(found.get_weights())
    return output


def _tabulate(patterns: np.ndarray, noise: np.ndarray, images: np.ndarray) -> pd.DataFrame:
    """Return the table of `Patterns` from excitations (n, n maps); row i of `patterns` is for map i."""
    reached = np.diagonal(patterns)
    still, unmoved = find_still(patterns, noise, images), find_still(reached[None], noise)
    return pd.DataFrame(
        {
            "map": np.arange(len(reached)),
            "state": np.select([still, unmoved], [DEAD, UNREACHED], EXCITED),
            "pattern": reached,
            "noise": noise.max(axis=0),
            "image": images.max(axis=0),
            "position": images.argmax(axis=0),
        }
    )
