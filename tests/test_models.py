"""Models on disk: equal bytes for equal models, and outputs batch by batch."""

import time
from pathlib import Path

import keras
import numpy as np
import pytest

from digits.networks.autoencoder.builder import build_autoencoder
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import PREDICTION_BATCH, load_model, predict, save_model, up_to
from digits.networks.mlp.builder import build_mlp
from tests.helpers import autoencoder, cnn, mlp, random_images, random_split

IMAGES = random_images(5, 9, 9, 1)


def network(name: str) -> keras.Model:
    if name == "mlp":
        return build_mlp(mlp(dropout=0.2, l1=0.1), IMAGES, 3, seed=1)
    if name == "cnn":
        return build_cnn(cnn(batch_normalization=True, dropout=0.2, l2=0.1), IMAGES, 3, seed=1)
    return build_autoencoder(autoencoder(layers=(3, "pool")), IMAGES, seed=1)


def test_a_model_saved_twice_is_the_same_bytes(tmp_path: Path) -> None:
    model = network("cnn")
    save_model(tmp_path / "first.keras", model)
    time.sleep(2.1)  # a zip's clock ticks in steps of two seconds
    save_model(tmp_path / "second.keras", model)
    assert (tmp_path / "first.keras").read_bytes() == (tmp_path / "second.keras").read_bytes()
    model.layers[-1].bias.assign([0, 0, 1e-6])
    save_model(tmp_path / "third.keras", model)
    assert (tmp_path / "first.keras").read_bytes() != (tmp_path / "third.keras").read_bytes()


@pytest.mark.parametrize("name", ["mlp", "cnn", "autoencoder"])
def test_plain_keras_loads_what_was_saved(tmp_path: Path, name: str) -> None:
    model, path = network(name), tmp_path / "model.keras"
    model.set_weights([values + 0.01 for values in model.get_weights()])
    save_model(path, model)
    for loaded in (keras.saving.load_model(path), load_model(path)):
        assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
        assert np.array_equal(loaded.predict_on_batch(IMAGES), model.predict_on_batch(IMAGES))


def test_a_model_loaded_and_saved_again_is_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first.keras", tmp_path / "second.keras"
    save_model(first, network("cnn"))
    save_model(second, load_model(first))
    assert first.read_bytes() == second.read_bytes()


def test_the_optimizer_is_left_out(tmp_path: Path) -> None:
    split, path = random_split(20), tmp_path / "model.keras"
    model = build_mlp(mlp(), split.images, 3, seed=1)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.train_on_batch(split.images, split.labels)
    save_model(path, model)
    assert not keras.saving.load_model(path).compiled


@pytest.mark.parametrize("n", [1, PREDICTION_BATCH, 2 * PREDICTION_BATCH + 3])
def test_predict_gives_what_keras_predicts(n: int) -> None:
    model, images = network("cnn"), random_images(n, 9, 9, 1)
    expected = model.predict(images, batch_size=PREDICTION_BATCH, verbose=0)
    outputs = predict(model, images)
    assert outputs.dtype == np.float32
    assert outputs.shape == (n, 3)
    assert np.allclose(outputs, expected, atol=1e-6)


def test_a_network_cut_short_gives_the_layer_s_own_output() -> None:
    model = network("mlp")
    layer = model.get_layer("hidden_1")
    expected = np.maximum(IMAGES.reshape(5, 81) / 255 @ np.asarray(layer.kernel), 0)
    assert np.allclose(predict(up_to(model, "hidden_1"), IMAGES), expected, atol=1e-6)
    layer.kernel.assign(2 * layer.kernel)
    assert np.allclose(predict(up_to(model, "hidden_1"), IMAGES), 2 * expected, atol=1e-5)
