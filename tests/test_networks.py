"""Shared layers, MLP and CNN: scaling, pooling, shapes, counts, seeds, penalties."""

import random
from collections.abc import Callable
from itertools import combinations
from typing import Any, get_args

import keras
import numpy as np
import pytest
from scipy.special import ndtr

from digits.networks.cnn.builder import build_cnn
from digits.networks.common.layers import Seeds, pooling, rescaling, weights
from digits.networks.mlp.builder import build_mlp
from digits.pipeline import StageError
from digits.training.settings import Activation
from tests.support.helpers import cnn, mlp, random_images

DIGITS = random_images(2, 28, 28, 1)
SMALL = random_images(5, 9, 10, 1)
WIDE = 400  # enough units for the moments of the weights


@pytest.mark.parametrize(("kind", "reduce"), [("max", np.max), ("mean", np.mean)])
def test_pooling_takes_max_or_mean_and_drops_an_odd_last_row(kind: str, reduce: Callable[..., Any]) -> None:
    images = random_images(3, 7, 4, 2).astype(np.float32)
    blocks = images[:, :6].reshape(3, 3, 2, 2, 2, 2)
    assert np.allclose(pooling(kind, "pool")(images), reduce(blocks, axis=(2, 4)))


@pytest.mark.parametrize(
    ("activation", "variance"),
    [("relu", 2 / WIDE), ("silu", 2 / WIDE), ("selu", 1 / WIDE), ("tanh", 1 / WIDE), ("softmax", 1 / WIDE)],
)
def test_initial_weights_have_the_variance_for_the_activation(activation: str, variance: float) -> None:
    layer = keras.layers.Dense(WIDE, **weights(activation, Seeds(3)))
    layer.build((None, WIDE))
    kernel = np.asarray(layer.kernel)
    assert kernel.var() == pytest.approx(variance, rel=0.02)
    assert abs(kernel.mean()) < 4 * np.sqrt(variance) / WIDE


@pytest.mark.parametrize(("scaling", "slope"), [("raw", 1), ("unit", 1 / 255)])
def test_raw_pixels_stay_and_unit_pixels_end_at_one(scaling: str, slope: float) -> None:
    assert np.allclose(rescaling(scaling, SMALL)(SMALL.astype(np.float32)), SMALL * slope)


def test_standardized_pixels_have_mean_0_and_stay_small() -> None:
    train = random_images(50, 6, 6, 1)
    train[:, 0] = 0
    scaled = rescaling("standard", train)
    values = np.asarray(scaled(train.astype(np.float32)))
    assert values.mean() == pytest.approx(0, abs=1e-5)
    assert values.std() == pytest.approx(1, abs=1e-5)
    lit = np.full((1, 6, 6, 1), 255, np.float32)  # also where no training image is
    assert np.abs(scaled(lit)).max() == pytest.approx((255 - train.mean()) / train.std(), rel=1e-5)


def kernels(model: keras.Model) -> list[np.ndarray]:
    return [np.asarray(layer.kernel) for layer in model.layers if hasattr(layer, "kernel")]


def same_weights(first: keras.Model, second: keras.Model) -> bool:
    return all(map(np.array_equal, first.get_weights(), second.get_weights()))


@pytest.mark.parametrize(
    ("hidden", "count"), [((70, 30), 57_390), ((128,), 101_770), ((1,), 805), ((), 7_850)]
)
def test_mlp_has_as_many_parameters_as_counted_by_hand(hidden: tuple[int, ...], count: int) -> None:
    model = build_mlp(mlp(hidden=hidden, dropout=0.2 if hidden else 0.0), DIGITS, 10, seed=1)
    assert model.count_params() == count
    assert model.output_shape == (None, 10)


def test_cnn_has_the_parameters_and_map_sizes_counted_by_hand() -> None:
    model = build_cnn(cnn(layers=(32, "pool", 64, "pool", 64)), DIGITS, 10, seed=1)
    maps = [layer for layer in model.layers if len(layer.output.shape) == 4][1:]
    assert [layer.count_params() for layer in maps] == [320, 0, 18_496, 0, 36_928]
    assert [layer.output.shape[1:3] for layer in maps] == [(side, side) for side in (26, 13, 11, 5, 3)]


def test_padding_same_keeps_the_size() -> None:
    model = build_cnn(cnn(layers=(4, 5), kernel=4, padding="same"), SMALL, 3, seed=1)
    assert model.get_layer("convolution_2").output.shape == (None, 9, 10, 5)


def test_normalization_comes_before_the_activation_on_the_pooled_map() -> None:
    model = build_cnn(cnn(layers=(4, "pool", 5), batch_normalization=True, kernel=1), SMALL, 3, seed=1)
    names = [layer.name for layer in model.layers][1:8]
    first = ["convolution_1", "pool_1", "normalization_1", "activation_1"]
    assert names == [*first, "convolution_2", "normalization_2", "activation_2"]


def test_cnn_applies_its_activation_and_its_pooling() -> None:
    model = build_cnn(cnn(layers=(4, "pool"), activation="tanh", pooling="mean"), SMALL, 3, seed=1)
    inputs = 9 * np.random.default_rng(0).normal(size=(3, 9, 10, 1)).astype(np.float32)
    maps = np.asarray(model.get_layer("convolution_1")(inputs))
    assert maps.min() < -0.99
    blocks = maps[:, :6].reshape(3, 3, 2, 4, 2, 4)
    assert np.allclose(model.get_layer("pool_1")(maps), blocks.mean(axis=(2, 4)), atol=1e-6)
    features = np.asarray(model.get_layer("features")(inputs.reshape(3, 90)[:, :48]))
    assert features.min() < -0.9


def test_cnn_may_pool_twice_in_a_row() -> None:
    model = build_cnn(cnn(layers=(4, "pool", "pool")), DIGITS, 3, seed=1)
    assert model.get_layer("flat").output.shape == (None, 4 * 6 * 6)


def test_cnn_may_have_no_convolution() -> None:
    assert build_cnn(cnn(layers=()), DIGITS, 3, seed=1).get_layer("flat").output.shape == (None, 784)


@pytest.mark.parametrize("layers", [(4, "pool") * 4, (4, *["pool"] * 5)])
def test_cnn_with_too_many_layers_is_refused(layers: tuple[int | str, ...]) -> None:
    with pytest.raises(StageError, match=r"leaves no pixel of an image of 28 x 28\. Take fewer layers"):
        build_cnn(cnn(layers=layers), DIGITS, 3, seed=1)


CLOSED_FORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "gelu": lambda x: x * ndtr(x),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
}


@pytest.mark.parametrize("name", get_args(Activation))
def test_every_activation_is_applied_after_the_kernel(name: str) -> None:
    model = build_mlp(mlp(activation=name, hidden=(7,)), SMALL, 3, seed=1)
    layer = model.get_layer("hidden_1")
    inputs = np.random.default_rng(0).normal(size=(4, 90)).astype(np.float32)
    expected = CLOSED_FORMS[name](inputs.astype(np.float64) @ np.asarray(layer.kernel))
    assert np.allclose(layer(inputs), expected, atol=1e-5)


@pytest.mark.parametrize(("l1", "l2"), [(0.01, 0.0), (0.0, 0.02), (0.01, 0.02)])
def test_the_penalty_of_the_mlp_is_on_all_kernels_and_no_bias(l1: float, l2: float) -> None:
    model = build_mlp(mlp(hidden=(6, 4), l1=l1, l2=l2), SMALL, 3, seed=1)
    model.set_weights([values + 0.1 for values in model.get_weights()])
    expected = sum(l1 * np.abs(kernel).sum() + l2 * (kernel**2).sum() for kernel in kernels(model))
    assert len(model.losses) == 3
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_the_penalty_of_the_cnn_is_on_all_kernels_and_no_bias() -> None:
    model = build_cnn(cnn(l2=0.02), SMALL, 3, seed=1)
    model.set_weights([values + 0.1 for values in model.get_weights()])
    expected = 0.02 * sum((kernel**2).sum() for kernel in kernels(model))
    assert len(model.losses) == 4
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def small_mlp(seed: int) -> keras.Model:
    return build_mlp(mlp(hidden=(90, 90), dropout=0.5), SMALL, 30, seed)


def small_cnn(seed: int) -> keras.Model:
    return build_cnn(cnn(layers=(4, 4, 4), padding="same", dropout=0.5), SMALL, 3, seed)


@pytest.mark.parametrize("build", [small_mlp, small_cnn])
def test_weights_come_from_the_seed_alone(build: Callable[[int], keras.Model]) -> None:
    keras.utils.set_random_seed(1)
    first, outputs = build(5), build(5)(SMALL, training=True)
    keras.utils.set_random_seed(2)
    random.seed(3)
    again = build(5)
    assert same_weights(first, again)
    assert np.array_equal(outputs, again(SMALL, training=True))
    assert not any(map(np.array_equal, kernels(first), kernels(build(6))))


@pytest.mark.parametrize("build", [small_mlp, small_cnn])
def test_no_two_layers_share_a_draw(build: Callable[[int], keras.Model]) -> None:
    for first, second in combinations(kernels(build(5)), 2):
        if first.shape == second.shape:
            assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.5


@pytest.mark.parametrize("scaling", ["raw", "unit", "standard"])
def test_networks_scale_for_themselves(scaling: str) -> None:
    expected = rescaling(scaling, SMALL)(SMALL.astype(np.float32))
    for model in (build_mlp(mlp(scaling=scaling), SMALL, 3, 1), build_cnn(cnn(scaling=scaling), SMALL, 3, 1)):
        assert np.allclose(model.get_layer("pixels")(SMALL.astype(np.float32)), expected)


@pytest.mark.parametrize("model", [small_mlp(1), small_cnn(1)], ids=["mlp", "cnn"])
def test_dropout_works_in_training_only(model: keras.Model) -> None:
    layer = next(layer for layer in model.layers if layer.name.startswith("dropout"))
    ones = np.ones((40, 50), np.float32)
    assert np.array_equal(layer(ones, training=False), ones)
    dropped = np.asarray(layer(ones, training=True))
    assert set(np.unique(dropped)) == {0, 2}
    assert (dropped == 0).mean() == pytest.approx(0.5, abs=0.05)
    assert np.array_equal(model(SMALL, training=False), model(SMALL, training=False))
    assert not np.array_equal(model(SMALL, training=True), model(SMALL, training=True))
