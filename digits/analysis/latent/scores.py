"""Distances between sets of vectors, votes of neighbours, and how reliable a score over several seeds is."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from digits.analysis.latent.gaussian import Gaussian

NEIGHBOURS = 10  # of k-NN and of trustworthiness


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """Return |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of two Gaussians.

    Dowson and Landau (1982), Journal of Multivariate Analysis 12: 450-455; of image features, Heusel et al.
    (2017), arXiv:1706.08500. The trace of the root is the sum of the singular values of S1^(1/2) S2^(1/2),
    from symmetric eigendecompositions, which also work for a singular covariance.
    """
    roots = [_square_root(gaussian.covariance) for gaussian in (first, second)]
    product = np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum()
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    squared = ((first.mean - second.mean) ** 2).sum() + traces - 2 * product
    return float(max(squared, 0.0))  # rounding may make it negative


def nearest_distances(queries: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each query (k, d) to the nearest reference (m, d), float64 (k,).

    The search is in float32 by matrix products, which is fast for many references.
    """
    found = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(references.astype(np.float32))
    _, nearest = found.kneighbors(queries.astype(np.float32))
    return np.asarray(np.linalg.norm(queries - references[nearest[:, 0]].astype(np.float64), axis=1))


def count_neighbour_votes(
    train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray
) -> int:
    """Return how many test vectors (m, d) get their label from the NEIGHBOURS nearest of `train` (n, d)."""
    voters = KNeighborsClassifier(min(NEIGHBOURS, len(train)), algorithm="brute").fit(train, train_labels)
    return int((voters.predict(test) == test_labels).sum())


def summarise_seeds(repeated: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Return one row per source and score: source, score, mean, low, high, over the seeds.

    repeated: one row per source and seed, with the number of images. Low and high are Student's interval
    of the mean over the seeds: it shows how far sampling moves a score, not another training.
    """
    long = repeated.melt(["source", "seed", "images"], var_name="score", value_name="value")
    groups = long.groupby(["source", "score"], sort=False)["value"].agg(["mean", "std", "count"])
    half = t.ppf((1 + confidence) / 2, groups["count"] - 1) * groups["std"] / np.sqrt(groups["count"])
    return groups[["mean"]].assign(low=groups["mean"] - half, high=groups["mean"] + half).reset_index()


def average_by_source(table: pd.DataFrame) -> dict[str, dict[Any, float]]:
    """Return the mean of each score by source; undefined ones are left out."""
    by_score = table.dropna(subset="mean").set_index("source").groupby("score", sort=False)["mean"]
    return {str(score): means.to_dict() for score, means in by_score}


def _square_root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T)
