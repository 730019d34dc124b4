"""Which pixels matter to a random forest by the impurity it removes; ranks and rank correlations."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestClassifier

from digits.data.splits import Split


def fit_forest(train: Split, trees: int, seed: int, threads: int) -> RandomForestClassifier:
    """Return a forest fitted on the flat pixels and the integer labels; it predicts in one thread.

    With more threads scikit-learn adds the trees' votes in the order in which they come.
    """
    forest = RandomForestClassifier(trees, random_state=seed, n_jobs=threads)
    return forest.fit(train.images.reshape(len(train), -1), train.labels).set_params(n_jobs=1)


def forest_accuracy(forest: RandomForestClassifier, split: Split) -> float:
    """Return the share of the split's images that the forest gets right."""
    return float(forest.score(split.images.reshape(len(split), -1), split.labels))


def largest(importances: np.ndarray, n: int) -> np.ndarray:
    """Return the flat indices of the n largest values, int64, ascending; the lower index wins a tie."""
    return np.sort(np.argsort(-importances, kind="stable")[:n])


def sum_channels(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the map, float64 (height, width), of flat values (height * width * channels,)."""
    return values.reshape(*size, -1).sum(axis=-1, dtype=np.float64)


def table(impurity: np.ndarray, **others: np.ndarray) -> pd.DataFrame:
    """Return one row a pixel: row, column, impurity, its rank (from 1), and the other maps' values.

    impurity, others: (height, width) each; of equal values the lower flat index has the better rank.
    """
    rows, columns = np.indices(impurity.shape).reshape(2, -1)
    ranks = np.empty(impurity.size, dtype=np.int64)
    ranks[np.argsort(-impurity.ravel(), kind="stable")] = np.arange(1, impurity.size + 1)
    place = {"row": rows, "column": columns, "impurity": impurity.ravel(), "rank": ranks}
    return pd.DataFrame(place | {name: values.ravel() for name, values in others.items()})


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's rank correlation of two maps, in [-1, 1]; 0 where one of them is constant.

    Spearman (1904), American Journal of Psychology 15: 72-101; ties share their mean rank.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first, second, axis=None).statistic)


def rank_correlations(maps: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return Spearman's rank correlation of each two maps; row and column names are theirs."""
    values = [[rank_correlation(first, second) for second in maps.values()] for first in maps.values()]
    return pd.DataFrame(values, index=list(maps), columns=list(maps))
