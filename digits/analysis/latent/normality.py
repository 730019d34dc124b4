"""How close vectors are to a multivariate normal distribution: moments, distances, Mardia, Henze-Zirkler.

With many vectors every test rejects, because no measured distribution is exactly normal: the effect
sizes show how far it is from normal.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist
from scipy.stats import chi2, kstest, kurtosis, lognorm, norm, shapiro, skew

from digits.analysis.latent.gaussian import fit_gaussian

CUT = 3.0  # standard deviations along any axis beyond which a vector is an outlier
LEAST = 3  # vectors that Shapiro-Wilk needs


class NormalityTest(NamedTuple):
    """A test's statistic, its expectation under normality, and the p-value."""

    statistic: float
    expected: float
    p: float


UNDEFINED = NormalityTest(np.nan, np.nan, np.nan)


def describe_axes(vectors: np.ndarray, sample: np.ndarray) -> pd.DataFrame:
    """Return one row per axis: axis, mean, deviation, skewness, kurtosis, shapiro_w, shapiro_p.

    vectors: (n, d); deviation is the standard deviation, kurtosis the excess over a normal distribution
    sample: positions of the vectors for Shapiro-Wilk (Shapiro and Wilk 1965), whose p is valid up to 5000
    nan where an axis never varies or there are too few vectors.
    """
    gaussian = fit_gaussian(vectors)
    moments = np.full((len(gaussian.mean), 4), np.nan)
    for axis, values in enumerate(vectors.astype(np.float64).T):
        if np.ptp(values) > 0:
            moments[axis, :2] = skew(values), kurtosis(values)
        if len(sample) >= LEAST and np.ptp(values[sample]) > 0:
            moments[axis, 2:] = shapiro(values[sample])
    columns = {"mean": gaussian.mean, "deviation": gaussian.standard_deviation}
    columns |= dict(zip(("skewness", "kurtosis", "shapiro_w", "shapiro_p"), moments.T, strict=True))
    return pd.DataFrame({"axis": np.arange(len(moments)) + 1, **columns})


def cut_outliers(vectors: np.ndarray) -> np.ndarray:
    """Return which vectors (n, d) lie within CUT standard deviations along every axis, bool (n,)."""
    gaussian = fit_gaussian(vectors)
    return np.asarray((np.abs(vectors - gaussian.mean) <= CUT * gaussian.standard_deviation).all(axis=1))


def compare_distances(vectors: np.ndarray) -> float:
    """Return how far squared Mahalanobis distances of vectors (n, d) are from chi-square(rank).

    The statistic of Kolmogorov and Smirnov, the largest difference of the distribution functions, an effect
    size in [0, 1]; its p would be too large, as mean and covariance are those of the same vectors. nan as
    for Mardia.
    """
    gaussian = fit_gaussian(vectors)
    if len(vectors) <= len(gaussian.mean) + 1 or not gaussian.rank:
        return np.nan
    squared, normal = gaussian.squared_distances(vectors), chi2(gaussian.rank).cdf
    return float(kstest(squared, normal, method="asymp").statistic)


def compute_quantiles(vectors: np.ndarray, points: int) -> pd.DataFrame:
    """Return probability, and the quantiles of squared Mahalanobis distances: expected, observed."""
    gaussian = fit_gaussian(vectors)
    probability = (np.arange(points) + 0.5) / points
    observed = np.quantile(gaussian.squared_distances(vectors), probability)
    expected = chi2.ppf(probability, gaussian.rank)
    return pd.DataFrame({"probability": probability, "expected": expected, "observed": observed})


def measure_normality(vectors: np.ndarray, sample: np.ndarray) -> dict[str, float]:
    """Return all results by name: of all vectors (n, d); Mardia, Henze-Zirkler, Shapiro-Wilk of a sample."""
    skewness, fourth = compute_mardia(vectors[sample])
    henze_zirkler = compute_henze_zirkler(vectors[sample])
    axes = describe_axes(vectors, sample)
    return {
        "n": len(vectors),
        "tested": len(sample),
        "ks_distance": compare_distances(vectors),
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


def compute_mardia(vectors: np.ndarray) -> tuple[NormalityTest, NormalityTest]:
    """Return Mardia's tests of multivariate skewness and kurtosis of vectors (n, d).

    Mardia (1970), Biometrika 57: 519-530. Skewness is the squared norm of the tensor of third moments of
    the whitened vectors, which needs no n x n matrix. nan unless n exceeds d + 1.
    """
    whitened = _whiten(vectors)
    if whitened is None:
        return UNDEFINED, UNDEFINED
    n, d = whitened.shape
    third = np.zeros((d, d, d))
    for part in np.array_split(whitened, max(1, n * d * d // 10**7)):
        third += np.einsum("na,nb,nc->abc", part, part, part, optimize=True)
    skewness = float((third**2).sum()) / n**2
    freedom = d * (d + 1) * (d + 2) / 6
    fourth = float(((whitened**2).sum(axis=1) ** 2).mean())
    score = (fourth - d * (d + 2)) / np.sqrt(8 * d * (d + 2) / n)
    return (
        NormalityTest(skewness, 6 * freedom / n, float(chi2.sf(n * skewness / 6, freedom))),
        NormalityTest(fourth, d * (d + 2), float(2 * norm.sf(abs(score)))),
    )


def compute_henze_zirkler(vectors: np.ndarray) -> NormalityTest:
    """Return the test of Henze and Zirkler (1990), Communications in Statistics 19: 3595-3617.

    vectors: (n, d), a few thousand at most, since all pairs are compared. The statistic is a weighted
    distance of the characteristic functions; p comes from its log-normal approximation. nan as for Mardia.
    """
    whitened = _whiten(vectors)
    if whitened is None:
        return UNDEFINED
    n, d = whitened.shape
    b = (((2 * d + 1) * n / 4) ** (1 / (d + 4)) / np.sqrt(2)) ** 2
    pairs = n + 2 * float(np.exp(-b / 2 * pdist(whitened, "sqeuclidean")).sum())
    single = float(np.exp(-b / (2 * (1 + b)) * (whitened**2).sum(axis=1)).sum())
    statistic = pairs / n - 2 * (1 + b) ** (-d / 2) * single + n * (1 + 2 * b) ** (-d / 2)
    mean, variance = _henze_zirkler_moments(b, d)
    spread = np.log1p(variance / mean**2)
    p = lognorm.sf(statistic, np.sqrt(spread), scale=mean * np.exp(-spread / 2))
    return NormalityTest(statistic, mean, float(p))


def _henze_zirkler_moments(b: float, d: int) -> tuple[float, float]:
    """Return mean and variance of the statistic under normality; b is the squared smoothing parameter."""
    a, w = 1 + 2 * b, (1 + b) * (1 + 3 * b)
    mean = 1 - a ** (-d / 2) * (1 + d * b / a + d * (d + 2) * b**2 / (2 * a**2))
    variance = (
        2 * (1 + 4 * b) ** (-d / 2)
        + 2 * a**-d * (1 + 2 * d * b**2 / a**2 + 3 * d * (d + 2) * b**4 / (4 * a**4))
        - 4 * w ** (-d / 2) * (1 + 3 * d * b**2 / (2 * w) + d * (d + 2) * b**4 / (2 * w**2))
    )
    return mean, variance


def _whiten(vectors: np.ndarray) -> np.ndarray | None:
    """Return whitened vectors (n, rank), covariance with divisor n; None if there are too few vectors."""
    n, d = vectors.shape
    gaussian = fit_gaussian(vectors)
    if n <= d + 1 or not gaussian.rank:
        return None
    return gaussian.whiten(vectors) * np.sqrt(n / (n - 1))
