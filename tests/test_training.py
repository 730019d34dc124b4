"""Training: order of the images, figures, best weights, stopping, divergence."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from digits.data.files import read_json
from digits.data.splits import Split
from digits.networks.autoencoder.builder import build_autoencoder
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import predict
from digits.networks.mlp.builder import build_mlp
from digits.networks.mlp.settings import MLP
from digits.pipeline import StageError
from digits.training.loop import (
    Fitted,
    Report,
    Silent,
    classification,
    epoch_images,
    evaluate,
    fit,
    reconstruction,
    write_fitted,
)
from tests.helpers import augmentation, autoencoder, cnn, mlp, optimizer, random_split

SILENT = Silent()
STILL = optimizer(rate=1e-30)  # too small a step to move any weight
TRAIN = random_split(61)  # no multiple of the batch
VAL = random_split(30, seed=1)
LABELS_AWRY = Split(VAL.images, (VAL.labels + 1) % 3, VAL.indices)


class Told:
    """Hears a training out; ends it after epoch `fatal`, as a kill would."""

    def __init__(self, fatal: int = 0) -> None:
        self.rows: list[dict[str, float]] = []
        self.notes: dict[str, str] = {}
        self._fatal = fatal

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        if epoch == self._fatal:
            raise KeyboardInterrupt
        self.rows.append({"epoch": epoch, **values})

    def note(self, key: str, value: str) -> None:
        self.notes[key] = value


@pytest.fixture(autouse=True)
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the checkpoints of this module's trainings out of the repository."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path / ".checkpoints"


def trained(
    settings: MLP, train: Split = TRAIN, val: Split = VAL, report: Report = SILENT
) -> tuple[keras.Model, Fitted]:
    model = build_mlp(settings, train.images, 3, seed=1)
    objective = classification(settings.loss, 3)
    return model, fit(model, objective, (train, val), settings, 1, report)


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
    fitted = fit(model, reconstruction(), (TRAIN, VAL), settings, 1, SILENT)
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
    again = evaluate(model, classification(settings.loss, 3), LABELS_AWRY, LABELS_AWRY.images)
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
    told = Told()
    _, fitted = trained(mlp(), report=told)
    pd.testing.assert_frame_equal(fitted.history, pd.DataFrame(told.rows))


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
    expected = fitted.history.assign(kept=[False, True])
    pd.testing.assert_frame_equal(pd.read_csv(history), expected, atol=1e-6)
    counts = {"epochs": 2, "parameters": 36 * 6 + 6 + 6 * 3 + 3}
    assert read_json(metrics) == pytest.approx(fitted.best | counts, abs=1e-6)


# Dropout draws from seed generators, batch normalisation and Adam keep averages: all must come back.
RESTLESS = {
    "dropout": 0.4,
    "batch_normalization": True,
    "optimizer": optimizer("adam", 0.01),
    "augmentation": augmentation(shift=1, rotation=9, zoom=0.1),
}


def convolved(epochs: int, report: Report, **changes: Any) -> tuple[list[np.ndarray], Fitted]:
    settings = cnn(**RESTLESS | {"epochs": epochs, "kernel": 2} | changes)
    model = build_cnn(settings, TRAIN.images, 3, seed=1)
    fitted = fit(model, classification("categorical_crossentropy", 3), (TRAIN, VAL), settings, 1, report)
    fitted.finish()
    return model.get_weights(), fitted


def same(one: tuple[list[np.ndarray], Fitted], other: tuple[list[np.ndarray], Fitted]) -> bool:
    alike = all(np.array_equal(a, b) for a, b in zip(one[0], other[0], strict=True))
    return alike and one[1].history.equals(other[1].history) and one[1].best_epoch == other[1].best_epoch


def test_a_training_cut_off_resumes_with_the_same_bits(checkpoints: Path) -> None:
    changes = {"optimizer": optimizer("adam", 0.01, schedule="cosine")}
    whole = convolved(4, SILENT, **changes)
    shutil.rmtree(checkpoints)
    with pytest.raises(KeyboardInterrupt):
        convolved(4, Told(fatal=3), **changes)
    told = Told()
    assert same(convolved(4, told, **changes), whole)
    assert told.notes == {"resumed_after_epoch": "2"}
    pd.testing.assert_frame_equal(whole[1].history, pd.DataFrame(told.rows))
    assert list(checkpoints.iterdir()) == []


def test_more_epochs_continue_a_finished_training_where_the_schedule_allows_it(checkpoints: Path) -> None:
    whole = convolved(4, SILENT)
    shutil.rmtree(checkpoints)
    convolved(2, SILENT)
    told = Told()
    assert same(convolved(4, told), whole)
    assert told.notes == {"resumed_after_epoch": "2"}


def test_the_same_training_again_is_a_training() -> None:
    told = Told()
    convolved(2, SILENT)
    convolved(2, told)
    assert told.notes == {}


def test_another_setting_takes_up_no_checkpoint() -> None:
    told = Told()
    convolved(1, SILENT)
    convolved(2, told, dropout=0.3)
    assert told.notes == {}


def test_a_training_whose_network_could_not_be_written_is_not_lost() -> None:
    model, fitted = trained(mlp(epochs=2))
    told = Told()
    again, refitted = trained(mlp(epochs=2), report=told)
    assert told.notes == {"resumed_after_epoch": "2"}
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    pd.testing.assert_frame_equal(refitted.history, fitted.history)


@pytest.mark.parametrize("size", [0, 2000])
def test_a_damaged_checkpoint_is_told_and_left_aside(
    checkpoints: Path, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    convolved(1, SILENT)
    (path,) = checkpoints.iterdir()
    content = path.read_bytes()
    path.write_bytes(content[:size])
    told = Told()
    convolved(2, told)
    assert told.notes == {}
    assert "cannot be read" in capsys.readouterr().err
