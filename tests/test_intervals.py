"""Wilson's interval, the bootstrap and McNemar's test, against SciPy, statsmodels, loops and theory."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats import contingency_tables
from statsmodels.stats.proportion import proportion_confint

from digits.analysis.classification import intervals, metrics
from tests.support.classifiers import CASES, make_case


@pytest.mark.parametrize(("level", "shown"), [(0.9, "90%"), (0.95, "95%"), (0.995, "99.5%"), (0.07, "7%")])
def test_levels_are_shown_unrounded(level: float, shown: str) -> None:
    assert intervals.percent(level) == shown


def test_resamples_have_the_size_of_the_sample_and_depend_on_the_seed() -> None:
    counts = intervals.draw_counts(50, 20, np.random.default_rng(3))
    assert counts.shape == (50, 20)
    assert (counts.sum(axis=0) == 50).all()
    assert np.array_equal(counts, intervals.draw_counts(50, 20, np.random.default_rng(3)))
    assert len(np.unique(counts, axis=1).T) == 20


def test_counts_are_binomial() -> None:
    counts = intervals.draw_counts(100, 2000, np.random.default_rng(0))
    for k in range(4):
        fraction = (counts == k).mean()
        assert fraction == pytest.approx(stats.binom.pmf(k, 100, 0.01), abs=0.005)


@pytest.mark.parametrize("name", CASES)
def test_metrics_by_counts_equal_those_of_the_repeated_images(name: str) -> None:
    labels, probabilities = make_case(name)
    counts = intervals.draw_counts(200, 3, np.random.default_rng(2))
    measured = metrics.measure(labels, probabilities, 10, counts)
    for column in range(3):
        chosen = np.repeat(np.arange(200), counts[:, column].astype(int))
        ones = np.ones((200, 1))
        expected = metrics.measure(labels[chosen], probabilities[chosen], 10, ones)
        assert {key: value[column] for key, value in measured.items()} == pytest.approx(
            {key: value.item() for key, value in expected.items()}
        )


def test_the_interval_of_a_mean_equals_that_of_scipy() -> None:
    values = np.random.default_rng(5).exponential(size=300)
    counts = intervals.draw_counts(300, 4000, np.random.default_rng(6))
    table = intervals.interval_table({"mean": np.append(values.mean(), values @ counts / 300)}, 0.9)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, confidence_level=0.9, method="percentile", rng=7
    ).confidence_interval
    assert table[["low", "high"]].to_numpy()[0] == pytest.approx([expected.low, expected.high], abs=0.01)


def test_the_table_has_metric_value_low_and_high() -> None:
    measured = {"a": np.append(50, np.arange(101.0)), "b": np.zeros(102)}
    table = intervals.interval_table(measured, 0.9)
    expected = pd.DataFrame({"metric": ["a", "b"], "value": [50.0, 0], "low": [5.0, 0], "high": [95.0, 0]})
    pd.testing.assert_frame_equal(table, expected)


def test_the_bias_of_the_resamples_is_removed() -> None:
    assert intervals.interval(40.0, np.arange(101.0), 0.9) == pytest.approx((0.0, 85.0))
    assert intervals.interval(60.0, np.arange(101.0), 0.9) == pytest.approx((15.0, 105.0))


@pytest.mark.parametrize("name", CASES)
def test_every_metric_lies_in_its_interval(name: str) -> None:
    labels, probabilities = make_case(name)
    counts = intervals.draw_counts(200, 400, np.random.default_rng(2))
    weights = np.hstack([np.ones((200, 1)), counts])
    table = intervals.interval_table(metrics.measure(labels, probabilities, 10, weights), 0.9)
    assert (table["low"] <= table["value"] + 1e-9).all()
    assert (table["value"] <= table["high"] + 1e-9).all()


@pytest.mark.parametrize(("correct", "n"), [(0, 10), (10, 10), (1, 1), (9_948, 10_000), (50, 100)])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_the_interval_of_an_accuracy_is_wilsons(correct: int, n: int, confidence: float) -> None:
    low, high = intervals.accuracy_interval(correct, n, confidence)
    expected = proportion_confint(correct, n, alpha=1 - confidence, method="wilson")
    assert (low, high) == pytest.approx(expected, abs=1e-12)
    assert -1e-12 < low < high < 1 + 1e-12


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (5, 5), (18, 94), (3, 12), (40, 0)])
def test_mcnemar_equals_the_exact_test_of_statsmodels(first: int, second: int) -> None:
    expected = contingency_tables.mcnemar([[70, first], [second, 9]], exact=True).pvalue
    assert intervals.mcnemar(first, second) == pytest.approx(expected)


def test_classifiers_that_never_disagree_have_p_1() -> None:
    assert intervals.mcnemar(0, 0) == 1
