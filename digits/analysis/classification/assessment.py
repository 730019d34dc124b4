"""All the figures of a classifier: of its decisions, its probabilities, its ranking."""

import numpy as np

from digits.analysis.classification.bootstrap import weigh_equally
from digits.analysis.classification.calibration import measure_probabilities
from digits.analysis.classification.metrics import accuracy_interval, measure_decisions
from digits.analysis.classification.roc import measure_ranking


def measure(
    labels: np.ndarray, probabilities: np.ndarray, bins: int, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the figures of decisions, probabilities (n, n_classes) and ranking.

    weights: float64 (n, m), ones or bootstrap counts; each figure comes once a column, float64 (m,).
    """
    return {
        **measure_decisions(labels, probabilities, weights),
        **measure_probabilities(labels, probabilities, bins, weights),
        **measure_ranking(labels, probabilities, weights),
    }


def assess(labels: np.ndarray, probabilities: np.ndarray, confidence: float, bins: int) -> dict[str, float]:
    """Return all the figures of the sample, accuracy with Wilson's interval, and the number of errors."""
    correct = int((probabilities.argmax(axis=1) == labels).sum())
    low, high = accuracy_interval(correct, len(labels), confidence)
    measured = measure(labels, probabilities, bins, weigh_equally(len(labels)))
    return {
        **{name: value.item() for name, value in measured.items()},
        "accuracy_low": low,
        "accuracy_high": high,
        "errors": len(labels) - correct,
    }
