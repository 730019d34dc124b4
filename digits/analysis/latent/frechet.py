"""The distance of two sets of images in a network's feature space."""

import numpy as np

from digits.analysis.latent.gaussian import Region


def frechet_distance(first: Region, second: Region) -> float:
    """Return |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of two normal distributions.

    Dowson and Landau (1982), Journal of Multivariate Analysis 12: 450-455; of image features, Heusel et al.
    (2017), arXiv:1706.08500. The trace of the root is the sum of the singular values of S1^(1/2) S2^(1/2), by
    symmetric eigendecompositions, which a singular covariance does not trouble.
    """
    roots = [_square_root(region.covariance) for region in (first, second)]
    product = np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum()
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    squared = ((first.mean - second.mean) ** 2).sum() + traces - 2 * product
    return float(max(squared, 0.0))  # rounding may go below


def _square_root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T)
