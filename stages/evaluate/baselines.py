"""What needs no network: the majority class and logistic regression."""

import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from stages.analysis import classification
from stages.evaluate.settings import Evaluation
from stages.shared.data import Split, flatten

CLASSIFIERS = ("majority", "logistic", "mlp", "cnn")


def measure(train: Split, test: Split, n_classes: int, settings: Evaluation) -> dict[str, dict[str, float]]:
    """Return the figures of the baselines, fitted on the training split."""
    probabilities = {
        "majority": classification.majority_probabilities(train.labels, len(test), n_classes),
        "logistic": _logistic(train, test, settings.logistic_iterations),
    }
    return {
        name: classification.figures(test.labels, values, settings.confidence, settings.calibration_bins)
        for name, values in probabilities.items()
    }


def _logistic(train: Split, test: Split, iterations: int) -> np.ndarray:
    """Return the class probabilities of a regression that may stop before it has converged."""
    regression = LogisticRegression(max_iter=iterations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(flatten(train.images), train.labels)
    return np.asarray(regression.predict_proba(flatten(test.images)))


def compare(figures: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Return one row a classifier with all its figures."""
    return pd.DataFrame([{"classifier": name, **figures[name]} for name in CLASSIFIERS])
