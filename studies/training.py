"""One training of a classifier, and its figures on the test set, as every study takes them."""

import keras
import numpy as np

from digits.data.splits import Split
from digits.networks.common.saved import predict
from digits.training.loop import SILENT, Builder, TrainingResult, Transform, train_classifier, unchanged
from digits.training.settings import TrainingSettings


def train(
    build: Builder,
    settings: TrainingSettings,
    splits: tuple[Split, Split],
    n_classes: int,
    seed: int,
    transform: Transform = unchanged,
) -> tuple[keras.Model, TrainingResult]:
    """Return a network trained on the first of `splits`, its epoch chosen on the second."""
    result = train_classifier(build, settings, splits, n_classes, seed, SILENT, transform)
    result.finish()
    return result.model, result


def measure(
    model: keras.Model, fitted: TrainingResult, test: Split, transform: Transform = unchanged
) -> dict[str, float]:
    """Return accuracies on validation and test set, epochs and parameters of one training."""
    predictions = predict(model, transform(test.images, np.random.default_rng(0))).argmax(axis=1)
    return {
        "val_accuracy": fitted.best["val_accuracy"],
        "accuracy": float(np.mean(predictions == test.labels)),
        "epochs": len(fitted.history),
        "parameters": model.count_params(),
    }


def seeds(first: int, n: int) -> list[int]:
    """Return n seeds, the first of which is the pipeline's own."""
    return [first, *(int(np.random.SeedSequence([first, i]).generate_state(1)[0]) for i in range(1, n))]
