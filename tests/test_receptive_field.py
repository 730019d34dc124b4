"""What a node sees: against the gradient of a network, and against closed forms."""

import keras
import numpy as np
import pytest
from digits.analysis.saliency.gradients import output_gradient
from digits.analysis.saliency.receptive_field import View, connect, slide

Window = tuple[int, int, bool]  # kernel, stride, padded


def stack(length: int, windows: list[Window]) -> View:
    view = View(length)
    for kernel, stride, padded in windows:
        view = slide(view, kernel, stride, padded)
    return view


def network(height: int, width: int, windows: list[Window]) -> keras.Model:
    """Return mean filters on top of each other; every pixel that a node sees moves it."""
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
def test_a_node_sees_the_pixels_that_its_gradient_reaches(windows: list[Window]) -> None:
    height, width = 17, 20
    model = network(height, width, windows)
    views = stack(height, windows), stack(width, windows)
    nodes = np.indices((views[0].size, views[1].size)).reshape(2, -1)
    assert model.output_shape == (None, nodes.shape[1])
    images = np.ones((nodes.shape[1], height, width, 1), np.float32)
    slopes: np.ndarray = output_gradient(model, images, np.arange(nodes.shape[1]))[..., 0]
    for slope, row, column in zip(slopes, *nodes, strict=True):
        expected = np.zeros((height, width), bool)
        (top, bottom), (left, right) = views[0].bounds(row), views[1].bounds(column)
        expected[max(top, 0) : bottom, max(left, 0) : right] = True
        assert np.array_equal(slope > 0, expected)
    seen = np.any(slopes > 0, axis=0)
    assert seen.any(axis=1).sum() == views[0].seen(height)
    assert seen.any(axis=0).sum() == views[1].seen(width)


def test_neighbours_overlap_after_each_pooling() -> None:
    once = stack(28, [(3, 1, False), (2, 2, False)])
    assert (once.size, once.field, once.step) == (13, 4, 2)
    assert (once.bounds(5), once.bounds(6)) == ((10, 14), (12, 16))
    twice = stack(28, [(3, 1, False), (2, 2, False)] * 2)
    assert (twice.size, twice.field, twice.step) == (5, 10, 4)


def test_without_pooling_fourteen_layers_cover_an_image() -> None:
    fields = [stack(100, [(3, 1, False)] * layers).field for layers in (13, 14)]
    assert fields == [27, 29]


def test_a_dense_node_sees_all_that_the_layer_before_it_sees() -> None:
    view = connect(stack(28, [(3, 1, False), (2, 2, False), (3, 1, False), (2, 2, False), (3, 1, False)]), 28)
    assert (view.size, view.bounds(0), view.seen(28)) == (1, (0, 26), 26)
    assert connect(stack(9, [(3, 1, True)]), 9).bounds(0) == (0, 9)
    assert connect(View(9), 9).bounds(0) == (0, 9)
