"""One training of a classifier and its metrics on the test set, the same for every study."""

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
) -> TrainingResult:
    """Return the result of training on the first of `splits`; the second chooses the epoch."""
    result = train_classifier(build, settings, splits, n_classes, seed, SILENT, transform)
    result.finish()
    return result


def measure(result: TrainingResult, test: Split, transform: Transform = unchanged) -> dict[str, float]:
    """Return accuracies on the validation and test set, epochs and parameters of one training."""
    images = transform(test.images, np.random.default_rng(0))
    predictions = predict(result.model, images).argmax(axis=1)
    return {
        "val_accuracy": result.best["val_accuracy"],
        "accuracy": float(np.mean(predictions == test.labels)),
        "epochs": len(result.history),
        "parameters": result.parameters,
    }


def seeds(first: int, n: int) -> list[int]:
    """Return n seeds; the first is the pipeline's own."""
    return [first, *(int(np.random.SeedSequence([first, i]).generate_state(1)[0]) for i in range(1, n))]
