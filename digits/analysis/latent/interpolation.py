"""Ways through the latent space: along its principal axes, and between two vectors."""

import numpy as np

from digits.analysis.latent.gaussian import Region


def walk_axis(region: Region, axis: int, steps: np.ndarray) -> np.ndarray:
    """Return vectors along a principal axis (from 0) through the mean, float64 (len(steps), d).

    steps: in standard deviations along that axis
    """
    values = np.zeros((len(steps), region.rank))
    values[:, axis] = steps
    return region.unwhiten(values)


def interpolate_straight(first: np.ndarray, last: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the vectors on the straight line between two vectors (d,), at shares in [0, 1], (n, d)."""
    return first + shares[:, None] * (last - first)


def interpolate_about(region: Region, first: np.ndarray, last: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return vectors that turn from one to the other about the region's mean, float64 (n, d).

    In whitened coordinates the direction turns at equal speed (spherical linear interpolation, Shoemake
    1985, SIGGRAPH: 245-254) and the Mahalanobis distance changes linearly: it keeps between those of the
    ends, where a straight line passes closer to the mean. Straight where the two directions are
    alike or opposite.
    """
    ends = region.whiten(np.stack([first, last]))
    lengths = np.linalg.norm(ends, axis=1)
    if lengths.min() == 0:
        return interpolate_straight(first, last, shares)
    unit = ends / lengths[:, None]
    angle = np.arccos(np.clip(unit[0] @ unit[1], -1, 1))
    if np.sin(angle) < 1e-6:
        return interpolate_straight(first, last, shares)
    turned = np.stack([np.sin((1 - shares) * angle), np.sin(shares * angle)], axis=1) @ unit / np.sin(angle)
    distance = lengths[0] + shares * (lengths[1] - lengths[0])
    return region.unwhiten(distance[:, None] * turned)
