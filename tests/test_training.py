"""Training: order of the images, figures, best weights, stopping, divergence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from stages.networks.autoencoder import build_autoencoder
from stages.networks.mlp import build_mlp
from stages.networks.mlp_settings import MLP
from stages.shared.data import Split
from stages.shared.errors import StageError
from stages.shared.files import read_json
from stages.shared.models import predict
from stages.shared.training import (
    Fitted,
    classification,
    epoch_images,
    evaluate,
    fit,
    reconstruction,
    write_fitted,
)
from tests.helpers import augmentation, autoencoder, mlp, optimizer, random_split

STILL = optimizer(rate=1e-30)  # too small a step to move any weight
TRAIN = random_split(61)  # no multiple of the batch
VAL = random_split(30, seed=1)
LABELS_AWRY = Split(VAL.images, (VAL.labels + 1) % 3, VAL.indices)


def trained(settings: MLP, train: Split = TRAIN, val: Split = VAL) -> tuple[keras.Model, Fitted]:
    model = build_mlp(settings, train.images, 3, seed=1)
    objective = classification(settings.loss, 3)
    return model, fit(model, objective, (train, val), settings, 1, lambda epoch, row: None)


def numbered(n: int) -> Split:
    """Return n images of 8 x 8 equal pixels; image i has the value i and the label i % 7."""
    numbers = np.arange(n, dtype=np.uint8)
    images = np.broadcast_to(numbers[:, None, None, None], (n, 8, 8, 1)).copy()
    return Split(images, numbers % 7, numbers.astype(np.int32))


def order(seed: int, epoch: int, n: int = 50) -> list[int]:
    images, _ = epoch_images(numbered(n), mlp(), seed, epoch)
    return [int(value) for value in images[:, 0, 0, 0]]


def test_an_epoch_shows_each_image_once() -> None:
    assert sorted(order(1, 1)) == list(range(50))
    assert order(1, 1) != list(range(50))


def test_the_order_comes_from_seed_and_epoch() -> None:
    assert order(1, 1) == order(1, 1)
    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (1, 2, 3)}) == 6


def test_keras_repeats_one_order_which_is_why_it_is_not_asked() -> None:
    seen: list[float] = []

    def loss(targets: Any, outputs: Any) -> Any:
        seen.extend(np.asarray(targets)[:, 0])
        return keras.ops.mean((targets - outputs) ** 2)

    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", loss, run_eagerly=True)
    numbers = np.arange(16, dtype=np.float32)[:, None]
    model.fit(numbers, numbers, batch_size=4, epochs=3, shuffle=True, verbose=0)
    first, second, third = np.array(seen).reshape(3, 16).tolist()
    assert first == second == third != sorted(first)


@pytest.mark.parametrize("shift", [0, 1])
def test_labels_stay_with_their_images(shift: int) -> None:
    settings = mlp(augmentation=augmentation(shift=shift))
    images, labels = epoch_images(numbered(50), settings, seed=1, epoch=1)
    assert np.array_equal(images[:, 4, 4, 0] % 7, labels)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mean_squared_error"])
def test_figures_are_means_over_images_with_the_penalty_in_the_loss(loss: str) -> None:
    settings = mlp(loss=loss, l2=0.01, optimizer=STILL, epochs=2)
    model, fitted = trained(settings)
    penalty = float(sum(model.losses))
    assert penalty > 0.05
    for prefix, split in (("", TRAIN), ("val_", VAL)):
        outputs, truth = predict(model, split.images).astype(float), np.eye(3)[split.labels]
        by_image = {
            "categorical_crossentropy": -np.log(outputs[truth == 1]),
            "mean_squared_error": ((outputs - truth) ** 2).mean(axis=1),
        }
        accuracy = (outputs.argmax(axis=1) == split.labels).mean()
        assert fitted.history[f"{prefix}loss"].tolist() == pytest.approx(
            [by_image[loss].mean() + penalty] * 2
        )
        assert fitted.history[f"{prefix}accuracy"].tolist() == pytest.approx([accuracy] * 2)


def test_an_autoencoder_is_measured_by_its_squared_error_in_unit_pixels() -> None:
    settings = autoencoder(optimizer=STILL, epochs=1)
    model = build_autoencoder(settings, TRAIN.images, seed=1)
    fitted = fit(model, reconstruction(), (TRAIN, VAL), settings, 1, lambda epoch, row: None)
    for column, split in (("loss", TRAIN), ("val_loss", VAL)):
        error = ((predict(model, split.images) - split.images / 255) ** 2).mean()
        assert fitted.best[column] == pytest.approx(error, rel=1e-5)
    assert set(fitted.history) == {"epoch", "loss", "val_loss"}


def test_training_learns_and_stops_never_while_it_gets_better() -> None:
    _, fitted = trained(mlp(epochs=6, patience=1, optimizer=optimizer(rate=0.05)), val=TRAIN)
    assert fitted.best_epoch == len(fitted.history) == 6
    assert fitted.history["loss"].is_monotonic_decreasing


@pytest.mark.parametrize("patience", [1, 3])
def test_training_stops_after_patience_and_keeps_the_weights_of_the_best_epoch(patience: int) -> None:
    settings = mlp(epochs=9, patience=patience, optimizer=optimizer(rate=0.5))
    model, fitted = trained(settings, val=LABELS_AWRY)
    assert fitted.best_epoch == 1
    assert fitted.history["epoch"].tolist() == list(range(1, 2 + patience))
    again = evaluate(model, classification(settings.loss, 3), LABELS_AWRY)
    best, last = fitted.history.iloc[0], fitted.history.iloc[-1]
    assert again == {"val_loss": best["val_loss"], "val_accuracy": best["val_accuracy"]}
    assert again["val_loss"] < last["val_loss"] - 0.05
    assert fitted.best == {"best_epoch": 1, **best.drop("epoch")}


@pytest.mark.parametrize(("monitor", "best"), [("val_loss", "idxmin"), ("val_accuracy", "idxmax")])
def test_the_monitor_chooses_the_epoch(monitor: str, best: str) -> None:
    _, fitted = trained(mlp(monitor=monitor, epochs=8, patience=8, optimizer=optimizer(rate=0.05)))
    figures = fitted.history[monitor]
    assert figures.nunique() > 1
    assert fitted.best_epoch == 1 + getattr(figures, best)()


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_the_earliest_of_equal_epochs_is_kept(monitor: str) -> None:
    _, fitted = trained(mlp(monitor=monitor, optimizer=STILL, epochs=5, patience=2))
    assert (fitted.best_epoch, len(fitted.history)) == (1, 3)


def test_every_epoch_is_reported_as_it_stands_in_the_history() -> None:
    rows: list[dict[str, float]] = []

    def on_epoch(epoch: int, row: Mapping[str, float]) -> None:
        rows.append({"epoch": epoch, **row})

    model = build_mlp(mlp(), TRAIN.images, 3, seed=1)
    fitted = fit(model, classification("categorical_crossentropy", 3), (TRAIN, VAL), mlp(), 1, on_epoch)
    pd.testing.assert_frame_equal(fitted.history, pd.DataFrame(rows))


def test_a_diverging_training_ends_with_a_sentence() -> None:
    message = (
        r"^the training diverged in epoch 1: accuracy [\d.]+, loss (nan|inf), val_accuracy [\d.]+, "
        r"val_loss (nan|inf)\. Lower the learning rate or scale the input, and run it again\.$"
    )
    with pytest.raises(StageError, match=message):
        trained(mlp(scaling="raw", loss="mean_squared_error", optimizer=optimizer(rate=1e38)))


def test_a_training_leaves_network_history_and_figures(tmp_path: Path) -> None:
    model, fitted = trained(mlp(epochs=2))
    path, history, metrics = (tmp_path / name for name in ("m.keras", "h.csv", "m.json"))
    write_fitted(model, fitted, path, history, metrics)
    loaded = keras.saving.load_model(path)
    assert np.array_equal(predict(loaded, VAL.images), predict(model, VAL.images))
    assert np.allclose(pd.read_csv(history), fitted.history, atol=1e-6)
    counts = {"epochs": 2, "parameters": 36 * 6 + 6 + 6 * 3 + 3}
    assert read_json(metrics) == pytest.approx(fitted.best | counts, abs=1e-6)
