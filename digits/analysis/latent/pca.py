"""Principal component analysis, fitted on one set of vectors and applied to others."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

PLANE = 2  # components of a map


@dataclass(frozen=True)
class Projection:
    """The plane of the first two principal components, and the variance of all components.

    spectrum: fraction of the variance that each component explains, float64 (d,)
    mean: (d,), directions: of the first two components (2, d), float64
    """

    spectrum: np.ndarray
    mean: np.ndarray
    directions: np.ndarray

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """Return the coordinates of vectors (n, d) in the first two components, float32 (n, 2)."""
        return ((vectors - self.mean) @ self.directions.T).astype(np.float32)

    @property
    def explained(self) -> dict[str, float]:
        """Fraction of the variance that the first, the second, and both components explain."""
        first, second = map(float, [*self.spectrum, 0.0][:PLANE])
        return {"first": first, "second": second, "both": first + second}

    def count(self, fraction: float) -> int:
        """Return how many components are needed to explain that fraction of the variance."""
        enough = np.searchsorted(self.spectrum.cumsum(), fraction)
        return min(int(enough) + 1, len(self.spectrum))


def fit_pca(vectors: np.ndarray, components: int | None = None) -> PCA:
    """Return scikit-learn's PCA of vectors (n, d), computed in their own dtype.

    components: how many to keep, all by default; no more than n or d are kept
    """
    most = None if components is None else min(components, *vectors.shape)
    return PCA(most, svd_solver="covariance_eigh").fit(vectors)


def fit_projection(vectors: np.ndarray) -> Projection:
    """Return the projection of vectors (n, d) to a plane; if d is 1, the second coordinate is always 0."""
    pca = fit_pca(vectors.astype(np.float64))
    missing = max(0, PLANE - vectors.shape[1])
    directions = np.pad(pca.components_[:PLANE], ((0, missing), (0, 0)))
    return Projection(pca.explained_variance_ratio_, pca.mean_, directions)
