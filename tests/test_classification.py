"""Figures of a classifier, against scikit-learn, SciPy and closed forms."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics

from stages.analysis import classification as c

CLASSES = ["a", "b", "c", "d", "e"]


def case(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (200,) and probabilities (200, 5)."""
    rng = np.random.default_rng(4)
    labels = rng.integers(5, size=200).astype(np.uint8)
    logits = rng.normal(size=(200, 5)) + 1.5 * np.eye(5)[labels]
    if name == "never predicted":
        logits[:, 3] = -9
    if name == "absent":
        labels[labels == 2] = 1
    if name == "both":
        labels[labels == 2] = 1
        logits[:, 2] = -9
    if name == "perfect":
        logits = 9 * np.eye(5)[labels]
    odds = np.exp(logits)
    return labels, (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


NAMES = ["usual", "never predicted", "absent", "both", "perfect"]


@pytest.mark.parametrize("name", NAMES)
def test_confusion_and_class_table_are_scikit_learn_s(name: str) -> None:
    labels, probabilities = case(name)
    predictions = probabilities.argmax(axis=1)
    confusion = c.confusion_matrix(labels, predictions, 5)
    assert np.array_equal(confusion, metrics.confusion_matrix(labels, predictions, labels=range(5)))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predictions, labels=range(5), zero_division=0
    )
    table = c.class_table(confusion, CLASSES)
    assert table["class"].tolist() == CLASSES
    expected = {"precision": precision, "recall": recall, "f1": f1, "AN": support}
    for column, values in expected.items():
        assert np.allclose(table[column], values)


@pytest.mark.parametrize("name", NAMES)
def test_each_class_is_counted_against_the_rest(name: str) -> None:
    labels, probabilities = case(name)
    predictions = probabilities.argmax(axis=1)
    table = c.class_table(c.confusion_matrix(labels, predictions, 5), CLASSES)
    for label, row in table.iterrows():
        mine, said = labels == label, predictions == label
        assert (row["TP"], row["FP"], row["FN"]) == (
            (mine & said).sum(),
            (~mine & said).sum(),
            (mine & ~said).sum(),
        )
        assert row["accuracy"] == pytest.approx((mine == said).mean())


def test_a_perfect_classifier_has_a_one_everywhere() -> None:
    labels, probabilities = case("perfect")
    table = c.class_table(c.confusion_matrix(labels, probabilities.argmax(axis=1), 5), CLASSES)
    assert (table[["precision", "recall", "f1", "accuracy"]] == 1).all(axis=None)
    assert c.figures(labels, probabilities, 0.95, 15)["errors"] == 0


@pytest.mark.parametrize(("correct", "n"), [(0, 10), (10, 10), (1, 1), (9_948, 10_000), (50, 100)])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_the_interval_is_wilson_s(correct: int, n: int, confidence: float) -> None:
    expected = binomtest(correct, n).proportion_ci(confidence, method="wilson")
    low, high = c.accuracy_interval(correct, n, confidence)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert -1e-12 < low < high < 1 + 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_log_loss_is_scikit_learn_s(name: str) -> None:
    labels, probabilities = case(name)
    double = probabilities.astype(np.float64)
    double /= double.sum(axis=1, keepdims=True)
    assert c.log_loss(labels, double) == pytest.approx(metrics.log_loss(labels, double, labels=range(5)))


def test_log_loss_stays_finite_where_the_label_was_ruled_out() -> None:
    sure = np.eye(2, dtype=np.float32)
    assert c.log_loss(np.array([1, 0], np.uint8), sure) == pytest.approx(-np.log(1e-15))
    assert c.log_loss(np.array([0, 1], np.uint8), sure) == 0


def calibration_by_loop(labels: np.ndarray, probabilities: np.ndarray, bins: int) -> float:
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        mine = [i for i, row in enumerate(probabilities) if low < max(row) <= high]
        if mine:
            confidence = np.mean([max(probabilities[i]) for i in mine])
            accuracy = np.mean([np.argmax(probabilities[i]) == labels[i] for i in mine])
            total += len(mine) / len(labels) * abs(accuracy - confidence)
    return total


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bins", [1, 10, 15])
def test_calibration_error_is_the_loop_s(name: str, bins: int) -> None:
    labels, probabilities = case(name)
    double = probabilities.astype(np.float64)
    expected = calibration_by_loop(labels, double, bins)
    assert c.calibration_error(labels, probabilities, bins) == pytest.approx(expected, abs=1e-9)


def test_calibration_error_in_closed_form() -> None:
    calibrated = np.tile([0.75, 0.25], (100, 1))
    assert c.calibration_error(np.repeat([0, 1], [75, 25]), calibrated, 10) == pytest.approx(0, abs=1e-12)
    assert c.calibration_error(np.repeat([0, 1], [55, 45]), calibrated, 10) == pytest.approx(0.2)
    on_the_edge = np.array([[0.5, 0.5], [0.75, 0.25]])  # a bin holds its upper edge
    assert c.calibration_error(np.array([1, 0]), on_the_edge, 2) == pytest.approx((0.5 + 0.25) / 2)
    sure = np.tile([1.0, 0.0], (8, 1))
    assert c.calibration_error(np.ones(8, np.uint8), sure, 10) == 1
    assert c.calibration_error(np.zeros(8, np.uint8), sure, 10) == 0


def test_opposite_errors_in_two_bins_do_not_cancel() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 10)
    labels = np.array([0] * 8 + [1] * 2 + [0] * 7 + [1] * 3)
    assert c.calibration_error(labels, probabilities, 10) == pytest.approx((0.1 + 0.1) / 2)
    assert c.calibration_error(labels, probabilities, 1) == pytest.approx(0)


def test_the_majority_guess_has_the_shares_of_the_training_labels() -> None:
    guess = c.majority_probabilities(np.array([2, 2, 0, 1, 2], np.uint8), 3, 4)
    assert np.allclose(guess, [[0.2, 0.2, 0.6, 0]] * 3)


def test_figures_gather_what_the_functions_say() -> None:
    labels, probabilities = case("usual")
    right = int((probabilities.argmax(axis=1) == labels).sum())
    low, high = c.accuracy_interval(right, 200, 0.9)
    assert c.figures(labels, probabilities, 0.9, 7) == {
        "accuracy": right / 200,
        "accuracy_low": low,
        "accuracy_high": high,
        "calibration_error": c.calibration_error(labels, probabilities, 7),
        "errors": 200 - right,
        "log_loss": c.log_loss(labels, probabilities),
    }
    assert 100 < right < 200
