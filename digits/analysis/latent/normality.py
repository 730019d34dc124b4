"""How close vectors come to a normal distribution: moments, Mahalanobis distances, Mardia, Henze-Zirkler.

With many vectors every p-value rejects, since no measured distribution is exactly normal: the effect
sizes say by how much.
"""

import numpy as np
import pandas as pd
from scipy.stats import chi2, kstest, kurtosis, shapiro, skew

from digits.analysis.latent.gaussian import describe
from digits.analysis.latent.multivariate import NONE, Outcome, compute_henze_zirkler, compute_mardia

CUT = 3.0  # standard deviations along each axis beyond which a vector is an outlier
LEAST = 3  # vectors that Shapiro-Wilk needs


def describe_axes(vectors: np.ndarray, sample: np.ndarray) -> pd.DataFrame:
    """Return one row an axis: axis, mean, deviation, skewness, kurtosis, shapiro_w, shapiro_p.

    vectors: (n, d); kurtosis is in excess of the normal distribution's
    sample: positions of the vectors for Shapiro-Wilk (Shapiro and Wilk 1965), whose p holds to n = 5000
    What an axis that never varies, or too few vectors, leave undefined is nan.
    """
    table = describe(vectors).axes
    moments = np.full((len(table), 4), np.nan)
    for axis, values in enumerate(vectors.astype(np.float64).T):
        if np.ptp(values) > 0:
            moments[axis, :2] = skew(values), kurtosis(values)
        if len(sample) >= LEAST and np.ptp(values[sample]) > 0:
            moments[axis, 2:] = shapiro(values[sample])
    return table.assign(
        **dict(zip(("skewness", "kurtosis", "shapiro_w", "shapiro_p"), moments.T, strict=True))
    )


def cut_outliers(vectors: np.ndarray) -> np.ndarray:
    """Return which vectors (n, d) lie within CUT standard deviations along every axis, bool (n,)."""
    region = describe(vectors)
    return np.asarray((np.abs(vectors - region.mean) <= CUT * region.deviation).all(axis=1))


def compare_distances(vectors: np.ndarray) -> Outcome:
    """Return the Kolmogorov-Smirnov test of squared Mahalanobis distances against chi-square(rank).

    The statistic, the largest difference of the distribution functions, is an effect size in [0, 1]. Mean
    and covariance are those of the vectors (n, d) themselves, which makes p too large.
    """
    region = describe(vectors)
    if len(vectors) <= len(region.mean) + 1 or not region.eigenvalues[0]:
        return NONE
    found = kstest(region.squared_distances(vectors), chi2(region.rank).cdf, method="asymp")
    return Outcome(float(found.statistic), 0.0, float(found.pvalue))


def quantiles(vectors: np.ndarray, points: int) -> pd.DataFrame:
    """Return probability, and the quantiles of squared Mahalanobis distances: expected, observed."""
    region = describe(vectors)
    probability = (np.arange(points) + 0.5) / points
    observed = np.quantile(region.squared_distances(vectors), probability)
    expected = chi2.ppf(probability, region.rank)
    return pd.DataFrame({"probability": probability, "expected": expected, "observed": observed})


def measure(vectors: np.ndarray, sample: np.ndarray) -> dict[str, float]:
    """Return the figures of all tests by name: of all vectors (n, d), Henze-Zirkler of the sample."""
    distances = compare_distances(vectors)
    skewness, fourth = compute_mardia(vectors[sample])
    henze_zirkler = compute_henze_zirkler(vectors[sample])
    axes = describe_axes(vectors, sample)
    return {
        "n": len(vectors),
        "tested": len(sample),
        "ks_distance": distances.statistic,
        "skewness": float(axes["skewness"].abs().mean()),
        "kurtosis": float(axes["kurtosis"].abs().mean()),
        "shapiro_w": float(axes["shapiro_w"].median()),
        "shapiro_rejected": float((axes["shapiro_p"].dropna() < 0.05 / len(axes)).mean()),
        "mardia_skewness_ratio": skewness.statistic / skewness.expected,
        "mardia_skewness_p": skewness.p,
        "mardia_kurtosis_ratio": fourth.statistic / fourth.expected,
        "mardia_kurtosis_p": fourth.p,
        "henze_zirkler": henze_zirkler.statistic,
        "henze_zirkler_expected": henze_zirkler.expected,
        "henze_zirkler_p": henze_zirkler.p,
    }
