"""Percentile bootstrap, with a resample as a column of counts, so that a figure is a matrix product."""

from collections.abc import Mapping

import numpy as np
import pandas as pd


def draw_counts(n: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n of n images with replacement, `resamples` times.

    Returns how often each image was drawn, float64 (n, resamples): each column sums to n.
    """
    counts = np.empty((n, resamples))
    for column in range(resamples):
        counts[:, column] = np.bincount(rng.integers(n, size=n), minlength=n)
    return counts


def weigh_equally(n: int) -> np.ndarray:
    """Return the counts of the sample itself, float64 (n, 1)."""
    return np.ones((n, 1))


def interval_table(
    values: Mapping[str, float], resampled: Mapping[str, np.ndarray], confidence: float
) -> pd.DataFrame:
    """Return one row a figure: figure, value, low, high.

    values: none of them can be below 0. resampled: the figure in each resample, (resamples,).
    """
    rows = [(name, value, *interval(value, resampled[name], confidence)) for name, value in values.items()]
    return pd.DataFrame(rows, columns=["figure", "value", "low", "high"])


def interval(value: float, resampled: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the percentiles of the resamples, moved so that their mean is the value, and cut off at 0.

    Without the move a sum of absolute differences, such as the calibration error, would lie below its
    own interval: each resample adds noise, and noise only adds to it. The mean's distance from the
    value estimates that bias, Efron and Tibshirani (1993), An Introduction to the Bootstrap, section 10.2.
    """
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(resampled, tails) - (np.mean(resampled) - value)
    return max(float(low), 0.0), float(high)
