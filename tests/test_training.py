"""Training: order of the images, metrics, best weights, stopping, divergence, checkpoints."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, call

import keras
import numpy as np
import pandas as pd
import pytest

from digits.data.files import read_json
from digits.data.splits import Split, write_split
from digits.networks.autoencoder.builder import build_autoencoder
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import predict
from digits.networks.mlp.builder import build_mlp
from digits.networks.mlp.settings import MLP
from digits.pipeline import StageError
from digits.pipeline.declaration import Paths
from digits.training import checkpoint
from digits.training.loop import (
    SILENT,
    Report,
    TrainingResult,
    epoch_blocks,
    evaluate,
    fit,
    train_classifier,
)
from digits.training.objectives import classification, reconstruction
from digits.training.outputs import write_result
from tests.support.helpers import augmentation, autoencoder, cnn, mlp, optimizer, random_split
from tools.dependencies import ROOT, undeclared

STILL = optimizer(rate=1e-30)  # too small a step to move any weight
TRAIN = random_split(61)  # no multiple of the batch
VAL = random_split(30, seed=1)
WRONG_LABELS = Split(VAL.images, (VAL.labels + 1) % 3, VAL.indices)


class Told:
    """A report that keeps all it gets, and interrupts the training in epoch `fatal`, as a kill would."""

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


def trained(settings: MLP, train: Split = TRAIN, val: Split = VAL, report: Report = SILENT) -> TrainingResult:
    return train_classifier(build_mlp, settings, (train, val), 3, 1, report)


def numbered(n: int) -> Split:
    """Return n images of 8 x 8 equal pixels; image i has the value i and the label i % 7."""
    numbers = np.arange(n, dtype=np.uint8)
    images = np.broadcast_to(numbers[:, None, None, None], (n, 8, 8, 1)).copy()
    return Split(images, numbers % 7, numbers.astype(np.int32))


def order(seed: int, epoch: int, n: int = 50) -> list[int]:
    blocks = epoch_blocks(numbered(n), mlp(), seed, epoch)
    return [int(value) for images, _ in blocks for value in images[:, 0, 0, 0]]


def test_an_epoch_shows_each_image_once() -> None:
    assert sorted(order(1, 1)) == list(range(50))
    assert order(1, 1) != list(range(50))


def test_the_order_comes_from_seed_and_epoch() -> None:
    assert order(1, 1) == order(1, 1)
    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (1, 2, 3)}) == 6


@pytest.mark.parametrize("shift", [0, 1])
def test_labels_stay_with_their_images(shift: int) -> None:
    settings = mlp(augmentation=augmentation(shift=shift))
    for images, labels in epoch_blocks(numbered(50), settings, seed=1, epoch=1):
        assert np.array_equal(images[:, 4, 4, 0] % 7, labels)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mean_squared_error"])
def test_metrics_are_means_over_images_and_the_loss_has_the_penalty(loss: str) -> None:
    settings = mlp(loss=loss, l2=0.01, optimizer=STILL, epochs=2)
    result = trained(settings)
    model = result.model
    penalty = float(sum(model.losses))
    assert penalty > 0.05
    for prefix, split in (("", TRAIN), ("val_", VAL)):
        outputs, truth = predict(model, split.images).astype(float), np.eye(3)[split.labels]
        by_image = {
            "categorical_crossentropy": -np.log(outputs[truth == 1]),
            "mean_squared_error": ((outputs - truth) ** 2).mean(axis=1),
        }
        accuracy = (outputs.argmax(axis=1) == split.labels).mean()
        assert result.history[f"{prefix}loss"].tolist() == pytest.approx(
            [by_image[loss].mean() + penalty] * 2
        )
        assert result.history[f"{prefix}accuracy"].tolist() == pytest.approx([accuracy] * 2)


def test_a_confident_error_costs_as_much_as_keras_says() -> None:
    model, objective = build_mlp(mlp(), VAL.images, 3, 1), classification("categorical_crossentropy", 3)
    model.set_weights([300 * values for values in model.get_weights()])
    model.compile(loss=objective.loss)
    expected = model.test_on_batch(VAL.images, np.eye(3)[VAL.labels])
    assert expected > 17  # beyond what probabilities, clipped at 1e-7, could cost
    assert evaluate(model, objective, VAL, VAL.images)["val_loss"] == pytest.approx(expected, rel=1e-5)


def test_an_autoencoder_is_measured_by_its_mean_squared_error() -> None:
    settings = autoencoder(optimizer=STILL, epochs=1)
    model = build_autoencoder(settings, TRAIN.images, seed=1)
    result = fit(model, reconstruction(), (TRAIN, VAL), settings, 1, SILENT)
    for column, split in (("loss", TRAIN), ("val_loss", VAL)):
        error = ((predict(model, split.images) - split.images / 255) ** 2).mean()
        assert result.best[column] == pytest.approx(error, rel=1e-5)
    assert set(result.history) == {"epoch", "loss", "val_loss"}


def test_training_learns_and_goes_on_while_it_improves() -> None:
    result = trained(mlp(epochs=6, patience=1, optimizer=optimizer(rate=0.05)), val=TRAIN)
    assert result.best_epoch == len(result.history) == 6
    assert result.history["loss"].is_monotonic_decreasing


@pytest.mark.parametrize("patience", [1, 3])
def test_training_stops_after_patience_and_keeps_the_best_weights(patience: int) -> None:
    settings = mlp(epochs=9, patience=patience, optimizer=optimizer(rate=0.5))
    result = trained(settings, val=WRONG_LABELS)
    assert result.best_epoch == 1
    assert result.history["epoch"].tolist() == list(range(1, 2 + patience))
    again = evaluate(result.model, classification(settings.loss, 3), WRONG_LABELS, WRONG_LABELS.images)
    best, last = result.history.iloc[0], result.history.iloc[-1]
    assert again == {"val_loss": best["val_loss"], "val_accuracy": best["val_accuracy"]}
    assert again["val_loss"] < last["val_loss"] - 0.05
    assert result.best == dict(best.drop("epoch"))


@pytest.mark.parametrize(("monitor", "best"), [("val_loss", "idxmin"), ("val_accuracy", "idxmax")])
def test_the_monitor_chooses_the_epoch(monitor: str, best: str) -> None:
    result = trained(mlp(monitor=monitor, epochs=8, patience=8, optimizer=optimizer(rate=0.05)))
    values = result.history[monitor]
    assert values.nunique() > 1
    assert result.best_epoch == 1 + getattr(values, best)()


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_the_earliest_of_equal_epochs_is_kept(monitor: str) -> None:
    result = trained(mlp(monitor=monitor, optimizer=STILL, epochs=5, patience=2))
    assert (result.best_epoch, len(result.history)) == (1, 3)


def test_every_epoch_is_reported_as_in_the_history() -> None:
    told = Told()
    result = trained(mlp(), report=told)
    pd.testing.assert_frame_equal(result.history, pd.DataFrame(told.rows))


def test_a_diverging_training_ends_with_a_clear_message() -> None:
    message = (
        r"^the training diverged in epoch 1: loss (nan|inf), accuracy [\d.]+, val_loss (nan|inf), "
        r"val_accuracy [\d.]+\. Lower the learning rate or scale the input, and run it again\.$"
    )
    with pytest.raises(StageError, match=message):
        trained(mlp(scaling="raw", loss="mean_squared_error", optimizer=optimizer(rate=1e38)))


def test_a_training_leaves_network_history_and_headline(tmp_path: Path) -> None:
    result = trained(mlp(epochs=2))
    names = {"mlp": "m.keras", "mlp_history": "h.csv", "metrics": "m.json", "train": "train"}
    paths = Paths("train-mlp", {name: tmp_path / file for name, file in names.items()})
    write_split(paths.train, TRAIN)
    run = Mock()
    write_result(result, "mlp", "val_accuracy", paths, run)
    assert run.mock_calls[0] == call.metrics(result.summary)
    (path, example), _ = run.model.call_args
    assert path == paths.mlp
    assert np.array_equal(example, TRAIN.images[:2])
    loaded = keras.saving.load_model(paths.mlp)
    assert np.array_equal(predict(loaded, VAL.images), predict(result.model, VAL.images))
    expected = result.history.assign(kept=[False, True])
    pd.testing.assert_frame_equal(pd.read_csv(paths.mlp_history), expected, atol=1e-6)
    assert read_json(paths.metrics) == {"mlp_val": pytest.approx(result.best["val_accuracy"], abs=1e-6)}
    counts = {"best_epoch": 2, "epochs": 2, "parameters": 36 * 6 + 6 + 6 * 3 + 3}
    assert result.summary == result.best | counts


# Dropout draws from seed generators, batch normalisation and Adam keep averages: all must come back.
RESTLESS = {
    "dropout": 0.4,
    "batch_normalization": True,
    "optimizer": optimizer("adam", 0.01),
    "augmentation": augmentation(shift=1, rotation=9, zoom=0.1),
}


def convolved(epochs: int, report: Report, **changes: Any) -> TrainingResult:
    settings = cnn(**RESTLESS | {"epochs": epochs, "kernel": 2} | changes)
    result = train_classifier(build_cnn, settings, (TRAIN, VAL), 3, 1, report)
    result.finish()
    return result


def same(one: TrainingResult, other: TrainingResult) -> bool:
    alike = map(np.array_equal, one.model.get_weights(), other.model.get_weights())
    return all(alike) and one.history.equals(other.history) and one.best_epoch == other.best_epoch


def test_an_interrupted_training_resumes_with_the_same_bits(checkpoints: Path) -> None:
    changes = {"optimizer": optimizer("adam", 0.01, schedule="cosine")}
    whole = convolved(4, SILENT, **changes)
    shutil.rmtree(checkpoints)
    with pytest.raises(KeyboardInterrupt):
        convolved(4, Told(fatal=3), **changes)
    told = Told()
    assert same(convolved(4, told, **changes), whole)
    assert told.notes == {"resumed_after_epoch": "2"}
    pd.testing.assert_frame_equal(whole.history, pd.DataFrame(told.rows))
    assert list(checkpoints.iterdir()) == []


def test_more_epochs_continue_a_finished_training(checkpoints: Path) -> None:
    whole = convolved(4, SILENT)
    shutil.rmtree(checkpoints)
    convolved(2, SILENT)
    told = Told()
    assert same(convolved(4, told), whole)
    assert told.notes == {"resumed_after_epoch": "2"}


def test_repeating_a_finished_training_trains_again() -> None:
    told = Told()
    convolved(2, SILENT)
    convolved(2, told)
    assert told.notes == {}


def test_another_setting_uses_no_checkpoint() -> None:
    told = Told()
    convolved(1, SILENT)
    convolved(2, told, dropout=0.3)
    assert told.notes == {}


def test_a_training_whose_network_could_not_be_written_is_not_lost() -> None:
    first = trained(mlp(epochs=2))
    told = Told()
    again = trained(mlp(epochs=2), report=told)
    assert told.notes == {"resumed_after_epoch": "2"}
    assert same(again, first)


@pytest.mark.parametrize("size", [0, 2000])
def test_a_damaged_checkpoint_is_reported_and_ignored(
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


def test_the_checkpoint_key_covers_the_code_that_decides_a_training() -> None:
    assert undeclared() == tuple(ROOT / name.replace(".", "/") for name in checkpoint.UNDECLARED)
    array = np.zeros(3)
    plain = checkpoint.key("settings", [array])
    assert plain == checkpoint.key("settings", [array])
    assert len({plain, checkpoint.key("other", [array]), checkpoint.key("settings", [array + 1])}) == 3


@pytest.mark.parametrize(("module", "counts"), [("digits.data.x", True), ("digits.tracking.x", False)])
def test_a_changed_module_changes_the_checkpoint_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, counts: bool
) -> None:
    before = checkpoint.key("settings", [])
    file = tmp_path / "x.py"
    file.write_text("CHANGED = True")
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(__file__=str(file)))  # type: ignore[arg-type]
    assert (checkpoint.key("settings", []) != before) == counts
