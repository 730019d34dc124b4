"""The layers of a convolutional network: maps, receptive fields, parameters, multiplications."""

from dataclasses import dataclass
from math import prod
from typing import Any

import keras
import pandas as pd

from digits.analysis.saliency.receptive_field import View, connect, slide
from digits.pipeline import StageError

POOLINGS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
ELEMENTWISE = (
    keras.layers.Rescaling,
    keras.layers.BatchNormalization,
    keras.layers.Activation,
    keras.layers.Dropout,
    keras.layers.Flatten,
)
COUNTED = (keras.layers.Conv2D, *POOLINGS, keras.layers.BatchNormalization, keras.layers.Dense)


@dataclass(frozen=True)
class Geometry:
    """A layer's outputs and what a node of it sees of the image.

    views: along the image's height and width
    channels: maps, or units of a dense layer
    multiplications: for one image, one for each use of a weight. A max pooling has none, a mean
        pooling one for each value it writes, batch normalisation one for each value, since in
        prediction it is a factor and a shift.
    """

    layer: str
    kind: str
    views: tuple[View, View]
    channels: int
    parameters: int
    multiplications: int

    @property
    def row(self) -> dict[str, Any]:
        """Return a row of the table; a dense layer's single node has no neighbour, so no step."""
        dense = self.kind == "Dense"
        numbers: dict[str, int | None] = {}
        for axis, view in zip(("height", "width"), self.views, strict=True):
            numbers |= {f"map_{axis}": view.size, f"field_{axis}": view.field}
            numbers[f"step_{axis}"] = None if dense else view.step
        totals = {"parameters": self.parameters, "multiplications": self.multiplications}
        activations = self.channels * prod(view.size for view in self.views)
        named = {"layer": self.layer, "kind": self.kind, "channels": self.channels}
        return named | numbers | {"activations": activations} | totals


def describe(model: keras.Model) -> list[Geometry]:
    """Describe the layers with weights and the poolings, from the image on.

    Raises StageError for a kind of layer whose view of the image is not known here.
    """
    height, width = model.input_shape[1:3]
    views, found = (View(height), View(width)), []
    for layer in model.layers:
        views = (_look(layer, views[0], 0, height), _look(layer, views[1], 1, width))
        if isinstance(layer, COUNTED):
            kind, channels = type(layer).__name__, layer.output.shape[-1]
            multiplications = _count_multiplications(layer)
            found.append(Geometry(layer.name, kind, views, channels, layer.count_params(), multiplications))
    return found


def tabulate(layers: list[Geometry]) -> pd.DataFrame:
    """Return a row a layer, see `Geometry.row`; steps are empty for dense layers."""
    table = pd.DataFrame([layer.row for layer in layers])
    return table.astype({"step_height": "Int64", "step_width": "Int64"})


def _look(layer: keras.layers.Layer, view: View, axis: int, length: int) -> View:
    """Return what a node of the layer sees along an axis of `length` pixels, from the layer before."""
    if isinstance(layer, keras.layers.Conv2D):
        return slide(view, layer.kernel_size[axis], layer.strides[axis], layer.padding == "same")
    if isinstance(layer, POOLINGS):
        return slide(view, layer.pool_size[axis], layer.strides[axis], layer.padding == "same")
    if isinstance(layer, keras.layers.Dense):
        return connect(view, length)
    if isinstance(layer, ELEMENTWISE):
        return view
    raise StageError(
        f"the CNN has a layer {layer.name} of the kind {type(layer).__name__}; what that sees of the image "
        "is not known in stages/filters/geometry.py. Add it there, or take it out of the network."
    )


def _count_multiplications(layer: keras.layers.Layer) -> int:
    nodes = prod(layer.output.shape[1:])
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
        return nodes * prod(layer.kernel.shape[:-1])
    return 0 if isinstance(layer, keras.layers.MaxPooling2D) else nodes
