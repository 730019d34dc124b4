"""The MLP of train-mlp on a few pixels."""

import numpy as np

from stages.analysis.classification import accuracy_interval
from stages.feature_importance.settings import Parameters
from stages.networks.mlp import build_mlp
from stages.shared.data import Split
from stages.shared.models import predict
from stages.shared.training import Silent, classification, fit

CONFIDENCE = 0.95


def measure(
    pixels: np.ndarray, splits: tuple[Split, Split, Split], n_classes: int, parameters: Parameters
) -> dict[str, float]:
    """Train on these pixels (flat indices); return accuracy and interval on the last of the splits."""
    settings, (train, val, test) = parameters.train_mlp, splits

    def select(images: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        return images.reshape(len(images), -1)[:, pixels]

    model = build_mlp(settings, select(train.images), n_classes, parameters.seed)
    objective = classification(settings.loss, n_classes)
    fitted = fit(model, objective, (train, val), settings, parameters.seed, Silent(), select)
    fitted.finish()
    correct = int((predict(model, select(test.images)).argmax(axis=1) == test.labels).sum())
    low, high = accuracy_interval(correct, len(test), CONFIDENCE)
    return {
        "accuracy": correct / len(test),
        "accuracy_low": low,
        "accuracy_high": high,
        "val_accuracy": fitted.best["val_accuracy"],
    }
