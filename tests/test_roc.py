"""ROC and precision-recall against scikit-learn, with and without weights."""

import numpy as np
import pytest
from sklearn import metrics

from digits.analysis.classification import metrics as c
from digits.analysis.classification.intervals import draw_counts
from tests.support.classifiers import CASES, make_case

SCORES = {"roc_auc": metrics.roc_auc_score, "average_precision": metrics.average_precision_score}


def by_scikit_learn(
    name: str, labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray
) -> list[float]:
    """Return the metric of each class that has weight and does not have all of it."""
    present = [k for k in range(5) if 0 < weights[labels == k].sum() < weights.sum()]
    return [SCORES[name](labels == k, probabilities[:, k], sample_weight=weights) for k in present]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("metric", SCORES)
def test_areas_equal_those_of_scikit_learn(name: str, metric: str) -> None:
    labels, probabilities = make_case(name)
    expected = by_scikit_learn(metric, labels, probabilities, np.ones(200))
    table = c.measure_classes(labels, probabilities)
    assert table["label"].tolist() == sorted(set(labels))
    assert table[metric].tolist() == pytest.approx(expected)
    macro = c.measure_ranking(labels, probabilities, np.ones((200, 1)))[metric]
    assert macro.item() == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("metric", SCORES)
def test_areas_of_resamples_equal_those_of_scikit_learn_with_weights(name: str, metric: str) -> None:
    labels, probabilities = make_case(name)
    counts = draw_counts(200, 5, np.random.default_rng(1))
    counts[labels == 4, 0] = 0  # a class that one resample has not drawn
    measured = c.measure_ranking(labels, probabilities, counts)[metric]
    expected = [np.mean(by_scikit_learn(metric, labels, probabilities, column)) for column in counts.T]
    assert measured == pytest.approx(expected)


def test_a_single_class_has_no_area() -> None:
    labels, probabilities = np.zeros(3, np.uint8), np.full((3, 2), 0.5)
    with pytest.warns(RuntimeWarning, match="Mean of empty slice"):
        measured = c.measure_ranking(labels, probabilities, np.ones((3, 1)))
    assert np.isnan([measured["roc_auc"], measured["average_precision"]]).all()


@pytest.mark.parametrize("name", CASES)
def test_curves_enclose_the_areas(name: str) -> None:
    labels, probabilities = make_case(name)
    curves = c.trace_curves(labels, probabilities, 500)
    areas = c.measure_classes(labels, probabilities)
    assert curves["label"].unique().tolist() == areas["label"].tolist()
    for label, area in zip(areas["label"], areas["roc_auc"], strict=True):
        curve = curves[curves["label"] == label]
        assert np.trapezoid(curve["recall"], curve["false_positive_rate"]) == pytest.approx(area)


def test_precision_is_that_of_the_images_above_a_threshold() -> None:
    labels, probabilities = make_case("usual")
    curves = c.trace_curves(labels, probabilities, 500)
    precision, recall, _ = metrics.precision_recall_curve(labels == 3, probabilities[:, 3])
    known = set(zip(np.round(recall, 9), np.round(precision, 9), strict=True))
    mine = curves[curves["label"] == 3].round(9)
    assert set(zip(mine["recall"], mine["precision"], strict=True)) <= known


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    labels, probabilities = make_case("usual")
    curve = c.trace_curves(labels, probabilities, 6).query("label == 0")
    assert len(curve) == 6
    assert curve["recall"].iloc[[0, -1]].tolist() == [0, 1]
    assert curve["false_positive_rate"].iloc[[0, -1]].tolist() == [0, 1]
