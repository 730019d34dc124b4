"""Generators: distributions of latent vectors, fitted more and less closely to those of images."""

import warnings
from collections.abc import Callable, Mapping

import numpy as np
from scipy.stats import truncnorm
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from digits.analysis.latent.gaussian import Gaussian, fit_gaussian
from digits.data.splits import sample_positions

Sampler = Callable[[int, np.random.Generator], np.ndarray]  # n, generator -> vectors, float64 (n, d)

TRUNCATION = 2.0  # standard deviations along a principal axis
FITTED_ON = 20_000  # vectors for the mixture, at most, to limit the time
ITERATIONS = 100  # of the mixture's expectation maximization, at most


def build_generators(
    latents: np.ndarray, labels: np.ndarray, components: int, fraction: float, rng: np.random.Generator
) -> dict[str, Sampler]:
    """Return samplers of latent vectors by name, fitted to latents (n, d) and labels (n,).

    components: Gaussians of the mixture; fraction: of a Gaussian inside the ellipsoid
    """
    d, gaussian, side = latents.shape[1], fit_gaussian(latents), matching_side(latents)
    mixture = fit_mixture(latents, components, rng)
    return {
        "uniform": lambda n, rng: rng.uniform(-side, side, (n, d)),
        "standard normal": lambda n, rng: rng.standard_normal((n, d)),
        "independent normals": lambda n, rng: sample_independent(gaussian, n, rng),
        "ellipsoid": lambda n, rng: sample_ellipsoid(gaussian, fraction, n, rng),
        "fitted normal": lambda n, rng: sample_gaussian(gaussian, n, rng),
        "truncated normal": lambda n, rng: sample_truncated(gaussian, n, rng),
        "normal by class": lambda n, rng: sample_by_class(latents, labels, n, rng),
        "mixture": lambda n, rng: sample_mixture(mixture, n, rng),
    }


def matching_side(vectors: np.ndarray) -> float:
    """Return b* = sqrt(3 mean(|z|^2) / d): uniform vectors in [-b*, b*]^d are as long as these (n, d)."""
    return float(np.sqrt(3 * (vectors.astype(np.float64) ** 2).sum(axis=1).mean() / vectors.shape[1]))


def expected_length(side: float, d: int) -> tuple[float, float]:
    """Return mean and standard deviation of the length of uniform vectors in [-side, side]^d, for a large d.

    b sqrt(d/3) and b/sqrt(15): |z|^2 is a sum of d independent squares with mean b^2/3 and variance
    4 b^4/45; the square root is linearized around the mean.
    """
    return side * float(np.sqrt(d / 3)), side / float(np.sqrt(15))


def sample_independent(gaussian: Gaussian, n: int, rng: np.random.Generator) -> np.ndarray:
    """Sample each axis from its own normal distribution, float64 (n, d); correlations are lost."""
    noise = rng.standard_normal((n, len(gaussian.mean)))
    return np.asarray(gaussian.mean + gaussian.standard_deviation * noise)


def sample_gaussian(gaussian: Gaussian, n: int, rng: np.random.Generator) -> np.ndarray:
    """Sample mu + V sqrt(Lambda) eps with standard normal eps, float64 (n, d)."""
    return gaussian.unwhiten(rng.standard_normal((n, gaussian.rank)))


def sample_truncated(gaussian: Gaussian, n: int, rng: np.random.Generator) -> np.ndarray:
    """Sample like `sample_gaussian`, eps within +-TRUNCATION: 77% of each variance remains."""
    eps = truncnorm.rvs(-TRUNCATION, TRUNCATION, size=(n, gaussian.rank), random_state=rng)
    return gaussian.unwhiten(eps)


def sample_ellipsoid(gaussian: Gaussian, fraction: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Sample uniformly from the ellipsoid that holds `fraction` of the Gaussian, float64 (n, d).

    A normal vector gives the direction, u^(1/d) the distance from the centre: Muller (1959),
    Communications of the ACM 2: 19-20. In many dimensions most of the volume lies near the surface.
    """
    direction = rng.standard_normal((n, gaussian.rank))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    distance = rng.random((n, 1)) ** (1 / gaussian.rank)
    return gaussian.unwhiten(gaussian.radius(fraction) * distance * direction)


def sample_by_class(latents: np.ndarray, labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Sample a class by its frequency, then from the Gaussian of its latents, float64 (n, d)."""
    gaussians = {label: fit_gaussian(latents[labels == label]) for label in np.unique(labels)}
    return _sample_groups(gaussians, rng.choice(labels, n), rng)


def fit_mixture(latents: np.ndarray, components: int, rng: np.random.Generator) -> GaussianMixture:
    """Fit a Gaussian mixture with full covariances to a sample of the latents (n, d).

    Uses fewer components if there are fewer latents.
    """
    sample = latents[sample_positions(len(latents), FITTED_ON, rng)].astype(np.float64)
    seed = int(rng.integers(2**32))
    mixture = GaussianMixture(min(components, len(sample)), max_iter=ITERATIONS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(sample)


def sample_mixture(mixture: GaussianMixture, n: int, rng: np.random.Generator) -> np.ndarray:
    """Sample a component by its weight, then from its Gaussian, float64 (n, d)."""
    gaussians = dict(enumerate(map(Gaussian, mixture.means_, mixture.covariances_)))
    return _sample_groups(gaussians, rng.choice(len(gaussians), n, p=mixture.weights_), rng)


def _sample_groups(
    gaussians: Mapping[int, Gaussian], chosen: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Sample one vector from each of the chosen Gaussians (n,), float64 (n, d)."""
    vectors = np.empty((len(chosen), len(gaussians[chosen[0]].mean)))
    for key in np.unique(chosen):
        vectors[chosen == key] = sample_gaussian(gaussians[key], (chosen == key).sum(), rng)
    return vectors
