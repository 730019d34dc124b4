"""The bootstrap's counts and intervals against resamples drawn one by one, SciPy and theory."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from digits.analysis.classification import assessment, bootstrap
from tests.classifiers import CASES, make_case


def test_each_resample_has_as_many_images_as_the_sample_and_the_seed_decides() -> None:
    counts = bootstrap.draw_counts(50, 20, np.random.default_rng(3))
    assert counts.shape == (50, 20)
    assert (counts.sum(axis=0) == 50).all()
    assert np.array_equal(counts, bootstrap.draw_counts(50, 20, np.random.default_rng(3)))
    assert len(np.unique(counts, axis=1).T) == 20


def test_counts_are_binomial() -> None:
    counts = bootstrap.draw_counts(100, 2000, np.random.default_rng(0))
    for k in range(4):
        share = (counts == k).mean()
        assert share == pytest.approx(stats.binom.pmf(k, 100, 0.01), abs=0.005)


@pytest.mark.parametrize("name", CASES)
def test_figures_by_counts_are_those_of_the_repeated_images(name: str) -> None:
    labels, probabilities = make_case(name)
    counts = bootstrap.draw_counts(200, 3, np.random.default_rng(2))
    measured = assessment.measure(labels, probabilities, 10, counts)
    for column in range(3):
        chosen = np.repeat(np.arange(200), counts[:, column].astype(int))
        ones = bootstrap.weigh_equally(200)
        expected = assessment.measure(labels[chosen], probabilities[chosen], 10, ones)
        assert {key: value[column] for key, value in measured.items()} == pytest.approx(
            {key: value.item() for key, value in expected.items()}
        )


def test_the_interval_of_a_mean_is_scipy_s() -> None:
    values = np.random.default_rng(5).exponential(size=300)
    counts = bootstrap.draw_counts(300, 4000, np.random.default_rng(6))
    table = bootstrap.interval_table({"mean": values.mean()}, {"mean": values @ counts / 300}, 0.9)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, confidence_level=0.9, method="percentile", rng=7
    ).confidence_interval
    assert table[["low", "high"]].to_numpy()[0] == pytest.approx([expected.low, expected.high], abs=0.01)


def test_the_table_names_figure_value_low_and_high() -> None:
    resampled = {"a": np.arange(101.0), "b": np.zeros(101)}
    table = bootstrap.interval_table({"a": 50.0, "b": 0.0}, resampled, 0.9)
    expected = pd.DataFrame({"figure": ["a", "b"], "value": [50.0, 0], "low": [5.0, 0], "high": [95.0, 0]})
    pd.testing.assert_frame_equal(table, expected)


def test_a_bias_of_the_resamples_is_taken_off() -> None:
    assert bootstrap.interval(40.0, np.arange(101.0), 0.9) == pytest.approx((0.0, 85.0))
    assert bootstrap.interval(60.0, np.arange(101.0), 0.9) == pytest.approx((15.0, 105.0))


@pytest.mark.parametrize("name", CASES)
def test_every_figure_lies_in_its_interval(name: str) -> None:
    labels, probabilities = make_case(name)
    weights = bootstrap.weigh_equally(200)
    values = {k: v.item() for k, v in assessment.measure(labels, probabilities, 10, weights).items()}
    counts = bootstrap.draw_counts(200, 400, np.random.default_rng(2))
    table = bootstrap.interval_table(values, assessment.measure(labels, probabilities, 10, counts), 0.9)
    assert (table["low"] <= table["value"] + 1e-9).all()
    assert (table["value"] <= table["high"] + 1e-9).all()
