"""Tests of multivariate normality: Mardia, and Henze and Zirkler."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist
from scipy.stats import chi2, lognorm, norm

from digits.analysis.latent.gaussian import describe


@dataclass(frozen=True)
class Outcome:
    """A test's statistic, what it is under normality, and the probability of one at least as extreme."""

    statistic: float
    expected: float
    p: float


NONE = Outcome(np.nan, np.nan, np.nan)


def compute_mardia(vectors: np.ndarray) -> tuple[Outcome, Outcome]:
    """Return Mardia's tests of multivariate skewness and kurtosis of vectors (n, d).

    Mardia (1970), Biometrika 57: 519-530. Skewness is the squared length of the tensor of third
    moments of the whitened vectors, which needs no n x n matrix. nan unless n exceeds d + 1.
    """
    whitened = _whiten(vectors)
    if whitened is None:
        return NONE, NONE
    n, d = whitened.shape
    third = sum(
        np.einsum("na,nb,nc->abc", part, part, part, optimize=True)
        for part in np.array_split(whitened, max(1, n * d * d // 10**7))
    )
    skewness = float((np.asarray(third) ** 2).sum()) / n**2
    freedom = d * (d + 1) * (d + 2) / 6
    fourth = float(((whitened**2).sum(axis=1) ** 2).mean())
    score = (fourth - d * (d + 2)) / np.sqrt(8 * d * (d + 2) / n)
    return (
        Outcome(skewness, 6 * freedom / n, float(chi2.sf(n * skewness / 6, freedom))),
        Outcome(fourth, d * (d + 2), float(2 * norm.sf(abs(score)))),
    )


def compute_henze_zirkler(vectors: np.ndarray) -> Outcome:
    """Return the test of Henze and Zirkler (1990), Communications in Statistics 19: 3595-3617.

    vectors: (n, d), some thousands at most: all pairs are compared. The statistic is a weighted distance
    of the characteristic functions; p is that of their log-normal approximation. nan as for Mardia.
    """
    whitened = _whiten(vectors)
    if whitened is None:
        return NONE
    n, d = whitened.shape
    b = _smoothing(n, d) ** 2
    pairs = n + 2 * float(np.exp(-b / 2 * pdist(whitened, "sqeuclidean")).sum())
    single = float(np.exp(-b / (2 * (1 + b)) * (whitened**2).sum(axis=1)).sum())
    statistic = pairs / n - 2 * (1 + b) ** (-d / 2) * single + n * (1 + 2 * b) ** (-d / 2)
    mean, variance = _henze_zirkler_moments(b, d)
    spread = np.log1p(variance / mean**2)
    p = lognorm.sf(statistic, np.sqrt(spread), scale=mean * np.exp(-spread / 2))
    return Outcome(statistic, mean, float(p))


def _smoothing(n: int, d: int) -> float:
    return float(((2 * d + 1) * n / 4) ** (1 / (d + 4)) / np.sqrt(2))


def _henze_zirkler_moments(b: float, d: int) -> tuple[float, float]:
    """Return mean and variance of the statistic under normality; b is the squared smoothing."""
    a, w = 1 + 2 * b, (1 + b) * (1 + 3 * b)
    mean = 1 - a ** (-d / 2) * (1 + d * b / a + d * (d + 2) * b**2 / (2 * a**2))
    variance = (
        2 * (1 + 4 * b) ** (-d / 2)
        + 2 * a**-d * (1 + 2 * d * b**2 / a**2 + 3 * d * (d + 2) * b**4 / (4 * a**4))
        - 4 * w ** (-d / 2) * (1 + 3 * d * b**2 / (2 * w) + d * (d + 2) * b**4 / (2 * w**2))
    )
    return mean, variance


def _whiten(vectors: np.ndarray) -> np.ndarray | None:
    """Return whitened vectors (n, rank), covariance with divisor n; None where there are too few."""
    n, d = vectors.shape
    region = describe(vectors)
    if n <= d + 1 or not region.eigenvalues[0]:
        return None
    return region.whiten(vectors) * np.sqrt(n / (n - 1))
