"""Gradients, occlusion and integrated gradients, against closed forms and finite differences."""

import keras
import numpy as np
import pytest

from digits.analysis.saliency import attribution
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import predict
from digits.networks.mlp.builder import build_mlp
from tests.support import helpers
from tests.support.helpers import random_images

LABELS = np.array([0, 1, 1, 0, 1], dtype=np.uint8)
WEIGHTS = np.random.default_rng(1).normal(size=(2, 3, 4, 1))


def linear(images: np.ndarray) -> np.ndarray:
    """Two outputs, linear in the pixels."""
    return np.einsum("nijk,cijk->nc", images.astype(np.float64) / 255, WEIGHTS)


def linear_gradient(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return WEIGHTS[labels] / 255


def test_attributions_of_a_linear_function_are_weight_times_ink() -> None:
    images = random_images(5, 3, 4, 1)
    attributions = attribution.integrated_gradients(linear_gradient, images, LABELS, steps=1)
    assert attributions == pytest.approx(WEIGHTS[LABELS] * images / 255)
    assert attribution.completeness_error(attributions, linear, images, LABELS) == pytest.approx(0, abs=1e-12)


def test_the_midpoint_rule_has_its_known_error_on_cubes() -> None:
    images = random_images(5, 3, 4, 1) // 2
    cubes = images.astype(np.float64) ** 3
    for steps in (1, 2, 10):
        attributions = attribution.integrated_gradients(
            lambda batch, labels: 3 * batch.astype(np.float64) ** 2, images, LABELS, steps
        )
        assert attributions == pytest.approx(cubes * (1 - 1 / (4 * steps**2)), rel=1e-5)


def test_a_blank_image_has_no_attributions() -> None:
    images = np.zeros((5, 3, 4, 1), dtype=np.uint8)
    assert not attribution.integrated_gradients(linear_gradient, images, LABELS, steps=2).any()


def test_the_completeness_error_is_the_missing_sum() -> None:
    images = random_images(5, 3, 4, 1)
    attributions = attribution.integrated_gradients(linear_gradient, images, LABELS, steps=1)
    attributions[:, 0, 0, 0] += [1, -1, 0, 0, 0]
    assert attribution.completeness_error(attributions, linear, images, LABELS) == pytest.approx(2 / 5)


def test_occlusion_is_the_mean_contribution_of_the_ink() -> None:
    images = random_images(5, 3, 4, 1)
    images[:, 2, 3] = 0  # blank in all of them
    groups = [np.array([0, 5]), np.array([11]), np.arange(12)]
    drops = attribution.occlusion(linear, images, LABELS, groups)
    given = (WEIGHTS[LABELS] * images / 255).reshape(5, -1).mean(axis=0)
    assert drops == pytest.approx([given[0] + given[5], 0, given.sum()])
    assert images.any()  # the caller's images are left as they are


def test_the_probability_is_that_of_the_true_class() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [1, 0]], dtype=np.float32)
    found = attribution.true_probability(lambda images: probabilities, np.zeros((3, 1)), np.array([0, 1, 1]))
    assert found == pytest.approx([0.9, 0.8, 0])


def test_the_first_images_of_each_class_are_taken() -> None:
    labels = np.array([2, 0, 2, 2, 0, 3], dtype=np.uint8)
    assert attribution.first_of_each_class(labels, 2).tolist() == [1, 4, 0, 2, 5]


def test_a_class_without_images_has_no_mean() -> None:
    values = np.arange(12.0).reshape(3, 2, 2)
    means = attribution.mean_by_class(values, np.array([2, 0, 2]), 4)
    assert means[2] == pytest.approx((values[0] + values[2]) / 2)
    assert means[0] == pytest.approx(values[1])
    assert np.isnan(means[[1, 3]]).all()


def test_a_table_of_maps_names_the_upper_left_pixel_of_a_block() -> None:
    values = np.arange(6.0).reshape(2, 3)
    table = attribution.tabulate_maps({"flat": values, "twice": 2 * values}, side=4)
    assert table["row"].tolist() == [0, 0, 0, 4, 4, 4]
    assert table["column"].tolist() == [0, 4, 8, 0, 4, 8]
    assert table["flat"].tolist() == [0, 1, 2, 3, 4, 5]
    assert table["twice"].tolist() == [0, 2, 4, 6, 8, 10]


def test_rows_and_columns_of_pixels_are_told_apart() -> None:
    table = attribution.tabulate_maps({"values": np.arange(15.0).reshape(3, 5)})
    assert table["row"].tolist() == [i // 5 for i in range(15)]
    assert table["column"].tolist() == [i % 5 for i in range(15)]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return helpers.random_images(7, 8, 8, 1)


def test_the_gradient_of_a_softmax_has_its_closed_form(images: np.ndarray) -> None:
    model = build_mlp(helpers.mlp(hidden=()), images, 3, seed=1)
    labels = np.array([0, 1, 2, 2, 1, 0, 2])
    kernel = model.layers[-1].get_weights()[0].astype(np.float64)
    p = predict(model, images).astype(np.float64)
    chosen = p[np.arange(7), labels]
    expected = chosen[:, None] * (kernel.T[labels] - p @ kernel.T) / 255
    found = attribution.output_gradient(model, images.astype(np.float32), labels)
    assert found.shape == images.shape
    assert found.reshape(7, -1) == pytest.approx(expected, abs=1e-7)


def test_the_gradient_is_the_slope_of_the_chosen_output(images: np.ndarray) -> None:
    model = build_mlp(helpers.mlp(hidden=(9,), activation="tanh"), images, 3, seed=1)
    labels, values = np.array([0, 1, 2, 0, 1, 2, 0]), images.astype(np.float32)
    direction = np.random.default_rng(1).normal(size=images.shape).astype(np.float32)
    ahead, behind = (predict(model, values + step * direction)[np.arange(7), labels] for step in (1, -1))
    slope = (attribution.output_gradient(model, values, labels) * direction).reshape(7, -1).sum(axis=1)
    assert slope == pytest.approx((ahead - behind) / 2, rel=0.02, abs=1e-5)


def test_the_gradient_does_not_depend_on_batches(images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_mlp(helpers.mlp(), images, 3, seed=1)
    labels, values = np.array([0, 1, 2, 0, 1, 2, 0]), images.astype(np.float32)
    whole = attribution.output_gradient(model, values, labels)
    monkeypatch.setattr(attribution, "BATCH", 3)
    assert attribution.output_gradient(model, values, labels) == pytest.approx(whole, abs=1e-9)


def test_gradients_use_prediction_mode_and_keep_the_state(images: np.ndarray) -> None:
    model = build_cnn(helpers.cnn(batch_normalization=True, dropout=0.5), images, 3, seed=1)
    labels, before = np.array([0, 1, 2, 0, 1, 2, 0]), model.get_weights()
    first, again = (attribution.output_gradient(model, images.astype(np.float32), labels) for _ in range(2))
    assert np.array_equal(first, again)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(old, new)


def test_integrated_gradients_of_a_network_add_up(images: np.ndarray) -> None:
    model = build_mlp(helpers.mlp(hidden=(9,)), images, 3, seed=1)
    labels = np.array([0, 1, 2, 0, 1, 2, 0])
    attributions = attribution.integrated_gradients(
        lambda batch, classes: attribution.output_gradient(model, batch, classes), images, labels, steps=64
    )
    error = attribution.completeness_error(attributions, lambda batch: predict(model, batch), images, labels)
    assert error < 0.001 < np.abs(attributions.reshape(7, -1).sum(axis=1)).mean()


def test_a_backend_without_gradients_is_refused(images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_mlp(helpers.mlp(), images, 3, seed=1)
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(NotImplementedError, match="tensorflow or torch or jax, not numpy"):
        attribution.output_gradient(model, images.astype(np.float32), np.zeros(7, dtype=np.int64))
