"""The gradient of a network's output, against finite differences and a closed form."""

import keras
import numpy as np
import pytest

from digits.analysis.saliency import attribution
from digits.networks.cnn.builder import build_cnn
from digits.networks.common import gradients
from digits.networks.common.saved import predict
from digits.networks.mlp.builder import build_mlp
from tests import helpers


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return helpers.random_images(7, 8, 8, 1)


def test_without_hidden_layers_it_is_that_of_the_softmax(images: np.ndarray) -> None:
    model = build_mlp(helpers.mlp(hidden=()), images, 3, seed=1)
    labels = np.array([0, 1, 2, 2, 1, 0, 2])
    kernel = model.layers[-1].get_weights()[0].astype(np.float64)
    p = predict(model, images).astype(np.float64)
    chosen = p[np.arange(7), labels]
    expected = chosen[:, None] * (kernel.T[labels] - p @ kernel.T) / 255
    found = gradients.output_gradient(model, images.astype(np.float32), labels)
    assert found.shape == images.shape
    assert found.reshape(7, -1) == pytest.approx(expected, abs=1e-7)


def test_it_is_the_slope_of_the_chosen_output(images: np.ndarray) -> None:
    model = build_mlp(helpers.mlp(hidden=(9,), activation="tanh"), images, 3, seed=1)
    labels, values = np.array([0, 1, 2, 0, 1, 2, 0]), images.astype(np.float32)
    direction = np.random.default_rng(1).normal(size=images.shape).astype(np.float32)
    ahead, behind = (predict(model, values + step * direction)[np.arange(7), labels] for step in (1, -1))
    slope = (gradients.output_gradient(model, values, labels) * direction).reshape(7, -1).sum(axis=1)
    assert slope == pytest.approx((ahead - behind) / 2, rel=0.02, abs=1e-5)


def test_batches_do_not_matter(images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_mlp(helpers.mlp(), images, 3, seed=1)
    labels, values = np.array([0, 1, 2, 0, 1, 2, 0]), images.astype(np.float32)
    whole = gradients.output_gradient(model, values, labels)
    monkeypatch.setattr(gradients, "BATCH", 3)
    assert gradients.output_gradient(model, values, labels) == pytest.approx(whole, abs=1e-9)


def test_layers_act_as_in_prediction_and_keep_their_state(images: np.ndarray) -> None:
    model = build_cnn(helpers.cnn(batch_normalization=True, dropout=0.5), images, 3, seed=1)
    labels, before = np.array([0, 1, 2, 0, 1, 2, 0]), model.get_weights()
    first, again = (gradients.output_gradient(model, images.astype(np.float32), labels) for _ in range(2))
    assert np.array_equal(first, again)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(old, new)


def test_integrated_gradients_of_a_network_add_up(images: np.ndarray) -> None:
    model = build_mlp(helpers.mlp(hidden=(9,)), images, 3, seed=1)
    labels = np.array([0, 1, 2, 0, 1, 2, 0])
    shares = attribution.integrated_gradients(
        lambda batch, classes: gradients.output_gradient(model, batch, classes), images, labels, steps=64
    )
    error = attribution.completeness_error(shares, lambda batch: predict(model, batch), images, labels)
    assert error < 0.001 < np.abs(shares.reshape(7, -1).sum(axis=1)).mean()


def test_a_backend_without_gradients_is_named(images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_mlp(helpers.mlp(), images, 3, seed=1)
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(NotImplementedError, match="tensorflow or torch or jax, not numpy"):
        gradients.output_gradient(model, images.astype(np.float32), np.zeros(7, dtype=np.int64))
