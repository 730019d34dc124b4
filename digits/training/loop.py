"""Fitting a Keras network: epoch by epoch, on images permuted and distorted from (seed, epoch)."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from digits.data.files import write_json, write_table
from digits.data.splits import Split, scale
from digits.networks.common.saved import save_model
from digits.pipeline import StageError
from digits.training.augmentation import augment
from digits.training.checkpoint import Checkpoint, State, key
from digits.training.settings import Fitting, Optimizer, Schedule

EVALUATION_BATCH = 500  # larger than a training batch, since no gradients are kept

Targets = Callable[[np.ndarray, np.ndarray], np.ndarray]
Transform = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def unchanged(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the images as they are."""
    return images


class Report(Protocol):
    """Who is told how a training goes: the record's Run, for one."""

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Take the figures of one epoch, counted from 1."""

    def note(self, key: str, value: str) -> None:
        """Take a fact that may differ from run to run."""


class Silent:
    """A report to nobody."""

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Pass over it."""

    def note(self, key: str, value: str) -> None:
        """Pass over it."""


@dataclass(frozen=True)
class Fitted:
    """What came of a training: one row an epoch, and the epoch (from 1) whose weights were kept.

    finish: to be called when that is written, so that the same training again is a training
    """

    history: pd.DataFrame
    best_epoch: int
    finish: Callable[[], None]

    @property
    def best(self) -> dict[str, float]:
        """The figures of the best epoch."""
        row = self.history.set_index("epoch").loc[self.best_epoch]
        return {"best_epoch": self.best_epoch, **{str(key): float(row[key]) for key in row.index}}


@dataclass(frozen=True)
class Objective:
    """What a network is to do: Keras's names of loss and metrics, and targets of (images, labels)."""

    loss: str
    metrics: tuple[str, ...]
    targets: Targets


def classification(loss: str, n_classes: int) -> Objective:
    """Return the objective of a classifier; its targets are float32 (n, n_classes), one 1 a row."""
    identity = np.eye(n_classes, dtype=np.float32)
    return Objective(loss, ("accuracy",), lambda images, labels: identity[labels])


def reconstruction() -> Objective:
    """Return the objective of an autoencoder: its targets are the images, float32 in [0, 1]."""
    return Objective("mean_squared_error", (), lambda images, labels: scale(images))


def fit(
    model: keras.Model,
    objective: Objective,
    splits: tuple[Split, Split],
    fitting: Fitting,
    seed: int,
    report: Report,
    transform: Transform = unchanged,
) -> Fitted:
    """Fit `model` on the first of `splits`, choose its best epoch on the second, keep those weights.

    The network is given what `transform` makes of the distorted images, with a generator of (seed,
    epoch); its targets are those of the images themselves.

    Each epoch draws its own permutation and distortions of the training images from (seed, epoch).
    A training that was cut off resumes after its last finished epoch, with the same result to the
    bit; one that was finished goes on where `epochs` alone was raised and the schedule does not
    depend on it. Raises StageError when the loss is no longer finite.
    """
    train, val = splits
    val_inputs = transform(val.images, np.random.default_rng([seed, 0]))
    steps = -(-len(train) // fitting.batch_size)
    model.compile(
        optimizer=build_optimizer(fitting.optimizer, steps, fitting.epochs),
        loss=objective.loss,
        metrics=list(objective.metrics),
        jit_compile=False,  # XLA is no faster on these networks and chooses its own instructions
    )
    best = _Best(fitting)
    checkpoint = Checkpoint(_checkpoint_key(model, objective, splits, val_inputs, fitting, seed))
    rows = _resume(model, checkpoint.load(fitting.epochs), best, report)
    done = len(rows)
    with tqdm(total=fitting.epochs * steps, initial=done * steps, unit="batch", disable=None) as progress:
        for epoch in range(done + 1, fitting.epochs + 1):
            if best.epoch and epoch - 1 - best.epoch >= fitting.patience:
                break
            images, labels = epoch_images(train, fitting, seed, epoch)
            inputs = transform(images, np.random.default_rng([seed, epoch, 1]))
            batches = _batches(objective, inputs, images, labels, fitting.batch_size)
            row = _train_epoch(model, batches, progress.update)
            row |= evaluate(model, objective, val, val_inputs)
            _check_finite(row, epoch)
            rows.append({"epoch": epoch, **row})
            report.epoch(epoch, row)
            progress.set_postfix({fitting.monitor: f"{row[fitting.monitor]:.4f}"})
            best.offer(epoch, row, model.get_weights())
            checkpoint.save(State(rows, best.epoch, _values(model), best.weights))
    model.set_weights(best.weights)
    extendable = not fitting.optimizer.schedule.depends_on_epochs
    return Fitted(pd.DataFrame(rows), best.epoch, partial(checkpoint.finish, extendable))


def _resume(model: keras.Model, state: State | None, best: "_Best", report: Report) -> list[dict[str, float]]:
    """Bring model and best epoch to the saved state; return the figures of the epochs it has behind it."""
    if state is None:
        return []
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip((*model.variables, *model.optimizer.variables), state.variables, strict=True):
        variable.assign(value)
    best.offer(state.best_epoch, state.rows[state.best_epoch - 1], state.best_weights)
    for epoch, row in enumerate(state.rows, start=1):
        report.epoch(epoch, {name: value for name, value in row.items() if name != "epoch"})
    report.note("resumed_after_epoch", str(len(state.rows)))
    return list(state.rows)


def _values(model: keras.Model) -> list[np.ndarray]:
    """Return all that a step changes: weights, states of the seed generators, the optimizer's variables."""
    variables = (*model.variables, *model.optimizer.variables)
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _checkpoint_key(
    model: keras.Model,
    objective: Objective,
    splits: tuple[Split, Split],
    val_inputs: np.ndarray,
    fitting: Fitting,
    seed: int,
) -> str:
    settings = fitting.model_dump(mode="json") | {"devices": keras.distribution.list_devices()}
    if not fitting.optimizer.schedule.depends_on_epochs:
        del settings["epochs"]
    arrays = [array for split in splits for array in (split.images, split.labels)]
    return key(
        json.dumps([model.name, objective.loss, settings, seed]), [*model.get_weights(), *arrays, val_inputs]
    )


Batches = Iterator[tuple[np.ndarray, np.ndarray]]


def _batches(
    objective: Objective, inputs: np.ndarray, images: np.ndarray, labels: np.ndarray, size: int
) -> Batches:
    """Yield inputs and targets, batch by batch."""
    for start in range(0, len(inputs), size):
        batch = slice(start, start + size)
        yield inputs[batch], objective.targets(images[batch], labels[batch])


def _train_epoch(model: keras.Model, batches: Batches, advance: Callable[[], object]) -> dict[str, float]:
    """Take one pass of steps; return the mean of each figure over the images as they came by.

    Batches are handed over one by one: `Model.fit` would wait at the end of every call for a thread
    of tf.data, up to as long again as the epoch took.
    """
    figures, sizes = [], []
    for inputs, targets in batches:
        figures.append(model.train_on_batch(inputs, targets, return_dict=True))
        sizes.append(len(targets))
        advance()
    return _mean(figures, sizes)


def evaluate(model: keras.Model, objective: Objective, split: Split, inputs: np.ndarray) -> dict[str, float]:
    """Return the objective's figures on a split of which the network sees `inputs`, named `val_...`."""
    figures, sizes = [], []
    for batch, targets in _batches(objective, inputs, split.images, split.labels, EVALUATION_BATCH):
        figures.append(model.test_on_batch(batch, targets, return_dict=True))
        sizes.append(len(targets))
    return {f"val_{name}": value for name, value in _mean(figures, sizes).items()}


def _mean(figures: list[dict[str, float]], sizes: list[int]) -> dict[str, float]:
    return {name: float(np.average([row[name] for row in figures], weights=sizes)) for name in figures[0]}


def write_fitted(model: keras.Model, fitted: Fitted, path: Path, history: Path, metrics: Path) -> None:
    """Write a trained network with its history (CSV) and the figures of its chosen epoch (JSON)."""
    save_model(path, model)
    write_table(history, fitted.history.assign(kept=fitted.history["epoch"] == fitted.best_epoch))
    counts = {"epochs": len(fitted.history), "parameters": model.count_params()}
    write_json(metrics, fitted.best | counts)
    fitted.finish()


def epoch_images(train: Split, fitting: Fitting, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the epoch's images and labels: permuted and distorted by a generator of (seed, epoch)."""
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(train))
    images = augment(train.images[order], fitting.augmentation, rng)
    return images, train.labels[order]


def build_optimizer(settings: Optimizer, steps: int, epochs: int) -> keras.optimizers.Optimizer:
    """Return the optimizer with its schedule; `steps` is the number of batches in an epoch."""
    rate = _schedule(settings.schedule, settings.learning_rate, steps, epochs)
    if settings.name == "adam":
        return keras.optimizers.Adam(rate)
    if settings.name == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay)
    if settings.name == "rmsprop":
        return keras.optimizers.RMSprop(rate, momentum=settings.momentum)
    return keras.optimizers.SGD(rate, momentum=settings.momentum)


def _schedule(
    schedule: Schedule, rate: float, steps: int, epochs: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    if schedule.name == "inverse_time":
        return keras.optimizers.schedules.InverseTimeDecay(rate, 1, schedule.decay)
    if schedule.name == "constant":
        return rate
    warmup = min(schedule.warmup_epochs, epochs - 1) * steps
    if warmup == 0:
        return keras.optimizers.schedules.CosineDecay(rate, epochs * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, epochs * steps - warmup, warmup_target=rate, warmup_steps=warmup
    )


class _Best:
    """The best epoch so far by the monitored figure, the earliest where several are equal."""

    def __init__(self, fitting: Fitting) -> None:
        self._monitor = fitting.monitor
        self._sign = 1 if fitting.monitor.endswith("accuracy") else -1
        self._figure = float("-inf")
        self.epoch = 0
        self.weights: Sequence[np.ndarray] = []

    def offer(self, epoch: int, row: Mapping[str, float], weights: Sequence[np.ndarray]) -> None:
        figure = self._sign * row[self._monitor]
        if figure > self._figure:
            self._figure, self.epoch, self.weights = figure, epoch, weights


def _check_finite(row: Mapping[str, float], epoch: int) -> None:
    if not all(np.isfinite(value) for value in row.values()):
        figures = ", ".join(f"{name} {value}" for name, value in row.items())
        raise StageError(
            f"the training diverged in epoch {epoch}: {figures}. Lower the learning rate or scale "
            "the input, and run it again."
        )
