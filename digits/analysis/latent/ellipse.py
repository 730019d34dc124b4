"""Lengths, ellipses and neighbours: how latent vectors fill their region, and how drawn ones miss it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2
from sklearn.neighbors import NearestNeighbors

from digits.analysis.latent.gaussian import Region

TINY = 1e-300  # instead of a half axis of 0


def matching_side(vectors: np.ndarray) -> float:
    """Return b* = sqrt(3 mean(|z|^2) / d): uniform vectors in [-b*, b*]^d are as long as these (n, d)."""
    return float(np.sqrt(3 * (vectors.astype(np.float64) ** 2).sum(axis=1).mean() / vectors.shape[1]))


def expected_length(side: float, d: int) -> tuple[float, float]:
    """Return length and spread of vectors drawn uniformly from [-side, side]^d: a thin shell for a large d.

    b sqrt(d/3) and b/sqrt(15): |z|^2 sums d independent squares of mean b^2/3 and variance 4 b^4/45, and
    the square root is taken as linear over so small a range.
    """
    return side * float(np.sqrt(d / 3)), side / float(np.sqrt(15))


def draw_uniform(side: float, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n vectors uniformly from [-side, side]^d, float64 (n, d)."""
    return rng.uniform(-side, side, (n, d))


def sweep_sides(
    sides: Sequence[float],
    vectors: np.ndarray,
    region: Region,
    share: float,
    n: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return one row a side b: how uniform vectors from [-b, b]^d lie to the vectors (m, d) of a region.

    side; length, spread: measured on n draws; expected_length, expected_spread: by formula; inside: share
    in the ellipsoid that holds `share` of a normal distribution; nearest: median distance to a vector
    """
    d, rows = vectors.shape[1], []
    for side in sides:
        drawn = draw_uniform(side, n, d, rng)
        length = np.linalg.norm(drawn, axis=1)
        inside = region.share_inside(drawn, share)
        nearest = np.median(nearest_distances(drawn, vectors))
        rows.append((side, length.mean(), length.std(), *expected_length(side, d), inside, nearest))
    names = ["side", "length", "spread", "expected_length", "expected_spread", "inside", "nearest"]
    return pd.DataFrame(rows, columns=names)


def nearest_distances(queries: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each query (k, d) to the nearest reference (m, d), float64 (k,)."""
    found = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(references.astype(np.float32))
    _, nearest = found.kneighbors(queries.astype(np.float32))
    return np.asarray(np.linalg.norm(queries - references[nearest[:, 0]].astype(np.float64), axis=1))


@dataclass(frozen=True)
class Ellipse:
    """Half axes, the longer first, and the angle of the longer one to the first axis, radians."""

    half_axes: tuple[float, float]
    angle: float

    def points(self, centre: np.ndarray, n: int) -> np.ndarray:
        """Return n points of the ellipse about a centre (2,), float64 (n, 2)."""
        turn = np.linspace(0, 2 * np.pi, n)
        along, across = self.half_axes[0] * np.cos(turn), self.half_axes[1] * np.sin(turn)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.asarray(centre + np.stack([along * cos - across * sin, along * sin + across * cos], axis=1))

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Return which points (n, 2) lie in the ellipse about the origin, bool (n,)."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turned = points @ np.array([[cos, -sin], [sin, cos]])
        return np.asarray(np.hypot(*(turned / np.maximum(self.half_axes, TINY)).T) <= 1)


def fit_ellipse(covariance: np.ndarray, share: float) -> Ellipse:
    """Return the ellipse that holds `share` of a normal distribution with that covariance (2, 2).

    Half axes sqrt(k lambda_1,2), k the chi-square(2) quantile; angle atan2(2 rho s_i s_j, s_i^2 - s_j^2)/2.
    """
    smaller, larger = np.clip(np.linalg.eigvalsh(covariance), 0, None)
    k = chi2.ppf(share, 2)
    (first, both), (_, second) = covariance
    angle = np.arctan2(2 * both, first - second) / 2
    return Ellipse((float(np.sqrt(k * larger)), float(np.sqrt(k * smaller))), float(angle))


def strongest_pairs(region: Region, n: int) -> list[tuple[int, int]]:
    """Return the n pairs of axes (from 0) with the largest |correlation|, the strongest first.

    Fewer where there are fewer pairs; those of an axis that never varies are left out.
    """
    table = region.correlation_table
    varies = region.deviation > 0
    table = table[varies[table["axis"] - 1] & varies[table["other"] - 1]]
    order = np.argsort(-table["correlation"].abs().to_numpy(), kind="stable")[:n]
    chosen = table.iloc[order]
    return [(int(a) - 1, int(b) - 1) for a, b in zip(chosen["axis"], chosen["other"], strict=True)]
