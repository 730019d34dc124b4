"""The MLP of train-mlp on a few pixels."""

from dataclasses import replace

import numpy as np

from stages.analysis.classification import accuracy_interval
from stages.feature_importance.settings import Parameters
from stages.networks.mlp import build_mlp
from stages.shared.data import Split
from stages.shared.fitting import Augmentation
from stages.shared.models import predict
from stages.shared.training import Silent, classification, fit

CONFIDENCE = 0.95


def measure(
    pixels: np.ndarray, splits: tuple[Split, Split, Split], n_classes: int, parameters: Parameters
) -> dict[str, float]:
    """Train on these pixels (flat indices); return accuracy and interval on the last of the splits.

    Images are not distorted here: what a shift moves into a chosen pixel is not in the selection.
    """
    undistorted = Augmentation(shift=0, rotation=0, zoom=0, shear=0)
    settings = parameters.train_mlp.model_copy(update={"augmentation": undistorted})
    train, val, test = (_select(split, pixels) for split in splits)
    model = build_mlp(settings, train.images, n_classes, parameters.seed)
    objective = classification(settings.loss, n_classes)
    fitted = fit(model, objective, (train, val), settings, parameters.seed, Silent())
    fitted.finish()
    correct = int((predict(model, test.images).argmax(axis=1) == test.labels).sum())
    low, high = accuracy_interval(correct, len(test), CONFIDENCE)
    return {
        "accuracy": correct / len(test),
        "accuracy_low": low,
        "accuracy_high": high,
        "val_accuracy": fitted.best["val_accuracy"],
    }


def _select(split: Split, pixels: np.ndarray) -> Split:
    """Return the split with images of (n, number of pixels), uint8."""
    return replace(split, images=split.images.reshape(len(split), -1)[:, pixels])
