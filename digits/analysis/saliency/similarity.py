"""How similar the layers of two networks are: matched filters, centred kernel alignment, chance levels."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

Measure = Callable[[np.ndarray, np.ndarray], float]


def correlate_maps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of each map with each, over all places of the same images, (p, q).

    first: activations (n, height, width, p), second: (n, height, width, q); or (n, p) and (n, q)
    0 for a map that does not vary. Li, Yosinski, Clune, Lipson and Hopcroft (2016), Convergent Learning,
    ICLR, arXiv:1511.07543.
    """
    return _cosines(*(_centre(values.reshape(-1, values.shape[-1])) for values in (first, second)))


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


def compare_maps(
    first: np.ndarray, second: np.ndarray, repeats: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the matched maps of activations (n, height, width, maps), and similarities beside chance.

    The table has the columns map, twin_map and correlation. Chance: `repeats` permutations of the images.
    """

    def matched(one: np.ndarray, other: np.ndarray) -> float:
        return matched_similarity(correlate_maps(one, other))

    correlations = correlate_maps(first, second)
    rows, columns = match(correlations)
    pairs = {"map": rows, "twin_map": columns, "correlation": correlations[rows, columns]}
    return pd.DataFrame(pairs), {
        "matched_correlation": matched_similarity(correlations),
        "matched_by_chance": float(by_chance(matched, first, second, repeats, rng).mean()),
        "cka": linear_cka(first, second),
        "cka_by_chance": float(by_chance(linear_cka, first, second, repeats, rng).mean()),
    }


def compare_kernels(
    first: np.ndarray, second: np.ndarray, repeats: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the matched kernels of a layer, (height, width, channels, n) each, and their mean similarity.

    The table has the columns kernel, twin_kernel and cosine. Chance: `repeats` times normal random kernels.
    """
    cosines = correlate_kernels(first, second)
    rows, columns = match(cosines)
    random = (correlate_kernels(first, rng.standard_normal(second.shape)) for _ in range(repeats))
    chance = float(np.mean([matched_similarity(each) for each in random]))
    table = pd.DataFrame({"kernel": rows, "twin_kernel": columns, "cosine": cosines[rows, columns]})
    return table, {"matched_cosine": matched_similarity(cosines), "by_chance": chance}


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
