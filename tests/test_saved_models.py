"""Saved models: equal bytes for equal models, from two processes too; outputs batch by batch."""

import os
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from digits.compute import CORES
from digits.networks.autoencoder.builder import build_autoencoder
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.normalization import BatchNormalization, fold
from digits.networks.common.saved import PREDICTION_BATCH, load_model, predict, save_model, up_to
from digits.networks.mlp.builder import build_mlp
from digits.pipeline import processes
from tests.support.helpers import ROOT, autoencoder, cnn, mlp, random_images, random_split

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
        assert np.array_equal(loaded.predict_on_batch(IMAGES), fold(model).predict_on_batch(IMAGES))
        assert {type(layer).__module__.partition(".")[0] for layer in loaded.layers} == {"keras"}


def test_a_folded_normalization_does_what_it_did() -> None:
    model, rng = network("cnn"), np.random.default_rng(3)
    weights = [rng.normal(0, 0.2, values.shape) for values in model.get_weights()]
    names = [variable.path for variable in model.weights]
    model.set_weights([abs(w) if "variance" in name else w for w, name in zip(weights, names, strict=True)])
    exact = keras.models.clone_model(model, clone_function=_plain)
    exact.set_weights(model.get_weights())
    expected = exact.predict_on_batch(IMAGES)
    assert np.ptp(expected, axis=0).max() > 0.01
    for other in (model, fold(model)):
        assert np.allclose(other.predict_on_batch(IMAGES), expected, atol=1e-4)


def _plain(layer: keras.layers.Layer) -> keras.layers.Layer:
    kind = keras.layers.BatchNormalization if isinstance(layer, BatchNormalization) else type(layer)
    return kind.from_config(layer.get_config())


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


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_predict_takes_any_dtype_and_answers_in_float32(dtype: type) -> None:
    model, images = network("cnn"), random_images(7, 9, 9, 1)
    outputs = predict(model, images.astype(dtype))
    assert outputs.dtype == np.float32
    assert np.array_equal(outputs, predict(model, images.astype(np.float32)))


def test_a_truncated_network_gives_the_output_of_its_layer() -> None:
    model = network("mlp")
    layer = model.get_layer("hidden_1")
    expected = np.maximum(IMAGES.reshape(5, 81) / 255 @ np.asarray(layer.kernel), 0)
    assert np.allclose(predict(up_to(model, "hidden_1"), IMAGES), expected, atol=1e-6)
    layer.kernel.assign(2 * layer.kernel)
    assert np.allclose(predict(up_to(model, "hidden_1"), IMAGES), 2 * expected, atol=1e-5)


SCRIPT = """
import sys
from digits.compute import Compute, pin
pin(Compute(backend="tensorflow", instruction_set="avx2"))
import hashlib
from pathlib import Path
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import save_model
from digits.training.loop import fit
from digits.training.objectives import classification
from tests.support.helpers import augmentation, cnn, optimizer, random_split
settings = cnn(batch_normalization=True, dropout=0.3, epochs=2, kernel=2, batch_size=150,
               optimizer=optimizer("adam", 0.01), augmentation=augmentation(shift=1, rotation=9, zoom=0.1))
train, val = random_split(310), random_split(30, seed=1)
model = build_cnn(settings, train.images, 3, 1)
model = fit(model, classification("categorical_crossentropy", 3), (train, val), settings, 1).model
print(hashlib.md5(b"".join(values.tobytes() for values in model.get_weights())).hexdigest())
save_model(Path(sys.argv[1]), model)
"""


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """Digest of the weights and bytes of the saved model, from a process on one core and one on three."""
    files = [tmp_path_factory.mktemp("model") / "model.keras" for _ in range(2)]
    started = [start(file, number) for file, number in zip(files, "13", strict=True)]
    outputs = [process.communicate(timeout=300) for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs[0][1]
    return [(output, file.read_bytes()) for (output, _), file in zip(outputs, files, strict=True)]


def start(file: Path, number: str) -> "subprocess.Popen[str]":
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": number,
        CORES: number,
        "DVC_ROOT": str(file.parent),
    }
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SCRIPT, str(file)]
    return processes.start(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_any_number_of_cores_arrives_at_the_same_weights(trainings: list[tuple[str, bytes]]) -> None:
    (first, _), (second, _) = trainings
    assert first == second
    assert len(first.strip()) == 32


def test_two_processes_leave_the_same_file(trainings: list[tuple[str, bytes]]) -> None:
    (_, first), (_, second) = trainings
    assert first == second
