"""The training loop of a Keras network: images are permuted and distorted from (seed, epoch)."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from digits.compute import devices, parallel
from digits.data.splits import Split
from digits.networks.common.normalization import fold
from digits.networks.common.saved import PREDICTION_BATCH
from digits.pipeline import StageError
from digits.training.augmentation import augment
from digits.training.checkpoint import Checkpoint, TrainingState, key
from digits.training.objectives import Objective, classification
from digits.training.optimizers import build_optimizer
from digits.training.settings import TrainingSettings
from digits.training.steps import training_steps

BLOCK_BYTES = 2**20  # of images that one call trains on; signals are heard after about a second

Builder = Callable[[Any, np.ndarray, int, int], keras.Model]
Transform = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def unchanged(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the images as they are."""
    return images


class Report(Protocol):
    """Receives the progress of a training, as digits.tracking.Run does."""

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Take the metrics of one epoch, counted from 1."""

    def note(self, key: str, value: str) -> None:
        """Take a fact that may differ from run to run."""


class Silent:
    """A report to nobody."""

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Ignore it."""

    def note(self, key: str, value: str) -> None:
        """Ignore it."""


SILENT = Silent()


@dataclass(frozen=True)
class TrainingResult:
    """A trained network with the weights of its best epoch.

    history: one row per epoch: epoch (from 1), loss, ..., val_loss, ...
    parameters: number of them in training, in which a normalization has four per map
    finish: to be called once all is written; until then, the same training would resume from here
    """

    model: keras.Model
    history: pd.DataFrame
    best_epoch: int
    parameters: int
    finish: Callable[[], None]

    @property
    def best(self) -> dict[str, float]:
        """The metrics of the best epoch."""
        row = self.history.set_index("epoch").loc[self.best_epoch]
        return {str(name): float(row[name]) for name in row.index}

    @property
    def summary(self) -> dict[str, float]:
        """The metrics of the best epoch, its number, and the numbers of epochs and parameters."""
        counts = {"epochs": len(self.history), "parameters": self.parameters}
        return self.best | {"best_epoch": self.best_epoch} | counts


def train_classifier(
    build: Builder,
    settings: TrainingSettings,
    splits: tuple[Split, Split],
    n_classes: int,
    seed: int,
    report: Report = SILENT,
    transform: Transform = unchanged,
) -> TrainingResult:
    """Build a classifier and train it as `fit` does; it is built for what `transform` makes of the images.

    build: of settings, images, number of classes and seed. The loss is the one that the settings name,
    as an MLP's do, or else the log loss.
    """
    model = build(settings, transform(splits[0].images, np.random.default_rng(seed)), n_classes, seed)
    objective = classification(getattr(settings, "loss", "categorical_crossentropy"), n_classes)
    return fit(model, objective, splits, settings, seed, report, transform)


def fit(
    model: keras.Model,
    objective: Objective,
    splits: tuple[Split, Split],
    settings: TrainingSettings,
    seed: int,
    report: Report = SILENT,
    transform: Transform = unchanged,
) -> TrainingResult:
    """Train `model` on the first of `splits`, choose its best epoch on the second, keep those weights.

    The network's inputs are what `transform` makes of the distorted images, with a generator of (seed,
    epoch); its targets come from the images themselves.

    Each epoch draws its own permutation and distortions of the training images from (seed, epoch).
    An interrupted training resumes after its last completed epoch, with the same result to the bit.
    A finished one continues if only `epochs` was raised and the schedule does not depend on it.
    Raises StageError when the loss is no longer finite.
    """
    train, val = splits
    val_inputs = transform(val.images, np.random.default_rng([seed, 0]))
    steps = -(-len(train) // settings.batch_size)
    model.compile(
        optimizer=build_optimizer(settings.optimizer, steps, settings.epochs),
        loss=objective.loss,
        metrics=list(objective.metrics[1:]),
        jit_compile=keras.config.backend() == "jax",  # on TensorFlow XLA is no faster
    )
    best = _Best(settings)
    deciding = settings.model_dump(mode="json") | {"devices": devices()}
    if extendable := not settings.optimizer.schedule.depends_on_epochs:
        del deciding["epochs"]
    arrays = [*model.get_weights(), train.images, train.labels, val.images, val.labels, val_inputs]
    checkpoint = Checkpoint(key(json.dumps([model.name, objective.loss, deciding, seed]), arrays))
    rows = _resume(model, checkpoint.load(settings.epochs), best, report)
    done = len(rows)
    take_steps = training_steps(model, objective, settings.batch_size)
    with tqdm(
        total=settings.epochs * len(train), initial=done * len(train), unit="image", disable=None
    ) as bar:
        for epoch in range(done + 1, settings.epochs + 1):
            if best.epoch and epoch - 1 - best.epoch >= settings.patience:
                break
            sums, rng = np.zeros(len(objective.metrics)), np.random.default_rng([seed, epoch, 1])
            for images, labels in epoch_blocks(train, settings, seed, epoch):
                sums += take_steps(transform(images, rng), images, labels)
                bar.update(len(labels))
            row = objective.means(sums, len(train)) | evaluate(model, objective, val, val_inputs)
            _check_finite(row, epoch)
            rows.append({"epoch": epoch, **row})
            report.epoch(epoch, row)
            bar.set_postfix({settings.monitor: f"{row[settings.monitor]:.4f}"})
            best.offer(epoch, row, model.get_weights())
            values = [keras.ops.convert_to_numpy(variable) for variable in _variables(model)]
            checkpoint.save(TrainingState(rows, best.epoch, values, best.weights))
    model.set_weights(best.weights)
    history, finish = pd.DataFrame(rows), partial(checkpoint.finish, extendable)
    return TrainingResult(fold(model), history, best.epoch, model.count_params(), finish)


def _resume(
    model: keras.Model, state: TrainingState | None, best: "_Best", report: Report
) -> list[dict[str, float]]:
    """Bring model and best epoch to the saved state; return the metrics of its completed epochs."""
    if state is None:
        return []
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(_variables(model), state.variables, strict=True):
        variable.assign(value)
    best.offer(state.best_epoch, state.rows[state.best_epoch - 1], state.best_weights)
    for epoch, row in enumerate(state.rows, start=1):
        report.epoch(epoch, {name: value for name, value in row.items() if name != "epoch"})
    report.note("resumed_after_epoch", str(len(state.rows)))
    return list(state.rows)


def _variables(model: keras.Model) -> list[keras.Variable]:
    """Return everything a step changes: weights, states of seed generators, the optimizer's variables."""
    return [*model.variables, *model.optimizer.variables]


def evaluate(model: keras.Model, objective: Objective, split: Split, inputs: np.ndarray) -> dict[str, float]:
    """Return the objective's metrics on a split, named `val_...`; `inputs` is what the network sees of it."""

    def sums(start: int) -> np.ndarray:
        batch = slice(start, start + PREDICTION_BATCH)
        outputs = model(inputs[batch].astype(np.float32), training=False)
        targets = objective.targets(split.images[batch], split.labels[batch])
        losses = objective.losses(targets, outputs) + sum(model.losses)
        return np.asarray(keras.ops.convert_to_numpy(objective.sums(targets, outputs, losses)), np.float64)

    total = np.sum(parallel(sums, range(0, len(split), PREDICTION_BATCH)), axis=0)
    return {f"val_{name}": value for name, value in objective.means(total, len(split)).items()}


def epoch_blocks(
    train: Split, settings: TrainingSettings, seed: int, epoch: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the epoch's images and labels, permuted and distorted by a generator of (seed, epoch).

    A block is a whole number of batches, but for the last one.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(train))
    size = max(1, BLOCK_BYTES // train.images[0].nbytes // settings.batch_size) * settings.batch_size
    for start in range(0, len(train), size):
        block = slice(start, start + size)
        yield augment(train.images[order[block]], settings.augmentation, rng), train.labels[order[block]]


class _Best:
    """The best epoch so far by the monitored metric, the earliest if several are equal."""

    def __init__(self, settings: TrainingSettings) -> None:
        self._monitor = settings.monitor
        self._sign = 1 if settings.monitor.endswith("accuracy") else -1
        self._value = float("-inf")
        self.epoch = 0
        self.weights: Sequence[np.ndarray] = []

    def offer(self, epoch: int, row: Mapping[str, float], weights: Sequence[np.ndarray]) -> None:
        value = self._sign * row[self._monitor]
        if value > self._value:
            self._value, self.epoch, self.weights = value, epoch, weights


def _check_finite(row: Mapping[str, float], epoch: int) -> None:
    if not all(np.isfinite(value) for value in row.values()):
        metrics = ", ".join(f"{name} {value}" for name, value in row.items())
        raise StageError(
            f"the training diverged in epoch {epoch}: {metrics}. Lower the learning rate or scale "
            "the input, and run it again."
        )
