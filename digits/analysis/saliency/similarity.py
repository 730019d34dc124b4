"""How similar the layers of two networks are: matched filters, centred kernel alignment, chance levels."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment

Measure = Callable[[np.ndarray, np.ndarray], float]


def correlate(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of each column with each, float64 (p, q), -1 to 1.

    first: (n, p), second: (n, q). 0 for a column that does not vary.
    """
    return _cosines(_centre(first), _centre(second))


def correlate_maps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the correlation of two networks' maps over all places of the same images, (p, q).

    first: activations (n, height, width, p), second: (n, height, width, q); or (n, p) and (n, q)
    Li, Yosinski, Clune, Lipson and Hopcroft (2016), Convergent Learning, ICLR, arXiv:1511.07543.
    """
    return correlate(*(values.reshape(-1, values.shape[-1]) for values in (first, second)))


def correlate_kernels(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the cosine of the angle of each kernel with each, float64 (p, q), -1 to 1.

    first: (height, width, channels, p), second: (height, width, channels, q). 0 for a kernel of zeros.
    Only meaningful where channels correspond: in the first layer, or after matching them.
    """
    return _cosines(*(values.reshape(-1, values.shape[-1]).astype(np.float64) for values in (first, second)))


def match(similarities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of rows and columns, int64 (min(p, q),) each, whose similarities add up to the most.

    similarities: (p, q). Each row and column is in at most one pair; rows are in ascending order.
    Kuhn (1955), The Hungarian Method for the Assignment Problem.
    """
    rows, columns = linear_sum_assignment(similarities, maximize=True)
    return rows, columns


def matched_similarity(similarities: np.ndarray) -> float:
    """Return the mean similarity of the pairs of `match`."""
    return float(similarities[match(similarities)].mean())


def linear_cka(first: np.ndarray, second: np.ndarray) -> float:
    """Return the linear centred kernel alignment of two layers' activations, 0 to 1.

    first: (n, ...), second: (n, ...), of the same images; maps are flattened. 0 where one does not vary.
    1 for layers that differ by a rotation, a shift and a factor. With few images and many activations
    even independent layers come close to 1: compare with `by_chance`.
    Kornblith, Norouzi, Lee and Hinton (2019), Similarity of Neural Network Representations Revisited,
    ICML, PMLR 97: 3519-3529.
    """
    centred = [_centre(values.reshape(len(values), -1)) for values in (first, second)]
    if max(values.shape[1] for values in centred) > len(first):
        grams = [values @ values.T for values in centred]  # the smaller matrices, the same sums
        cross, own = np.vdot(*grams), [np.linalg.norm(gram) for gram in grams]
    else:
        cross = np.square(centred[0].T @ centred[1]).sum()
        own = [np.linalg.norm(values.T @ values) for values in centred]
    return float(cross / np.prod(own)) if all(own) else 0.0


def by_chance(
    measure: Measure, first: np.ndarray, second: np.ndarray, repeats: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the measure when the second one's images are permuted, float64 (repeats,).

    measure: a function of `first` and `second`, (n, ...) each
    """
    return np.array([measure(first, second[rng.permutation(len(second))]) for _ in range(repeats)])


def _centre(values: np.ndarray) -> np.ndarray:
    """Return float64 values (n, p) minus the mean of their column; 0 where the column is constant."""
    exact = values.astype(np.float64)
    centred = exact - exact.mean(axis=0)
    centred[:, np.ptp(exact, axis=0) == 0] = 0  # not its rounding errors
    return np.asarray(centred)


def _cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the cosine of each column (n, p) with each (n, q), (p, q); 0 for a column of zeros."""
    lengths = [np.linalg.norm(values, axis=0) for values in (first, second)]
    product, scale = first.T @ second, np.outer(*lengths)
    return np.clip(np.divide(product, scale, out=np.zeros_like(product), where=scale > 0), -1, 1)
