"""What needs no network: the majority class and logistic regression."""

import warnings

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from digits.analysis.classification.assessment import assess
from digits.analysis.classification.metrics import majority_probabilities
from digits.data.splits import Split, flatten
from digits.drawing.style import GOOD, new_figure
from stages.evaluate.case import Case
from stages.evaluate.settings import Evaluation

CLASSIFIERS = {"majority": "majority class", "logistic": "logistic regression", "mlp": "MLP", "cnn": "CNN"}


def measure(case: Case, settings: Evaluation) -> dict[str, dict[str, float]]:
    """Return the figures of the baselines, fitted on the training split."""
    train, test = case.train, case.test
    probabilities = {
        "majority": majority_probabilities(train.labels, len(test), len(case.classes)),
        "logistic": _logistic(train, test, settings.logistic_iterations),
    }
    return {
        name: assess(test.labels, values, settings.confidence, settings.calibration_bins)
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
    """Return one row a classifier with the figures that all of them have."""
    shared = figures["majority"]
    return pd.DataFrame(
        [{"classifier": name, **{key: figures[name][key] for key in shared}} for name in CLASSIFIERS]
    )


def draw_comparison(table: pd.DataFrame, confidence: float) -> Figure:
    """Draw the error rate of each classifier with its interval, on a logarithmic axis."""
    figure, ax = new_figure(7.2, 2.6)
    rows = np.arange(len(table))
    error, low, high = (1 - table[key] for key in ("accuracy", "accuracy_high", "accuracy_low"))
    least = high.min() / 20  # stands for no error at all
    ax.hlines(rows, low.clip(lower=least), high, color=GOOD, linewidth=2)
    ax.plot(error.clip(lower=least), rows, "o", color=GOOD)
    for row, value, end in zip(rows, error, high, strict=True):
        ax.annotate(f"{value:.2%}", (end, row), xytext=(6, 0), textcoords="offset points", va="center")
    ax.set_yticks(rows, [CLASSIFIERS[name] for name in table["classifier"]])
    ax.set(xscale="log", xlim=(None, 3), ylim=(len(table) - 0.5, -0.5), xlabel="error rate")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    ax.set_title(f"errors on the test set ({confidence:.0%} intervals)")
    return figure
