"""Distributions of latent vectors: from those that ignore the region of the images to those that fit it."""

import warnings
from collections.abc import Callable

import numpy as np
from scipy.stats import truncnorm
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from digits.analysis.latent.ellipse import draw_uniform, matching_side
from digits.analysis.latent.gaussian import Region, describe

Draw = Callable[[int, np.random.Generator], np.ndarray]  # n and a generator to vectors, float64 (n, d)

TRUNCATION = 2.0  # standard deviations along a principal axis
FITTED_ON = 20_000  # vectors for the mixture, at most, to bound the time
ITERATIONS = 100  # of the mixture's expectation maximisation, at most


def build(
    codes: np.ndarray, labels: np.ndarray, components: int, share: float, rng: np.random.Generator
) -> dict[str, Draw]:
    """Return generators of latent vectors by name, fitted to codes (n, d) and labels (n,).

    components: Gaussians of the mixture; share: of a normal distribution within the ellipsoid
    """
    d, region, side = codes.shape[1], describe(codes), matching_side(codes)
    mixture = fit_mixture(codes, components, rng)
    return {
        "uniform": lambda n, rng: draw_uniform(side, n, d, rng),
        "standard normal": lambda n, rng: rng.standard_normal((n, d)),
        "independent normals": lambda n, rng: draw_independent(region, n, rng),
        "ellipsoid": lambda n, rng: draw_ellipsoid(region, share, n, rng),
        "fitted normal": lambda n, rng: draw_normal(region, n, rng),
        "truncated normal": lambda n, rng: draw_truncated(region, n, rng),
        "normal by class": lambda n, rng: draw_by_class(codes, labels, n, rng),
        "mixture": lambda n, rng: draw_mixture(mixture, n, rng),
    }


def draw_independent(region: Region, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw each axis from its own normal distribution, float64 (n, d); correlations are lost."""
    return np.asarray(region.mean + region.deviation * rng.standard_normal((n, len(region.mean))))


def draw_normal(region: Region, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw mu + V sqrt(Lambda) eps, eps normal, float64 (n, d)."""
    return region.unwhiten(rng.standard_normal((n, region.rank)))


def draw_truncated(region: Region, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw like `draw_normal`, eps within TRUNCATION deviations: 77 % of each variance is left."""
    eps = truncnorm.rvs(-TRUNCATION, TRUNCATION, size=(n, region.rank), random_state=rng)
    return region.unwhiten(eps)


def draw_ellipsoid(region: Region, share: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw uniformly from the ellipsoid that holds `share` of the fitted normal distribution, (n, d).

    A normal vector gives the direction, u^(1/d) the distance from the centre: Muller (1959),
    Communications of the ACM 2: 19-20. Most of the volume of many dimensions lies near the surface.
    """
    direction = rng.standard_normal((n, region.rank))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    distance = rng.random((n, 1)) ** (1 / region.rank)
    return region.unwhiten(region.radius(share) * distance * direction)


def draw_by_class(codes: np.ndarray, labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a class by its frequency, then from the normal distribution of its codes, float64 (n, d)."""
    drawn = rng.choice(labels, n)
    vectors = np.empty((n, codes.shape[1]))
    for label in np.unique(drawn):
        mine, region = drawn == label, describe(codes[labels == label])
        vectors[mine] = region.mean
        if region.eigenvalues[0]:
            vectors[mine] = draw_normal(region, mine.sum(), rng)
    return vectors


def fit_mixture(codes: np.ndarray, components: int, rng: np.random.Generator) -> GaussianMixture:
    """Fit a Gaussian mixture with full covariances to a sample of the codes (n, d).

    Fewer components where there are fewer codes. One thread: k-means adds in the threads'
    order, and on matrices this small others only wait.
    """
    sample = codes[np.sort(rng.permutation(len(codes))[:FITTED_ON])].astype(np.float64)
    mixture = GaussianMixture(
        min(components, len(sample)), max_iter=ITERATIONS, random_state=int(rng.integers(2**32))
    )
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(sample)


def draw_mixture(mixture: GaussianMixture, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a component by its weight, then from its normal distribution, float64 (n, d)."""
    chosen = rng.choice(len(mixture.weights_), n, p=mixture.weights_)
    vectors = np.empty((n, mixture.means_.shape[1]))
    for number in np.unique(chosen):
        mine = chosen == number
        region = Region(mixture.means_[number], mixture.covariances_[number])
        vectors[mine] = draw_normal(region, mine.sum(), rng)
    return vectors
