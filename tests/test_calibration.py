"""Log loss, Brier score and calibration, against scikit-learn, loops and closed forms."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import softmax
from sklearn import metrics

from digits.analysis.classification import calibration as c
from tests.support.classifiers import CASES, make_case


def measure(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> dict[str, float]:
    measured = c.measure_probabilities(labels, probabilities, bins, np.ones((len(labels), 1)))
    return {name: value.item() for name, value in measured.items()}


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int) -> float:
    return measure(labels, probabilities, bins)["calibration_error"]


@pytest.mark.parametrize("name", CASES)
def test_log_loss_and_brier_score_equal_those_of_scikit_learn(name: str) -> None:
    labels, probabilities = make_case(name)
    measured = measure(labels, probabilities)
    assert measured["log_loss"] == pytest.approx(metrics.log_loss(labels, probabilities, labels=range(5)))
    brier = metrics.brier_score_loss(labels, probabilities, labels=range(5), scale_by_half=False)
    assert measured["brier"] == pytest.approx(brier)


def test_log_loss_stays_finite_where_the_label_was_ruled_out() -> None:
    sure = np.eye(2, dtype=np.float32)
    wrong, right = measure(np.array([1, 0], np.uint8), sure), measure(np.array([0, 1], np.uint8), sure)
    assert (wrong["log_loss"], wrong["brier"]) == pytest.approx((-np.log(1e-15), 2))
    assert (right["log_loss"], right["brier"]) == (0, 0)


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


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("bins", [1, 10, 15])
def test_calibration_error_equals_that_of_a_loop(name: str, bins: int) -> None:
    labels, probabilities = make_case(name)
    expected = calibration_by_loop(labels, probabilities, bins)
    assert calibration_error(labels, probabilities, bins) == pytest.approx(expected, abs=1e-9)


def test_calibration_error_in_closed_form() -> None:
    calibrated = np.tile([0.75, 0.25], (100, 1))
    assert calibration_error(np.repeat([0, 1], [75, 25]), calibrated, 10) == pytest.approx(0, abs=1e-12)
    assert calibration_error(np.repeat([0, 1], [55, 45]), calibrated, 10) == pytest.approx(0.2)
    on_the_edge = np.array([[0.5, 0.5], [0.75, 0.25]])  # a bin holds its upper edge
    assert calibration_error(np.array([1, 0]), on_the_edge, 2) == pytest.approx((0.5 + 0.25) / 2)
    sure = np.tile([1.0, 0.0], (8, 1))
    assert calibration_error(np.ones(8, np.uint8), sure, 10) == 1
    assert calibration_error(np.zeros(8, np.uint8), sure, 10) == 0


def test_opposite_errors_in_two_bins_do_not_cancel() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 10)
    labels = np.array([0] * 8 + [1] * 2 + [0] * 7 + [1] * 3)
    assert calibration_error(labels, probabilities, 10) == pytest.approx((0.1 + 0.1) / 2)
    assert calibration_error(labels, probabilities, 1) == pytest.approx(0)


@pytest.mark.parametrize("name", CASES)
def test_the_reliability_table_adds_up_to_the_calibration_error(name: str) -> None:
    labels, probabilities = make_case(name)
    table = c.reliability_table(labels, probabilities, 10)
    assert table["images"].sum() == 200
    assert (table["low"] < table["confidence"]).all()
    assert (table["confidence"] <= table["high"] + 1e-12).all()
    right = (probabilities.argmax(axis=1) == labels).sum()
    assert (table["images"] * table["accuracy"]).sum() == pytest.approx(right)
    gaps = (table["accuracy"] - table["confidence"]).abs() * table["images"] / 200
    assert gaps.sum() == pytest.approx(calibration_error(labels, probabilities, 10))


def test_the_temperature_of_two_logits_has_a_closed_form() -> None:
    """With confidence s everywhere and a fraction a right, T = logit(s) / logit(a)."""
    probabilities = np.tile([0.95, 0.05], (100, 1))
    labels = np.repeat([0, 1], [80, 20]).astype(np.uint8)
    expected = np.log(0.95 / 0.05) / np.log(0.8 / 0.2)
    temperature = c.fit_temperature(labels, probabilities)
    assert temperature == pytest.approx(expected, rel=1e-4)
    assert c.apply_temperature(probabilities, temperature)[0] == pytest.approx([0.8, 0.2], abs=1e-4)


def test_the_derivative_of_the_log_loss_vanishes_at_the_temperature() -> None:
    labels, probabilities = make_case("usual")
    logits = 2.5 * np.log(probabilities)

    def derivative(inverse: float) -> float:
        """Of the log loss by 1 / T: mean over images of sum_k p_k z_k - z_label."""
        p = softmax(inverse * logits, axis=1)
        return float(((p * logits).sum(axis=1) - logits[np.arange(200), labels]).mean())

    expected = 1 / brentq(derivative, 0.05, 20)
    assert c.fit_temperature(labels, softmax(logits, axis=1)) == pytest.approx(expected, rel=1e-4)


def test_a_temperature_changes_no_prediction_and_1_changes_nothing() -> None:
    _, probabilities = make_case("usual")
    assert np.allclose(c.apply_temperature(probabilities, 1), probabilities)
    for temperature in (0.3, 5):
        after = c.apply_temperature(probabilities, temperature)
        assert np.array_equal(after.argmax(axis=1), probabilities.argmax(axis=1))
        assert np.allclose(after.sum(axis=1), 1)


def test_extreme_classifiers_get_a_finite_temperature() -> None:
    labels, probabilities = make_case("perfect")
    assert c.fit_temperature(labels, probabilities) < 0.3
    sure = np.eye(2)[[0, 1, 1, 1]].astype(np.float32)
    temperature = c.fit_temperature(np.array([0, 0, 1, 1], np.uint8), sure)
    assert 1 < temperature <= max(c.TEMPERATURES)
    assert np.isfinite(c.apply_temperature(sure, temperature)).all()
