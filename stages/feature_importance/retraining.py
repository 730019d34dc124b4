"""The MLP of train-mlp on a few pixels."""

import numpy as np

from digits.analysis.classification.intervals import accuracy_interval
from digits.data.splits import Split
from digits.networks.common.saved import predict
from digits.networks.mlp.builder import build_mlp
from digits.training.loop import SILENT, train_classifier
from stages.feature_importance.settings import Parameters

CONFIDENCE = 0.95


def measure(
    pixels: np.ndarray, splits: tuple[Split, Split, Split], n_classes: int, parameters: Parameters
) -> dict[str, float]:
    """Train on these pixels (flat indices); return accuracy and interval on the last of the splits."""
    settings, (train, val, test) = parameters.train_mlp, splits

    def select(images: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        return images.reshape(len(images), -1)[:, pixels]

    fitted = train_classifier(build_mlp, settings, (train, val), n_classes, parameters.seed, SILENT, select)
    fitted.finish()
    correct = int((predict(fitted.model, select(test.images)).argmax(axis=1) == test.labels).sum())
    low, high = accuracy_interval(correct, len(test), CONFIDENCE)
    return {
        "accuracy": correct / len(test),
        "accuracy_low": low,
        "accuracy_high": high,
        "val_accuracy": fitted.best["val_accuracy"],
    }
