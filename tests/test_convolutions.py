"""The layers of a convolutional network: receptive fields, against gradients, and costs."""

from typing import Any

import keras
import numpy as np
import pytest

from digits.analysis.saliency import convolutions
from digits.analysis.saliency.attribution import output_gradient
from digits.analysis.saliency.convolutions import Axis, connect, slide
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.normalization import fold
from digits.networks.common.saved import predict, up_to
from digits.pipeline import StageError
from tests.support import helpers

SHAPE = (9, 12, 3)
Window = tuple[int, int, bool]  # kernel, stride, padded


def stack(length: int, windows: list[Window]) -> Axis:
    axis = Axis(length)
    for kernel, stride, padded in windows:
        axis = slide(axis, kernel, stride, padded)
    return axis


def mean_filters(height: int, width: int, windows: list[Window]) -> keras.Model:
    """Return mean filters on top of each other; every pixel in a unit's receptive field changes it."""
    layers = [keras.Input((height, width, 1))]
    for kernel, stride, padded in windows:
        padding = "same" if padded else "valid"
        layers.append(keras.layers.Conv2D(1, kernel, stride, padding, kernel_initializer="ones"))
    return keras.Sequential([*layers, keras.layers.Flatten()])


@pytest.mark.parametrize(
    "windows",
    [
        [(3, 1, False), (2, 2, False), (3, 1, False), (2, 2, False)],
        [(5, 1, True), (2, 2, False), (5, 1, True)],
        [(2, 1, True), (3, 2, True), (4, 1, False)],
        [(1, 1, False), (2, 2, False), (2, 2, False)],
    ],
)
def test_a_unit_sees_the_pixels_with_a_gradient(windows: list[Window]) -> None:
    height, width = 17, 20
    model = mean_filters(height, width, windows)
    axes = stack(height, windows), stack(width, windows)
    units = np.indices((axes[0].size, axes[1].size)).reshape(2, -1)
    assert model.output_shape == (None, units.shape[1])
    images = np.ones((units.shape[1], height, width, 1), np.float32)
    slopes: np.ndarray = output_gradient(model, images, np.arange(units.shape[1]))[..., 0]
    for slope, row, column in zip(slopes, *units, strict=True):
        expected = np.zeros((height, width), bool)
        (top, bottom), (left, right) = axes[0].bounds(row), axes[1].bounds(column)
        expected[max(top, 0) : bottom, max(left, 0) : right] = True
        assert np.array_equal(slope > 0, expected)
    seen = np.any(slopes > 0, axis=0)
    assert seen.any(axis=1).sum() == axes[0].seen(height)
    assert seen.any(axis=0).sum() == axes[1].seen(width)


def test_neighbours_overlap_after_each_pooling() -> None:
    once = stack(28, [(3, 1, False), (2, 2, False)])
    assert (once.size, once.field, once.stride) == (13, 4, 2)
    assert (once.bounds(5), once.bounds(6)) == ((10, 14), (12, 16))
    twice = stack(28, [(3, 1, False), (2, 2, False)] * 2)
    assert (twice.size, twice.field, twice.stride) == (5, 10, 4)


def test_without_pooling_fourteen_layers_cover_an_image() -> None:
    fields = [stack(100, [(3, 1, False)] * layers).field for layers in (13, 14)]
    assert fields == [27, 29]


def test_a_dense_unit_sees_what_the_layer_before_it_sees() -> None:
    axis = connect(stack(28, [(3, 1, False), (2, 2, False), (3, 1, False), (2, 2, False), (3, 1, False)]), 28)
    assert (axis.size, axis.bounds(0), axis.seen(28)) == (1, (0, 26), 26)
    assert connect(stack(9, [(3, 1, True)]), 9).bounds(0) == (0, 9)
    assert connect(Axis(9), 9).bounds(0) == (0, 9)


def network(**changes: Any) -> keras.Model:
    """Return an untrained network as it would be stored."""
    return fold(build_cnn(helpers.cnn(**changes), helpers.random_images(2, *SHAPE), 4, seed=1))


def test_a_known_network_has_the_layers_of_its_closed_form() -> None:
    images = helpers.random_images(2, 28, 28, 1)
    model = build_cnn(helpers.cnn(layers=(32, "pool", 64, "pool", 64), dense=64), images, 10, seed=1)
    table = convolutions.tabulate_layers(convolutions.describe_layers(model)).set_index("layer")
    convolved = table.loc[["convolution_1", "pool_1", "convolution_2", "pool_2", "convolution_3"]]
    assert convolved["map_height"].tolist() == convolved["map_width"].tolist() == [26, 13, 11, 5, 3]
    assert convolved["field_height"].tolist() == convolved["field_width"].tolist() == [3, 4, 8, 10, 18]
    assert convolved["stride_height"].tolist() == [1, 2, 2, 4, 4]
    assert convolved["parameters"].tolist() == [320, 0, 18_496, 0, 36_928]
    kernels = [26**2 * 9 * 32, 0, 11**2 * 9 * 32 * 64, 0, 3**2 * 9 * 64 * 64]
    assert convolved["multiplications"].tolist() == kernels
    assert table["field_height"]["features"] == 26
    assert table["parameters"].sum() == model.count_params()
    assert table["stride_height"].isna()["features"]


@pytest.mark.parametrize(
    "changes",
    [{"padding": "same", "kernel": 5, "pooling": "mean"}, {"batch_normalization": True}, {"layers": ()}],
)
def test_layers_have_the_shapes_and_weights_of_the_network(changes: dict[str, Any]) -> None:
    model = network(**changes)
    layers = convolutions.describe_layers(model)
    assert sum(layer.parameters for layer in layers) == model.count_params()
    for layer in layers:
        shape = model.get_layer(layer.name).output.shape[1:]
        sizes = tuple(axis.size for axis in layer.axes)
        assert (*sizes, layer.channels) == (shape if len(shape) == 3 else (1, 1, *shape))
        assert layer.row["activations"] == np.prod(shape)


def test_pooling_and_normalisation_multiply_once_per_value() -> None:
    model = network(pooling="mean", batch_normalization=True)
    found = {layer.name: layer.multiplications for layer in convolutions.describe_layers(model)}
    assert found["pool_1"] == found["normalization_1"] == 3 * 5 * 4
    assert {layer.name: layer for layer in convolutions.describe_layers(network())}[
        "pool_1"
    ].multiplications == 0


def test_an_unknown_kind_of_layer_is_refused() -> None:
    layers = [keras.Input(SHAPE), keras.layers.ZeroPadding2D(1, name="border")]
    with pytest.raises(StageError, match="layer border of kind ZeroPadding2D"):
        convolutions.describe_layers(keras.Sequential(layers))


def test_activations_are_found_after_pooling_and_normalisation() -> None:
    normalised = network(layers=("pool", 4, "pool", 5), kernel=1, batch_normalization=True)
    expected = {"convolution_1": "activation_1", "convolution_2": "activation_2"}
    assert convolutions.find_activations(normalised) == expected
    assert convolutions.find_activations(network()) == {name: name for name in expected}
    assert convolutions.find_activations(network(layers=("pool",))) == {}


@pytest.mark.parametrize("normalised", [True, False])
def test_preactivations_give_the_activations(normalised: bool) -> None:
    model = network(batch_normalization=normalised)
    layer = list(convolutions.find_activations(model).values())[-1]
    images = helpers.random_images(4, *SHAPE)
    before = predict(keras.Model(model.inputs, convolutions.preactivation(model, layer)), images)
    after = predict(up_to(model, layer), images)
    assert before.min() < 0
    assert np.maximum(before, 0) == pytest.approx(after, abs=1e-5)


def test_feature_maps_are_those_of_each_convolution() -> None:
    model, images = network(batch_normalization=True), helpers.random_images(4, *SHAPE)
    found = convolutions.feature_maps(model, images)
    assert list(found) == ["convolution_1", "convolution_2"]
    assert np.array_equal(found["convolution_1"], predict(up_to(model, "activation_1"), images))
