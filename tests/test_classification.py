"""Decisions of a classifier, against scikit-learn, SciPy and closed forms."""

import numpy as np
import pytest
from sklearn import metrics

from digits.analysis.classification import metrics as c
from digits.analysis.classification.intervals import accuracy_interval
from tests.support.classifiers import CASES, make_case

CLASSES = ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("name", CASES)
def test_the_class_table_equals_that_of_scikit_learn(name: str) -> None:
    labels, probabilities = make_case(name)
    predictions = probabilities.argmax(axis=1)
    confusion = metrics.confusion_matrix(labels, predictions, labels=range(5))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predictions, labels=range(5), zero_division=0
    )
    table = c.class_table(confusion, CLASSES)
    assert table["class"].tolist() == CLASSES
    expected = {"precision": precision, "recall": recall, "f1": f1, "AN": support}
    for column, values in expected.items():
        assert np.allclose(table[column], values)


@pytest.mark.parametrize("name", CASES)
def test_each_class_is_counted_against_the_rest(name: str) -> None:
    labels, probabilities = make_case(name)
    predictions = probabilities.argmax(axis=1)
    table = c.class_table(metrics.confusion_matrix(labels, predictions, labels=range(5)), CLASSES)
    for label, row in table.iterrows():
        mine, said = labels == label, predictions == label
        assert (row["TP"], row["FP"], row["FN"]) == (
            (mine & said).sum(),
            (~mine & said).sum(),
            (mine & ~said).sum(),
        )
        assert row["accuracy"] == pytest.approx((mine == said).mean())


def test_a_perfect_classifier_scores_1_everywhere() -> None:
    labels, probabilities = make_case("perfect")
    confusion = metrics.confusion_matrix(labels, probabilities.argmax(axis=1), labels=range(5))
    table = c.class_table(confusion, CLASSES)
    assert (table[["precision", "recall", "f1", "accuracy"]] == 1).all(axis=None)
    found = c.summarize(c.measure(labels, probabilities, 15, np.ones((200, 1))), 200, 0.95)
    assert found["errors"] == 0
    perfect = ("accuracy", "balanced_accuracy", "macro_f1", "top2_accuracy", "roc_auc", "average_precision")
    assert [found[name] for name in perfect] == pytest.approx([1] * 6)
    assert c.rank_confusions(confusion, 10).empty


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("name", CASES)
def test_decision_metrics_equal_those_of_scikit_learn(name: str) -> None:
    labels, probabilities = make_case(name)
    predictions = probabilities.argmax(axis=1)
    measured = c.measure_decisions(labels, probabilities, np.ones((len(labels), 1)))
    expected = {
        "accuracy": metrics.accuracy_score(labels, predictions),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predictions),
        "macro_f1": metrics.f1_score(labels, predictions, average="macro"),
        "top2_accuracy": metrics.top_k_accuracy_score(labels, probabilities, k=2, labels=range(5)),
    }
    assert {key: value.item() for key, value in measured.items()} == pytest.approx(expected)


def test_the_most_frequent_confusions_come_first() -> None:
    confusion = np.array([[5, 2, 0], [3, 90, 7], [0, 2, 1]])
    ranked = c.rank_confusions(confusion, 3)
    assert ranked[["label", "prediction", "count"]].to_numpy().tolist() == [[1, 2, 7], [1, 0, 3], [2, 1, 2]]
    assert ranked["fraction"].tolist() == pytest.approx([0.07, 0.03, 2 / 3])
    assert len(c.rank_confusions(confusion, 10)) == 4


def test_all_numbers_are_returned_together() -> None:
    labels, probabilities = make_case("usual")
    right = int((probabilities.argmax(axis=1) == labels).sum())
    measured = c.measure(labels, probabilities, 7, np.ones((200, 1)))
    found = c.summarize(measured, 200, 0.9)
    assert (found["accuracy_low"], found["accuracy_high"]) == accuracy_interval(right, 200, 0.9)
    assert (found["accuracy"], found["errors"]) == (right / 200, 200 - right)
    assert found.keys() == measured.keys() | {"accuracy_low", "accuracy_high", "errors"}
    assert 100 < right < 200
