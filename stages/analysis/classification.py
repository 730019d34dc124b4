"""How well a classifier does: figures with intervals, the table per class, the confusion matrix."""

import numpy as np
import pandas as pd
from scipy.stats import norm

SMALLEST = 1e-15  # probabilities are clipped here before a logarithm is taken


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, n_classes: int) -> np.ndarray:
    """Count images by label (row) and prediction (column), int64 (n_classes, n_classes)."""
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(counts, (labels.astype(np.intp), predictions.astype(np.intp)), 1)
    return counts


def class_table(confusion: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return one row a class: AN, TP, FP, FN, precision, recall, f1, accuracy.

    AN: images of the class. accuracy: one against the rest, (TP + TN) / N. f1: the harmonic mean
    TP / (TP + (FP + FN) / 2). A ratio without a case (a class never predicted, or absent) is 0.
    """
    positive = confusion.diagonal()
    actual, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    false_positive, false_negative = predicted - positive, actual - positive
    return pd.DataFrame(
        {
            "class": classes,
            "AN": actual,
            "TP": positive,
            "FP": false_positive,
            "FN": false_negative,
            "precision": _ratio(positive, predicted),
            "recall": _ratio(positive, actual),
            "f1": _ratio(positive, positive + (false_positive + false_negative) / 2),
            "accuracy": 1 - _ratio(false_positive + false_negative, np.full_like(actual, confusion.sum())),
        }
    )


def accuracy_interval(correct: int, n: int, confidence: float) -> tuple[float, float]:
    """Return Wilson's score interval of an accuracy of `correct` in `n`.

    Wilson (1927), JASA 22: 209-212; it stays within [0, 1] and holds near 1, where Wald's fails.
    """
    z = float(norm.ppf((1 + confidence) / 2))
    share = correct / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(centre - half), float(centre + half)


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean of -ln p(label), in nats; probabilities (n, n_classes)."""
    chosen = np.take_along_axis(probabilities, labels[:, None].astype(np.intp), axis=1)
    return float(-np.log(np.clip(chosen.astype(np.float64), SMALLEST, 1)).mean())


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int) -> float:
    """Return the expected calibration error in [0, 1], over `bins` of equal width.

    The mean over the images of |accuracy - confidence| of their bin; Guo et al. (2017), ICML,
    equation 3. Confidence is the highest probability.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    member = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
    gaps = np.bincount(member, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def figures(labels: np.ndarray, probabilities: np.ndarray, confidence: float, bins: int) -> dict[str, float]:
    """Return accuracy with its interval, log loss, calibration error and number of errors."""
    correct = int((probabilities.argmax(axis=1) == labels).sum())
    low, high = accuracy_interval(correct, len(labels), confidence)
    return {
        "accuracy": correct / len(labels),
        "accuracy_low": low,
        "accuracy_high": high,
        "calibration_error": calibration_error(labels, probabilities, bins),
        "errors": len(labels) - correct,
        "log_loss": log_loss(labels, probabilities),
    }


def majority_probabilities(train_labels: np.ndarray, n: int, n_classes: int) -> np.ndarray:
    """Return the classes' shares among the training labels, n times: the guess without a look."""
    shares = np.bincount(train_labels, minlength=n_classes) / len(train_labels)
    return np.tile(shares, (n, 1))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole != 0)
