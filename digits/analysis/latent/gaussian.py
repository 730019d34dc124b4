"""The region that latent vectors fill: its centre, axes and extent, and how far from it a vector lies."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import chi2

NEGLIGIBLE = 1e-10  # variance along an axis, as a share of the largest, that counts as none
OFF = 1e-3  # distance from the space that the region spans, in its largest deviations, that counts


@dataclass(frozen=True)
class Region:
    """Mean (d,) and covariance (d, d) of latent vectors, float64; its principal axes span its space."""

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

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """Variance along each principal axis (d,), the largest first."""
        return np.clip(np.linalg.eigvalsh(self.covariance)[::-1], 0, None)

    @cached_property
    def directions(self) -> np.ndarray:
        """Principal axes as columns (d, rank), each with its largest component positive."""
        _, vectors = np.linalg.eigh(self.covariance)
        kept = vectors[:, ::-1][:, : self.rank]
        largest = np.abs(kept).argmax(axis=0)
        return kept * np.sign(kept[largest, np.arange(self.rank)])

    @property
    def rank(self) -> int:
        """Number of principal axes along which the vectors vary."""
        return int((self.eigenvalues > NEGLIGIBLE * self.eigenvalues[0]).sum())

    @property
    def half_axes(self) -> np.ndarray:
        """Standard deviation along each of the `directions` (rank,)."""
        return np.sqrt(self.eigenvalues[: self.rank])

    @property
    def participation_ratio(self) -> float:
        """(sum lambda)^2 / sum lambda^2: 1 for a line, d for a ball; 0 where nothing varies."""
        squares = float((self.eigenvalues**2).sum())
        return float(self.eigenvalues.sum()) ** 2 / squares if squares else 0.0

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
        """Distance of the mean from 0, mean deviation, |correlation| (mean, largest), participation ratio."""
        pairs = self.correlation_table["correlation"].abs()
        return {
            "distance_of_mean": float(np.linalg.norm(self.mean)),
            "mean_deviation": float(self.deviation.mean()),
            "mean_correlation": float(pairs.mean()) if len(pairs) else 0.0,
            "largest_correlation": float(pairs.max()) if len(pairs) else 0.0,
            "participation_ratio": self.participation_ratio,
        }

    def whiten(self, vectors: np.ndarray) -> np.ndarray:
        """Return vectors (n, d) along the principal axes in standard deviations, float64 (n, rank)."""
        return np.asarray((vectors - self.mean) @ self.directions / self.half_axes)

    def unwhiten(self, values: np.ndarray) -> np.ndarray:
        """Return the vectors (n, d) of values along the principal axes (n, rank): `whiten` undone."""
        return np.asarray(self.mean + values * self.half_axes @ self.directions.T)

    def squared_distances(self, vectors: np.ndarray) -> np.ndarray:
        """Return the squared Mahalanobis distance of vectors (n, d) from the mean, float64 (n,).

        Infinite for a vector outside the space that the region spans, where its covariance is singular.
        """
        whitened = self.whiten(vectors)
        squared = (whitened**2).sum(axis=1)
        if self.rank < len(self.mean):
            outside = np.linalg.norm(vectors - self.unwhiten(whitened), axis=1)
            squared[outside > OFF * np.sqrt(self.eigenvalues[0])] = np.inf
        return np.asarray(squared)

    def radius(self, share: float) -> float:
        """Return the Mahalanobis distance within which that share of a normal distribution lies."""
        return float(np.sqrt(chi2.ppf(share, self.rank)))

    def share_inside(self, vectors: np.ndarray, share: float) -> float:
        """Return the share of vectors (n, d) within the ellipsoid that holds `share` of a normal one."""
        return float((self.squared_distances(vectors) <= self.radius(share) ** 2).mean())


def describe(vectors: np.ndarray) -> Region:
    """Return mean and covariance (divisor n - 1; 0 for one vector) of vectors (n, d)."""
    values = vectors.astype(np.float64)
    d = values.shape[1]
    covariance = np.cov(values, rowvar=False).reshape(d, d) if len(values) > 1 else np.zeros((d, d))
    return Region(values.mean(axis=0), covariance)


def reencoding_error(vectors: np.ndarray, reencoded: np.ndarray) -> np.ndarray:
    """Return |E(D(z)) - z| / |z| for each z of `vectors` (n, d): 0 where decoding loses nothing."""
    return np.asarray(np.linalg.norm(reencoded - vectors, axis=1) / np.linalg.norm(vectors, axis=1))
