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

from digits.data.splits import Split, scale
from digits.pipeline import StageError
from digits.training.augmentation import augment
from digits.training.checkpoint import Checkpoint, TrainingState, key
from digits.training.optimizers import build_optimizer
from digits.training.settings import TrainingSettings

EVALUATION_BATCH = 500  # larger than a training batch, since no gradients are kept

Builder = Callable[[Any, np.ndarray, int, int], keras.Model]
Targets = Callable[[np.ndarray, np.ndarray], np.ndarray]
Transform = Callable[[np.ndarray, np.random.Generator], np.ndarray]
Batches = Iterator[tuple[np.ndarray, np.ndarray]]


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
    finish: to be called once all is written; until then, the same training would resume from here
    """

    model: keras.Model
    history: pd.DataFrame
    best_epoch: int
    finish: Callable[[], None]

    @property
    def best(self) -> dict[str, float]:
        """The metrics of the best epoch."""
        row = self.history.set_index("epoch").loc[self.best_epoch]
        return {str(name): float(row[name]) for name in row.index}

    @property
    def summary(self) -> dict[str, float]:
        """The metrics of the best epoch, its number, and the numbers of epochs and parameters."""
        counts = {"epochs": len(self.history), "parameters": self.model.count_params()}
        return self.best | {"best_epoch": self.best_epoch} | counts


@dataclass(frozen=True)
class Objective:
    """What a network learns: Keras's names of loss and metrics, and targets from images and labels."""

    loss: str
    metrics: tuple[str, ...]
    targets: Targets


def classification(loss: str, n_classes: int) -> Objective:
    """Return the objective of a classifier; its targets are float32 (n, n_classes), one-hot."""
    identity = np.eye(n_classes, dtype=np.float32)
    return Objective(loss, ("accuracy",), lambda images, labels: identity[labels])


def reconstruction() -> Objective:
    """Return the objective of an autoencoder: its targets are the images, float32 in [0, 1]."""
    return Objective("mean_squared_error", (), lambda images, labels: scale(images))


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
        metrics=list(objective.metrics),
        jit_compile=False,  # XLA is no faster on these networks and chooses its own instructions
    )
    best = _Best(settings)
    deciding = settings.model_dump(mode="json") | {"devices": keras.distribution.list_devices()}
    if extendable := not settings.optimizer.schedule.depends_on_epochs:
        del deciding["epochs"]
    arrays = [*model.get_weights(), train.images, train.labels, val.images, val.labels, val_inputs]
    checkpoint = Checkpoint(key(json.dumps([model.name, objective.loss, deciding, seed]), arrays))
    rows = _resume(model, checkpoint.load(settings.epochs), best, report)
    done = len(rows)
    with tqdm(total=settings.epochs * steps, initial=done * steps, unit="batch", disable=None) as progress:
        for epoch in range(done + 1, settings.epochs + 1):
            if best.epoch and epoch - 1 - best.epoch >= settings.patience:
                break
            images, labels = epoch_images(train, settings, seed, epoch)
            inputs = transform(images, np.random.default_rng([seed, epoch, 1]))
            batches = _batches(objective, inputs, images, labels, settings.batch_size)
            row = _mean_metrics(model.train_on_batch, batches, progress.update)
            row |= evaluate(model, objective, val, val_inputs)
            _check_finite(row, epoch)
            rows.append({"epoch": epoch, **row})
            report.epoch(epoch, row)
            progress.set_postfix({settings.monitor: f"{row[settings.monitor]:.4f}"})
            best.offer(epoch, row, model.get_weights())
            values = [keras.ops.convert_to_numpy(variable) for variable in _variables(model)]
            checkpoint.save(TrainingState(rows, best.epoch, values, best.weights))
    model.set_weights(best.weights)
    return TrainingResult(model, pd.DataFrame(rows), best.epoch, partial(checkpoint.finish, extendable))


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


def _batches(
    objective: Objective, inputs: np.ndarray, images: np.ndarray, labels: np.ndarray, size: int
) -> Batches:
    for start in range(0, len(inputs), size):
        batch = slice(start, start + size)
        yield inputs[batch], objective.targets(images[batch], labels[batch])


def _mean_metrics(
    step: Callable[..., dict[str, float]], batches: Batches, advance: Callable[[], object] = lambda: None
) -> dict[str, float]:
    """Call `step`, then `advance`, for each batch; return the mean of each metric over the images.

    Batches are passed one by one, because `Model.fit` waits at the end of every call for a thread of
    tf.data, up to as long again as the epoch took.
    """
    metrics, sizes = [], []
    for inputs, targets in batches:
        metrics.append(step(inputs, targets, return_dict=True))
        sizes.append(len(targets))
        advance()
    return {name: float(np.average([row[name] for row in metrics], weights=sizes)) for name in metrics[0]}


def evaluate(model: keras.Model, objective: Objective, split: Split, inputs: np.ndarray) -> dict[str, float]:
    """Return the objective's metrics on a split, named `val_...`; `inputs` is what the network sees of it."""
    batches = _batches(objective, inputs, split.images, split.labels, EVALUATION_BATCH)
    return {f"val_{name}": value for name, value in _mean_metrics(model.test_on_batch, batches).items()}


def epoch_images(
    train: Split, settings: TrainingSettings, seed: int, epoch: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the epoch's images and labels: permuted and distorted by a generator of (seed, epoch)."""
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(train))
    return augment(train.images[order], settings.augmentation, rng), train.labels[order]


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
