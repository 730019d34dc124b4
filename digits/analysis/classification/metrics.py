"""Metrics of a classifier: confusion matrix, table per class, and all single numbers together."""

import numpy as np
import pandas as pd

from digits.analysis.classification.calibration import measure_probabilities
from digits.analysis.classification.intervals import accuracy_interval
from digits.analysis.classification.roc import measure_ranking


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, n_classes: int) -> np.ndarray:
    """Count images by label (row) and prediction (column), int64 (n_classes, n_classes)."""
    cells = labels.astype(np.intp) * n_classes + predictions.astype(np.intp)
    return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)


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


def agreement_by_class(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, classes: list[str], names: tuple[str, str]
) -> pd.DataFrame:
    """Return one row per class: its images by which of the two gets them right, bool (n,) each.

    Columns: class, images, both_right, only_NAME_right for either name, both_wrong.
    """
    cases = {
        "images": np.ones_like(first),
        "both_right": first & second,
        f"only_{names[0]}_right": first & ~second,
        f"only_{names[1]}_right": ~first & second,
        "both_wrong": ~first & ~second,
    }
    counts = {name: np.bincount(labels[mine], minlength=len(classes)) for name, mine in cases.items()}
    return pd.DataFrame({"class": classes, **counts})


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


def count_errors(labels: np.ndarray, probabilities: np.ndarray, confidence: float) -> dict[str, float]:
    """Return the number of errors, and the ends of Wilson's interval of the accuracy."""
    correct = int((probabilities.argmax(axis=1) == labels).sum())
    low, high = accuracy_interval(correct, len(labels), confidence)
    return {"accuracy_low": low, "accuracy_high": high, "errors": len(labels) - correct}


def assess(labels: np.ndarray, probabilities: np.ndarray, confidence: float, bins: int) -> dict[str, float]:
    """Return all metrics of the sample, the interval of its accuracy, and the number of errors."""
    measured = measure(labels, probabilities, bins, np.ones((len(labels), 1)))
    values = {name: value.item() for name, value in measured.items()}
    return values | count_errors(labels, probabilities, confidence)


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


def majority_probabilities(train_labels: np.ndarray, n: int, n_classes: int) -> np.ndarray:
    """Return the fraction of each class among the training labels, for each of n images."""
    fractions = np.bincount(train_labels, minlength=n_classes) / len(train_labels)
    return np.tile(fractions, (n, 1))


def divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, 0 where the whole is 0, float64 in the shape of `part`."""
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole != 0)


def _mean_ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return the mean of part / whole (n_classes, m) over the classes where the whole is not 0."""
    return divide(part, whole).sum(axis=0) / (whole != 0).sum(axis=0)
