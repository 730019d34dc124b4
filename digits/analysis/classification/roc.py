"""ROC and precision-recall: how well probabilities rank the images of a class before all others."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from sklearn.metrics import roc_curve


def measure_ranking(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return macro one-against-the-rest ROC AUC and average precision, float64 (m,) each.

    labels (n,), probabilities (n, n_classes), weights (n, m). A class that has no image in a column of
    weights, or all of them, is left out of that column's mean; where none is left, the mean is nan and
    NumPy warns.
    """
    each = _each_class(labels, probabilities)
    measured = np.array([_measure_class(positive, scores, weights) for _, positive, scores in each])
    areas, precisions = np.nanmean(measured, axis=0)
    return {"roc_auc": areas, "average_precision": precisions}


def measure_classes(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return one row per class that has images: label, roc_auc, average_precision."""
    each, weights = _each_class(labels, probabilities), np.ones((len(labels), 1))
    rows = [(label, *_measure_class(positive, scores, weights)[:, 0]) for label, positive, scores in each]
    return pd.DataFrame(rows, columns=["label", "roc_auc", "average_precision"])


def _measure_class(positive: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return ROC AUC, a tie counted half, and average precision of one class, (2, m).

    Both need only the weight at each score of a positive image and between any two such scores.
    """
    thresholds = np.unique(scores[positive])
    last = 2 * len(thresholds)
    # Best first; odd where tied with a positive image, even between two of them.
    place = last - np.searchsorted(thresholds, scores, "left") - np.searchsorted(thresholds, scores, "right")
    groups = (positive, ~positive)
    positives, negatives = (_sum_by_place(place[mine], weights[mine], last + 1) for mine in groups)
    true, false = positives.cumsum(axis=0), negatives.cumsum(axis=0)
    precision = np.divide(true, true + false, out=np.zeros_like(true), where=true > 0)
    with np.errstate(invalid="ignore"):
        auc = 1 - (positives * (false - negatives / 2)).sum(axis=0) / (true[-1] * false[-1])
        average = (positives * precision).sum(axis=0) / true[-1]
    return np.where((true[-1] > 0) & (false[-1] > 0), np.stack([auc, average]), np.nan)


def _sum_by_place(place: np.ndarray, weights: np.ndarray, n_places: int) -> np.ndarray:
    """Return the sum of the weights (k, m) at each place, (n_places, m)."""
    ones = np.ones(len(place))
    return np.asarray(csr_array((ones, (place, np.arange(len(place)))), (n_places, len(place))) @ weights)


def trace_curves(labels: np.ndarray, probabilities: np.ndarray, points: int) -> pd.DataFrame:
    """Return label, false_positive_rate, recall, precision along the curves of each class with images.

    Rows are the corners of the ROC curve, `points` at most, evenly spread, the ends among them. Between
    two of them only true or only false positives are added, so that they are the corners of the
    precision-recall curve too. Precision is 1 where nothing is predicted yet.
    """
    curves = []
    for label, positive, scores in _each_class(labels, probabilities):
        rate, recall, _ = roc_curve(positive, scores)
        true, false = recall * positive.sum(), rate * (~positive).sum()
        precision = np.divide(true, true + false, out=np.ones_like(true), where=true + false > 0)
        kept = np.unique(np.linspace(0, len(recall) - 1, points).astype(np.intp))
        columns = {"label": label, "false_positive_rate": rate, "recall": recall, "precision": precision}
        curves.append(pd.DataFrame(columns).iloc[kept])
    return pd.concat(curves)


def _each_class(
    labels: np.ndarray, probabilities: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield label, membership (n,) and scores (n,) of each class that has images."""
    for label in np.unique(labels):
        yield int(label), labels == label, probabilities[:, label]
