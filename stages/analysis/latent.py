"""Where latent vectors lie, and images decoded from distributions that know it or not."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

STANDARD, FITTED = "standard normal", "fitted normal"


@dataclass(frozen=True)
class Region:
    """Mean (d,) and covariance (d, d) of latent vectors, float64."""

    mean: np.ndarray
    covariance: np.ndarray

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation along each axis (d,)."""
        return np.sqrt(self.covariance.diagonal())

    @property
    def correlation(self) -> np.ndarray:
        """Correlation matrix (d, d); 0 beside an axis that never varies."""
        scale = np.outer(self.deviation, self.deviation)
        return np.divide(self.covariance, scale, out=np.eye(len(scale)), where=scale > 0)

    @property
    def axes(self) -> pd.DataFrame:
        """One row an axis: mean and deviation."""
        axis = np.arange(1, len(self.mean) + 1)
        return pd.DataFrame({"axis": axis, "mean": self.mean, "deviation": self.deviation})

    @property
    def correlation_table(self) -> pd.DataFrame:
        """One row a pair of axes: axis, other, correlation."""
        first, second = np.triu_indices(len(self.mean), k=1)
        values = self.correlation[first, second]
        return pd.DataFrame({"axis": first + 1, "other": second + 1, "correlation": values})

    @property
    def figures(self) -> dict[str, float]:
        """Distance of the mean from 0, mean deviation, mean and largest |correlation|."""
        pairs = self.correlation_table["correlation"].abs()
        return {
            "distance_of_mean": float(np.linalg.norm(self.mean)),
            "mean_deviation": float(self.deviation.mean()),
            "mean_correlation": float(pairs.mean()) if len(pairs) else 0.0,
            "largest_correlation": float(pairs.max()) if len(pairs) else 0.0,
        }


def describe(vectors: np.ndarray) -> Region:
    """Return mean and covariance (divisor n - 1) of vectors (n, d)."""
    values = vectors.astype(np.float64)
    return Region(values.mean(axis=0), np.atleast_2d(np.cov(values, rowvar=False)))


def draw(region: Region, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw n vectors from N(0, I) and from the normal distribution fitted to the region, (n, d) each."""
    d = len(region.mean)
    fitted = rng.multivariate_normal(region.mean, region.covariance, n, method="eigh", check_valid="ignore")
    return {STANDARD: rng.standard_normal((n, d)), FITTED: fitted}


def reencoding_error(vectors: np.ndarray, reencoded: np.ndarray) -> np.ndarray:
    """Return |E(D(z)) - z| / |z| for each z of `vectors` (n, d): 0 where decoding loses nothing."""
    return np.asarray(np.linalg.norm(reencoded - vectors, axis=1) / np.linalg.norm(vectors, axis=1))
