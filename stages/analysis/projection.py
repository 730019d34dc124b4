"""Principal components to two dimensions, fitted on one set and applied to another."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

COMPONENTS = 2


@dataclass(frozen=True)
class Projection:
    """Two principal components.

    explained: share of the training variance that each explains, float64 (2,)
    test: the test vectors' coordinates, float32 (n, 2)
    """

    explained: np.ndarray
    test: np.ndarray

    @property
    def shares(self) -> dict[str, float]:
        """The explained shares by name, and their sum."""
        first, second = (float(share) for share in self.explained)
        return {"first": first, "second": second, "both": first + second}


def fit(train: np.ndarray, test: np.ndarray) -> Projection:
    """Return the first two principal components of `train` (n, d), applied to `test`.

    Where d is 1 the second component is 0 throughout.
    """
    if train.shape[1] < COMPONENTS:
        train, test = (np.pad(vectors, ((0, 0), (0, 1))) for vectors in (train, test))
    pca = PCA(COMPONENTS, svd_solver="covariance_eigh").fit(train.astype(np.float64))
    return Projection(pca.explained_variance_ratio_, pca.transform(test).astype(np.float32))
