"""What single hidden units tell of the class, against SciPy and pandas."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway

from stages.feature_importance import hidden_units

LABELS = np.array([0, 2, 3] * 20, dtype=np.uint8)  # 1 is absent
CLASSES = ["Ankle boot", "Bag", "Coat", "Dress"]


@pytest.fixture(scope="module")
def activations() -> np.ndarray:
    """Three units, rectified: the first follows the label, the second does not, the third is dead."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(60, 3)) + np.outer(LABELS, [2, 0, 0]) - [0, 0, 100]
    return np.maximum(values, 0).astype(np.float32)


def test_eta_squared_is_the_fraction_of_variance_between_classes(activations: np.ndarray) -> None:
    found = hidden_units.correlation_ratios(activations, LABELS)
    values = activations.astype(np.float64)
    means = np.stack([values[label == LABELS].mean(axis=0) for label in LABELS])
    for unit in (0, 1):
        assert found[unit] == pytest.approx(means[:, unit].var() / values[:, unit].var())
    assert found[2] == 0
    assert found[0] > 0.5 > found[1]


def test_eta_squared_orders_units_as_anova_does() -> None:
    values = np.random.default_rng(2).normal(size=(60, 20)) + np.outer(LABELS, np.linspace(0, 1, 20))
    f = f_oneway(*[values[label == LABELS] for label in (0, 2, 3)]).statistic
    assert np.argsort(hidden_units.correlation_ratios(values, LABELS)).tolist() == np.argsort(f).tolist()


def test_a_unit_that_determines_the_class_has_1() -> None:
    values = LABELS[:, None].astype(np.float32)
    assert hidden_units.correlation_ratios(values, LABELS).tolist() == [1]


def test_dead_units_have_the_ratio_0() -> None:
    assert hidden_units.correlation_ratios(np.zeros((60, 2), dtype=np.float32), LABELS).tolist() == [0, 0]


def test_the_drawn_units_range_from_the_best_to_the_worst() -> None:
    ratios = np.array([5.0, 9.0, 1.0, 7.0, 3.0, 2.0, 8.0])
    assert hidden_units.spread_over_ranks(ratios, 3).tolist() == [1, 0, 2]
    assert hidden_units.spread_over_ranks(ratios, 2).tolist() == [1, 2]
    assert hidden_units.spread_over_ranks(ratios, 9).tolist() == [1, 6, 3, 0, 4, 5, 2]
    assert hidden_units.spread_over_ranks(np.array([4.0]), 6).tolist() == [0]


def test_quartiles_and_zeros_are_given_per_class_present(activations: np.ndarray) -> None:
    table = hidden_units.describe_activations(activations, LABELS, CLASSES)
    assert table["unit"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert table["class"].tolist() == ["Ankle boot", "Coat", "Dress"] * 3
    names = {"min": "min", "q1": "25%", "median": "50%", "q3": "75%", "max": "max"}
    for _, row in table.iterrows():
        mine = activations[CLASSES.index(row["class"]) == LABELS, row["unit"]]
        expected = pd.Series(mine).describe()
        for ours, theirs in names.items():
            assert row[ours] == pytest.approx(expected[theirs], abs=1e-6)
        assert row["fraction_of_zeros"] == pytest.approx((mine == 0).sum() / 20)
    assert table[table["unit"] == 2]["fraction_of_zeros"].tolist() == [1, 1, 1]
