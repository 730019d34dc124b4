"""Gaussian distributions: principal axes, Mahalanobis distances, ellipses of two axes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import chi2

NEGLIGIBLE = 1e-10  # variance along an axis, relative to the largest, that counts as zero
OFF_PLANE = 1e-3  # distance from the subspace that has variance, in largest standard deviations, that counts


@dataclass(frozen=True)
class Gaussian:
    """Mean (d,) and covariance (d, d) of a Gaussian distribution, float64; its rank may be less than d."""

    mean: np.ndarray
    covariance: np.ndarray

    @property
    def standard_deviation(self) -> np.ndarray:
        """Standard deviation along each coordinate axis (d,)."""
        return np.sqrt(self.covariance.diagonal())

    @property
    def correlation(self) -> np.ndarray:
        """Correlation matrix (d, d); 0 for an axis that never varies."""
        scale = np.outer(self.standard_deviation, self.standard_deviation)
        return np.divide(self.covariance, scale, out=np.eye(len(scale)), where=scale > 0)

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """Variance along each principal axis (d,), largest first."""
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
        """Number of principal axes with a variance that is not negligible."""
        return int((self.eigenvalues > NEGLIGIBLE * self.eigenvalues[0]).sum())

    @property
    def half_axes(self) -> np.ndarray:
        """Standard deviation along each of the `directions` (rank,)."""
        return np.sqrt(self.eigenvalues[: self.rank])

    @property
    def correlation_table(self) -> pd.DataFrame:
        """One row per pair of axes (from 1): axis, other, correlation."""
        first, second = np.triu_indices(len(self.mean), k=1)
        values = self.correlation[first, second]
        return pd.DataFrame({"axis": first + 1, "other": second + 1, "correlation": values})

    @property
    def summary(self) -> dict[str, float]:
        """Distance of the mean from 0, mean deviation, |correlation| (mean, largest), participation ratio."""
        pairs = self.correlation_table["correlation"].abs()
        return {
            "distance_of_mean": float(np.linalg.norm(self.mean)),
            "mean_deviation": float(self.standard_deviation.mean()),
            "mean_correlation": float(pairs.mean()) if len(pairs) else 0.0,
            "largest_correlation": float(pairs.max()) if len(pairs) else 0.0,
            "participation_ratio": participation_ratio(self.eigenvalues),
        }

    def whiten(self, vectors: np.ndarray) -> np.ndarray:
        """Return vectors (n, d) along the principal axes in standard deviations, float64 (n, rank)."""
        return np.asarray((vectors - self.mean) @ self.directions / self.half_axes)

    def unwhiten(self, values: np.ndarray) -> np.ndarray:
        """Return the vectors (n, d) of whitened values (n, rank): the inverse of `whiten`."""
        return np.asarray(self.mean + values * self.half_axes @ self.directions.T)

    def squared_distances(self, vectors: np.ndarray) -> np.ndarray:
        """Return the squared Mahalanobis distance of vectors (n, d) from the mean, float64 (n,).

        Infinite for a vector outside the subspace that has variance, where the covariance is singular.
        """
        whitened = self.whiten(vectors)
        squared = (whitened**2).sum(axis=1)
        if self.rank < len(self.mean):
            outside = np.linalg.norm(vectors - self.unwhiten(whitened), axis=1)
            squared[outside > OFF_PLANE * np.sqrt(self.eigenvalues[0])] = np.inf
        return np.asarray(squared)

    def radius(self, fraction: float) -> float:
        """Return the Mahalanobis distance within which that fraction of the distribution lies."""
        return float(np.sqrt(chi2.ppf(fraction, self.rank)))

    def fraction_inside(self, vectors: np.ndarray, fraction: float) -> float:
        """Return how many of the vectors (n, d), 0 to 1, lie in the ellipsoid that holds `fraction`."""
        return float((self.squared_distances(vectors) <= self.radius(fraction) ** 2).mean())

    def marginal(self, axes: tuple[int, ...]) -> "Gaussian":
        """Return the distribution along these coordinate axes (from 0) alone."""
        return Gaussian(self.mean[list(axes)], self.covariance[np.ix_(axes, axes)])

    @property
    def angle(self) -> float:
        """Angle of the longer principal axis to the first of two coordinate axes, radians.

        atan2(2 rho s_1 s_2, s_1^2 - s_2^2)/2
        """
        (first, both), (_, second) = self.covariance
        return float(np.arctan2(2 * both, first - second) / 2)

    def half_axes_of(self, fraction: float) -> np.ndarray:
        """Return the half axes (d,), longest first, of the ellipsoid that holds `fraction`."""
        return self.radius(fraction) * np.sqrt(self.eigenvalues)

    def contour(self, fraction: float, n: int) -> np.ndarray:
        """Return n points on the ellipse that holds `fraction` of the distribution along two axes, (n, 2)."""
        turn, cos, sin = np.linspace(0, 2 * np.pi, n), np.cos(self.angle), np.sin(self.angle)
        along_axes = self.half_axes_of(fraction) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        return np.asarray(self.mean + along_axes @ np.array([[cos, sin], [-sin, cos]]))


def fit_gaussian(vectors: np.ndarray) -> Gaussian:
    """Return mean and covariance (divisor n - 1; 0 for a single vector) of vectors (n, d)."""
    values = vectors.astype(np.float64)
    d = values.shape[1]
    covariance = np.cov(values, rowvar=False).reshape(d, d) if len(values) > 1 else np.zeros((d, d))
    return Gaussian(values.mean(axis=0), covariance)


def participation_ratio(variances: np.ndarray) -> float:
    """Return (sum lambda)^2 / sum lambda^2 of variances (d,): 1 for a line, d for a ball, 0 for a point."""
    squares = float((variances**2).sum())
    return float(variances.sum()) ** 2 / squares if squares else 0.0
