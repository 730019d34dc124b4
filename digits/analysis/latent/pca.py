"""Principal components: fitted on one set of vectors, applied to others, and how many of them count."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

COMPONENTS = 2


@dataclass(frozen=True)
class Projection:
    """The principal components of centred vectors.

    spectrum: share of the variance that each component explains, float64 (d,)
    mean: (d,), directions: of the first two components (2, d), float64
    """

    spectrum: np.ndarray
    mean: np.ndarray
    directions: np.ndarray

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """Return the coordinates of vectors (n, d) in the first two components, float32 (n, 2)."""
        return ((vectors - self.mean) @ self.directions.T).astype(np.float32)

    @property
    def shares(self) -> dict[str, float]:
        """The shares of the first two components by name, and their sum."""
        first, second = map(float, [*self.spectrum, 0.0][:COMPONENTS])
        return {"first": first, "second": second, "both": first + second}

    @property
    def participation_ratio(self) -> float:
        """(sum lambda)^2 / sum lambda^2: as many components of equal variance would be as spread."""
        return float(self.spectrum.sum() ** 2 / (self.spectrum**2).sum())

    def count(self, share: float) -> int:
        """Return how many components it takes to explain that share of the variance."""
        enough = np.searchsorted(self.spectrum.cumsum(), share)
        return min(int(enough) + 1, len(self.spectrum))


def fit(vectors: np.ndarray) -> Projection:
    """Return the principal components of vectors (n, d); where d is 1 the second is 0 throughout."""
    pca = PCA(svd_solver="covariance_eigh").fit(vectors.astype(np.float64))
    missing = max(0, COMPONENTS - vectors.shape[1])
    directions = np.pad(pca.components_[:COMPONENTS], ((0, missing), (0, 0)))
    return Projection(pca.explained_variance_ratio_, pca.mean_, directions)
