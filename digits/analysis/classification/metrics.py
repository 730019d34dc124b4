"""Metrics of a classifier: of its decisions, and of how it ranks the images of a class before all others."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from sklearn.metrics import roc_curve

from digits.analysis.classification.calibration import measure_probabilities
from digits.analysis.classification.intervals import accuracy_interval


def class_table(confusion: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return one row per class: AN, TP, FP, FN, precision, recall, f1, accuracy.

    AN: images of the class. accuracy: one against the rest, (TP + TN) / N. f1: the harmonic mean
    TP / (TP + (FP + FN) / 2). A ratio with nothing to divide by (a class never predicted, or absent) is 0.
    """
    positive, total = confusion.diagonal(), confusion.sum()
    actual, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    false_positive, false_negative = predicted - positive, actual - positive
    counts = {"AN": actual, "TP": positive, "FP": false_positive, "FN": false_negative}
    ratios = {
        "precision": divide(positive, predicted),
        "recall": divide(positive, actual),
        "f1": divide(positive, positive + (false_positive + false_negative) / 2),
        "accuracy": 1 - divide(false_positive + false_negative, np.full_like(actual, total)),
    }
    return pd.DataFrame({"class": classes, **counts, **ratios})


def rank_confusions(confusion: np.ndarray, n: int) -> pd.DataFrame:
    """Return the n most frequent errors of a confusion matrix: label, prediction, count, fraction.

    fraction: of the label's images. At equal counts the larger fraction, then the lower label, comes first.
    """
    label, prediction = np.nonzero(confusion - np.diag(confusion.diagonal()))
    count = confusion[label, prediction]
    fraction = count / confusion.sum(axis=1)[label]
    table = pd.DataFrame({"label": label, "prediction": prediction, "count": count, "fraction": fraction})
    ranked = table.sort_values(["count", "fraction"], ascending=False, kind="stable")
    return ranked.head(n).reset_index(drop=True)


def measure(
    labels: np.ndarray, probabilities: np.ndarray, bins: int, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the metrics of decisions, probabilities (n, n_classes) and ranking.

    weights: float64 (n, m), ones or bootstrap counts; one value per column, float64 (m,).
    """
    decisions = measure_decisions(labels, probabilities, weights)
    ranking = measure_ranking(labels, probabilities, weights)
    return decisions | measure_probabilities(labels, probabilities, bins, weights) | ranking


def summarize(measured: Mapping[str, np.ndarray], n: int, confidence: float) -> dict[str, float]:
    """Return the metrics of the sample itself, the interval of its accuracy, and its errors of n images.

    measured: as from `measure`, of which the first column counts each image once
    """
    values = {name: float(each[0]) for name, each in measured.items()}
    correct = round(values["accuracy"] * n)
    low, high = accuracy_interval(correct, n, confidence)
    return values | {"accuracy_low": low, "accuracy_high": high, "errors": n - correct}


def measure_decisions(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return accuracy, top-2 accuracy, balanced accuracy and macro F1 of probabilities (n, n_classes).

    weights: float64 (n, m), ones or bootstrap counts; one value per column, float64 (m,).
    balanced_accuracy: mean recall of the classes that have images. macro_f1: mean F1 of the classes
    that have images or predictions. Of equal probabilities the lower class is predicted.
    """
    n_classes = probabilities.shape[1]
    ranked = np.argsort(-probabilities, axis=1, kind="stable")
    actual, predicted = (np.eye(n_classes)[chosen].T for chosen in (labels, ranked[:, 0]))
    n_actual, n_predicted, n_right = (each @ weights for each in (actual, predicted, actual * predicted))
    total = weights.sum(axis=0)
    return {
        "accuracy": n_right.sum(axis=0) / total,
        "balanced_accuracy": _mean_ratio(n_right, n_actual),
        "macro_f1": _mean_ratio(2 * n_right, n_actual + n_predicted),
        "top2_accuracy": (ranked[:, :2] == labels[:, None]).any(axis=1) @ weights / total,
    }


def measure_ranking(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return macro one-against-the-rest ROC AUC and average precision, float64 (m,) each.

    labels (n,), probabilities (n, n_classes), weights (n, m). A class that has no image in a column of
    weights, or all of them, is left out of that column's mean; where none is left, the mean is nan and
    NumPy warns.
    """
    present = np.unique(labels)
    each = [_measure_class(labels == label, probabilities[:, label], weights) for label in present]
    areas, precisions = np.nanmean(each, axis=0)
    return {"roc_auc": areas, "average_precision": precisions}


def measure_classes(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return one row per class that has images: label, roc_auc, average_precision."""
    present, ones = np.unique(labels).tolist(), np.ones((len(labels), 1))
    each = [_measure_class(labels == label, probabilities[:, label], ones)[:, 0] for label in present]
    areas, precisions = np.transpose(each)
    return pd.DataFrame({"label": present, "roc_auc": areas, "average_precision": precisions})


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
    precision = divide(true, true + false)
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
    for label in np.unique(labels).tolist():
        positive = labels == label
        rate, recall, _ = roc_curve(positive, probabilities[:, label])
        true, false = recall * positive.sum(), rate * (~positive).sum()
        precision = np.divide(true, true + false, out=np.ones_like(true), where=true + false > 0)
        kept = np.unique(np.linspace(0, len(recall) - 1, points).astype(np.intp))
        columns = {"label": label, "false_positive_rate": rate, "recall": recall, "precision": precision}
        curves.append(pd.DataFrame(columns).iloc[kept])
    return pd.concat(curves)


def divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, 0 where the whole is 0, float64 in the shape of `part`."""
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole != 0)


def _mean_ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return the mean of part / whole (n_classes, m) over the classes where the whole is not 0."""
    return divide(part, whole).sum(axis=0) / (whole != 0).sum(axis=0)
