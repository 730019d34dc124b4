"""Which vectors lie nearest."""

import numpy as np
from scipy.spatial.distance import cdist


def find_nearest(queries: np.ndarray, references: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and Euclidean distances of the n references (m, d) nearest to each query (k, d).

    int64 and float64 (k, n), nearest first; of equal distances the lower position.
    """
    distances = cdist(queries, references)
    order = np.argsort(distances, axis=1, kind="stable")[:, :n]
    return order, np.take_along_axis(distances, order, axis=1)
