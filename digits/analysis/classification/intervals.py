"""Intervals and tests: Wilson's for accuracies, the percentile bootstrap for all else, McNemar's test.

A bootstrap resample is a column of counts, so that a metric of all resamples is one matrix product.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import binomtest


def percent(level: float) -> str:
    """Return a level of confidence as it is shown, 95% for 0.95 and 99.5% for 0.995."""
    return f"{100 * level:g}%"


def accuracy_interval(correct: int, n: int, confidence: float) -> tuple[float, float]:
    """Return Wilson's score interval of an accuracy of `correct` in `n`.

    Wilson (1927), JASA 22: 209-212; it stays within [0, 1] and holds near 1, where Wald's fails.
    """
    ends = binomtest(correct, n).proportion_ci(confidence, method="wilson")
    return float(ends.low), float(ends.high)


def draw_counts(n: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n of n images with replacement, `resamples` times.

    Returns how often each image was drawn, float64 (n, resamples): each column sums to n.
    """
    drawn = [np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(resamples)]
    return np.stack(drawn, axis=1).astype(np.float64)


def interval_table(measured: Mapping[str, np.ndarray], confidence: float) -> pd.DataFrame:
    """Return one row per metric: metric, value, low, high.

    measured: each metric in the sample, then in each resample, (1 + resamples,); none can be below 0
    """
    rows = [(name, x[0], *interval(x[0], x[1:], confidence)) for name, x in measured.items()]
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def interval(value: float, resampled: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the percentiles of the resamples, shifted so that their mean is the value, and cut off at 0.

    Without the shift a sum of absolute differences, such as the calibration error, would lie below its
    own interval: each resample adds noise, and noise only adds to it. The mean's distance from the
    value estimates that bias, Efron and Tibshirani (1993), An Introduction to the Bootstrap, section 10.2.
    """
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(resampled, tails) - (np.mean(resampled) - value)
    return max(float(low), 0.0), float(high)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p of McNemar's exact test, 1 where the two never disagree.

    McNemar (1947), Psychometrika 12: 153-157. The arguments count the images that only the first, and
    only the second, gets right.
    """
    disagreements = only_first + only_second
    return float(binomtest(only_first, disagreements).pvalue) if disagreements else 1.0
