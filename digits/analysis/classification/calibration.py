"""Calibration: how far probabilities match accuracies, and temperature scaling, which corrects them."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

SMALLEST = 1e-15  # probabilities are clipped here before a logarithm is taken
TEMPERATURES = (0.05, 20.0)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature in TEMPERATURES that gives these probabilities the lowest log loss.

    Guo et al. (2017), ICML, section 4.2; the logits are the logarithms of the probabilities
    (n, n_classes). If every image is right, the loss falls with the temperature
    and the result is a low one.
    """
    logits = _logits(probabilities)

    def log_loss(log_temperature: float) -> float:
        logs = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(logs[np.arange(len(labels)), labels].mean())

    found = minimize_scalar(log_loss, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(found.x))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probabilities after division of their logits by the temperature, float64."""
    return np.asarray(softmax(_logits(probabilities) / temperature, axis=1))


def measure_probabilities(
    labels: np.ndarray, probabilities: np.ndarray, bins: int, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return log loss (nats), Brier score (0 to 2) and calibration error of probabilities (n, n_classes).

    weights: float64 (n, m), ones or bootstrap counts; one value per column, float64 (m,).
    brier: mean over images of sum_k (p_k - y_k)^2; Brier (1950), Monthly Weather Review 78: 1-3.
    calibration_error: mean over images of |accuracy - confidence| of their bin, of which `bins` of equal
    width divide [0, 1]; Guo et al. (2017), ICML, equation 3. Confidence is the highest probability.
    """
    double = probabilities.astype(np.float64)
    losses = -_logits(double)[np.arange(len(labels)), labels]
    scores = ((double - np.eye(double.shape[1])[labels]) ** 2).sum(axis=1)
    number, confidence, correct = _binned(labels, double, bins)
    gaps = (np.eye(bins)[number] * (correct - confidence)[:, None]).T @ weights
    total = weights.sum(axis=0)
    return {
        "log_loss": losses @ weights / total,
        "brier": scores @ weights / total,
        "calibration_error": np.abs(gaps).sum(axis=0) / total,
    }


def reliability_table(labels: np.ndarray, probabilities: np.ndarray, bins: int) -> pd.DataFrame:
    """Return one row per bin that has images: low, high, images, confidence, accuracy.

    A bin holds confidences above low and up to high; confidence and accuracy are its images' means.
    """
    number, confidence, correct = _binned(labels, probabilities, bins)
    groups = pd.DataFrame({"confidence": confidence, "accuracy": correct}).groupby(number)
    table = groups.mean().assign(images=groups.size())
    table["low"], table["high"] = table.index / bins, (table.index + 1) / bins
    return table[["low", "high", "images", "confidence", "accuracy"]].reset_index(drop=True)


def _logits(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(probabilities.astype(np.float64), SMALLEST, 1))


def _binned(
    labels: np.ndarray, probabilities: np.ndarray, bins: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return bin, highest probability in float64, and whether it is the label's, (n,) each."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    number = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
    return number, confidence, probabilities.argmax(axis=1) == labels
