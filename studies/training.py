"""One training of a classifier and its metrics on the test set, the same for every study."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from digits.data.splits import Split
from digits.networks.common.saved import predict
from digits.training.loop import Fitted, Silent, Transform, classification, fit, unchanged
from digits.training.settings import Fitting

LOG_LOSS = "categorical_crossentropy"
Builder = Callable[[Any, np.ndarray, int, int], keras.Model]


def train(
    build: Builder,
    settings: Fitting,
    splits: tuple[Split, Split],
    n_classes: int,
    seed: int,
    transform: Transform = unchanged,
) -> tuple[keras.Model, Fitted]:
    """Return a network fitted on the first of `splits`; the second chooses its epoch.

    build: takes settings, images, number of classes and seed. An MLP's settings name its loss; a CNN's
    is the log loss.
    """
    model = build(settings, transform(splits[0].images, np.random.default_rng(seed)), n_classes, seed)
    objective = classification(getattr(settings, "loss", LOG_LOSS), n_classes)
    fitted = fit(model, objective, splits, settings, seed, Silent(), transform)
    fitted.finish()
    return model, fitted


def measure(
    model: keras.Model, fitted: Fitted, test: Split, transform: Transform = unchanged
) -> dict[str, float]:
    """Return accuracies on the validation and test set, epochs and parameters of one training."""
    predictions = predict(model, transform(test.images, np.random.default_rng(0))).argmax(axis=1)
    return {
        "val_accuracy": fitted.best["val_accuracy"],
        "accuracy": float(np.mean(predictions == test.labels)),
        "epochs": len(fitted.history),
        "parameters": model.count_params(),
    }


def seeds(first: int, n: int) -> list[int]:
    """Return n seeds; the first is the pipeline's own."""
    return [first, *(int(np.random.SeedSequence([first, i]).generate_state(1)[0]) for i in range(1, n))]
