"""Baselines that need no network, and the error rates of all classifiers side by side."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from digits.analysis.classification.metrics import majority_probabilities
from digits.data.splits import flatten
from digits.drawing.style import GOOD, new_figure
from digits.networks.registry import NETWORKS
from stages.evaluate.context import EvaluationContext

TITLES = {"majority": "Majority class", "logistic": "Logistic regression"}


def predict_baselines(context: EvaluationContext, iterations: int) -> dict[str, np.ndarray]:
    """Return the class probabilities of the test images by the baselines, fitted on the training split.

    iterations: of the logistic regression, which may stop before it has converged
    """
    train, test = context.train, context.test
    regression = LogisticRegression(max_iter=iterations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(flatten(train.images), train.labels)
    return {
        "majority": majority_probabilities(train.labels, len(test), len(context.classes)),
        "logistic": regression.predict_proba(flatten(test.images)),
    }


def tabulate_classifiers(metrics: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row per classifier with the metrics that all of them have."""
    table = pd.DataFrame.from_dict({name: dict(found) for name, found in metrics.items()}, orient="index")
    return table[list(metrics["majority"])].reset_index(names="classifier")


def draw_error_rates(table: pd.DataFrame, confidence: float) -> Figure:
    """Draw the error rate of each classifier with its interval, on a logarithmic axis."""
    figure, ax = new_figure(7.2, 1 + 0.4 * len(table))
    rows = np.arange(len(table))
    error, low, high = (1 - table[key] for key in ("accuracy", "accuracy_high", "accuracy_low"))
    least = high.min() / 20  # stands for no error at all
    ax.hlines(rows, low.clip(lower=least), high, color=GOOD, linewidth=2)
    ax.plot(error.clip(lower=least), rows, "o", color=GOOD)
    for row, value, end in zip(rows, error, high, strict=True):
        ax.annotate(f"{value:.2%}", (end, row), xytext=(6, 0), textcoords="offset points", va="center")
    titles = TITLES | {name: network.title for name, network in NETWORKS.items()}
    ax.set_yticks(rows, [titles[name] for name in table["classifier"]])
    ax.set(xscale="log", xlim=(None, 3), ylim=(len(table) - 0.5, -0.5), xlabel="Error rate")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    ax.set_title(f"Error rates on the test set ({confidence:.0%} intervals)")
    return figure
