"""The layers of a convolutional network: their feature maps, receptive fields and costs."""

from dataclasses import dataclass
from math import prod
from typing import Any

import keras
import numpy as np
import pandas as pd

from digits.networks.common.layers import PIXELS
from digits.networks.common.saved import predict, up_to
from digits.pipeline import StageError

POOLINGS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
ELEMENTWISE = (
    keras.layers.Rescaling,
    keras.layers.Activation,
    keras.layers.Dropout,
    keras.layers.Flatten,
)
COUNTED = (keras.layers.Conv2D, *POOLINGS, keras.layers.Rescaling, keras.layers.Dense)


def find_activations(model: keras.Model) -> dict[str, str]:
    """Map each convolution's name to the name of the layer that outputs its activations.

    That is the convolution itself, or the activation layer between it and the next convolution, for a
    network in which pooling and batch normalisation come before the activation.
    """
    found: dict[str, str] = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            latest = layer.name
            found[latest] = layer.name
        elif isinstance(layer, keras.layers.Activation) and found:
            found[latest] = layer.name
    return found


def feature_maps(model: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return the activations of each convolution, float32 (n, height, width, n maps), by its name."""
    return {name: predict(up_to(model, layer), images) for name, layer in find_activations(model).items()}


def preactivation(model: keras.Model, layer: str) -> keras.KerasTensor:
    """Return the input of the activation function of an activation layer or a convolution."""
    found = model.get_layer(layer)
    if isinstance(found, keras.layers.Activation):
        return found.input
    linear = keras.layers.Conv2D.from_config(found.get_config() | {"activation": "linear"})
    output = linear(found.input)
    linear.set_weights(found.get_weights())
    return output


@dataclass(frozen=True)
class Axis:
    """The units of a layer along one axis of the image, and what they see of it, in pixels.

    size: number of units
    stride: distance between the receptive fields of two neighbouring units
    field: length of the receptive field of a unit that no border cuts
    start: first pixel of the first unit's field; negative where padding comes first
    """

    size: int
    stride: int = 1
    field: int = 1
    start: int = 0

    def bounds(self, unit: int) -> tuple[int, int]:
        """Return the first pixel of a unit's field and the one after its last; padding counts."""
        first = self.start + unit * self.stride
        return first, first + self.field

    def seen(self, length: int) -> int:
        """Return how many of the image's `length` pixels all units see together."""
        return min(self.bounds(self.size - 1)[1], length) - max(self.start, 0)


def slide(before: Axis, kernel: int, stride: int, padded: bool) -> Axis:
    """Return the axis of the units behind a kernel that slides over the units of `before`.

    kernel, stride: in units; padded: with as many zeros as keep size / stride units, the odd one at
    the end ("same"), or else with none ("valid")
    Araujo, Norris and Sim (2019), Computing Receptive Fields of Convolutional Neural Networks,
    Distill, https://doi.org/10.23915/distill.00021.
    """
    size = -(-before.size // stride) if padded else (before.size - kernel) // stride + 1
    padding = max((size - 1) * stride + kernel - before.size, 0) if padded else 0
    return Axis(
        size=size,
        stride=before.stride * stride,
        field=before.field + (kernel - 1) * before.stride,
        start=before.start - padding // 2 * before.stride,
    )


def connect(before: Axis, length: int) -> Axis:
    """Return the axis of a unit connected to all units of `before`, in an image of `length` pixels."""
    return Axis(size=1, stride=length, field=before.seen(length), start=max(before.start, 0))


@dataclass(frozen=True)
class Layer:
    """A layer's outputs and what one of its units sees of the image.

    axes: along the image's height and width
    channels: maps, or units of a dense layer
    multiplications: for one image, one for each use of a weight. Max pooling has none, mean pooling one
        for each output, batch normalisation one for each output, since in prediction it is a factor
        and a shift.
    """

    name: str
    kind: str
    axes: tuple[Axis, Axis]
    channels: int
    parameters: int
    multiplications: int

    @property
    def row(self) -> dict[str, Any]:
        """Return its row of the table; the stride is None for a dense layer, whose units share a field."""
        dense = self.kind == "Dense"
        numbers: dict[str, int | None] = {}
        for name, axis in zip(("height", "width"), self.axes, strict=True):
            numbers |= {f"map_{name}": axis.size, f"field_{name}": axis.field}
            numbers[f"stride_{name}"] = None if dense else axis.stride
        totals = {"parameters": self.parameters, "multiplications": self.multiplications}
        activations = self.channels * prod(axis.size for axis in self.axes)
        named = {"layer": self.name, "kind": self.kind, "channels": self.channels}
        return named | numbers | {"activations": activations} | totals

    @property
    def metrics(self) -> dict[str, int]:
        """Return the longer side of its receptive field, its parameters and its multiplications."""
        field = max(axis.field for axis in self.axes)
        return {"field": field, "parameters": self.parameters, "multiplications": self.multiplications}


def describe_layers(model: keras.Model) -> list[Layer]:
    """Describe the layers with weights and the poolings, from the image on.

    Raises StageError for a kind of layer whose receptive field is not known here.
    """
    height, width = model.input_shape[1:3]
    axes, found = (Axis(height), Axis(width)), []
    for layer in model.layers:
        axes = (_follow(layer, axes[0], 0, height), _follow(layer, axes[1], 1, width))
        if isinstance(layer, COUNTED) and layer.name != PIXELS:
            kind, channels = type(layer).__name__, layer.output.shape[-1]
            multiplications = _count_multiplications(layer)
            found.append(Layer(layer.name, kind, axes, channels, layer.count_params(), multiplications))
    return found


def tabulate_layers(layers: list[Layer]) -> pd.DataFrame:
    """Return one row per layer, see `Layer.row`; strides are empty for dense layers."""
    table = pd.DataFrame([layer.row for layer in layers])
    return table.astype({"stride_height": "Int64", "stride_width": "Int64"})


def _follow(layer: keras.layers.Layer, before: Axis, number: int, length: int) -> Axis:
    """Return the layer's axis with this number, of `length` pixels, from that of the layer before."""
    if isinstance(layer, keras.layers.Conv2D):
        return slide(before, layer.kernel_size[number], layer.strides[number], layer.padding == "same")
    if isinstance(layer, POOLINGS):
        return slide(before, layer.pool_size[number], layer.strides[number], layer.padding == "same")
    if isinstance(layer, keras.layers.Dense):
        return connect(before, length)
    if isinstance(layer, ELEMENTWISE):
        return before
    raise StageError(
        f"the CNN has a layer {layer.name} of kind {type(layer).__name__}, whose receptive field is not "
        "known in digits/analysis/saliency/convolutions.py. Add it there, or remove it from the network."
    )


def _count_multiplications(layer: keras.layers.Layer) -> int:
    outputs = prod(layer.output.shape[1:])
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
        return outputs * prod(layer.kernel.shape[:-1])
    return 0 if isinstance(layer, keras.layers.MaxPooling2D) else outputs
