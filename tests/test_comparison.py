"""Two classifiers side by side, against statsmodels and plain loops."""

import numpy as np
import pytest
from scipy.spatial import KDTree
from statsmodels.stats import contingency_tables

from digits.analysis.classification.mcnemar import agreement_by_class, mcnemar
from digits.analysis.classification.neighbours import find_nearest


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (5, 5), (18, 94), (3, 12), (40, 0)])
def test_mcnemar_is_statsmodels_exact_test(first: int, second: int) -> None:
    expected = contingency_tables.mcnemar([[70, first], [second, 9]], exact=True).pvalue
    assert mcnemar(first, second) == pytest.approx(expected)


def test_two_that_never_disagree_do_not_differ() -> None:
    assert mcnemar(0, 0) == 1


def test_agreement_counts_each_image_once() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=60).astype(np.uint8)  # of four classes, the last is absent
    first, second = rng.random(60) < 0.7, rng.random(60) < 0.5
    table = agreement_by_class(labels, first, second, list("abcd"), ("x", "y"))
    assert table["class"].tolist() == list("abcd")
    for label, row in table.iterrows():
        pairs = [(bool(first[i]), bool(second[i])) for i in range(60) if labels[i] == label]
        assert row["images"] == len(pairs)
        assert row["both_right"] == pairs.count((True, True))
        assert row["only_x_right"] == pairs.count((True, False))
        assert row["only_y_right"] == pairs.count((False, True))
        assert row["both_wrong"] == pairs.count((False, False))


def test_the_nearest_are_those_of_a_tree() -> None:
    rng = np.random.default_rng(1)
    queries, references = rng.normal(size=(4, 6)), rng.normal(size=(50, 6))
    positions, distances = find_nearest(queries, references, 5)
    expected_distances, expected = KDTree(references).query(queries, 5)
    assert np.array_equal(positions, expected)
    assert np.allclose(distances, expected_distances)


def test_of_equally_near_ones_the_first_comes_first_and_fewer_may_be_there() -> None:
    positions, distances = find_nearest(np.zeros((1, 2)), np.array([[3.0, 4], [0, 1], [4, 3]]), 5)
    assert positions.tolist() == [[1, 0, 2]]
    assert distances.tolist() == [[1, 5, 5]]
