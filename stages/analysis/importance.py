"""Which pixels matter: impurity importance of a random forest."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from stages.shared.data import Split


def fit_forest(train: Split, trees: int, seed: int, threads: int) -> RandomForestClassifier:
    """Return a forest fitted on the flat pixels and the integer labels."""
    forest = RandomForestClassifier(trees, random_state=seed, n_jobs=threads)
    return forest.fit(train.images.reshape(len(train), -1), train.labels)


def forest_accuracy(forest: RandomForestClassifier, split: Split) -> float:
    """Return the share of the split's images that the forest gets right."""
    return float(forest.score(split.images.reshape(len(split), -1), split.labels))


def largest(importances: np.ndarray, n: int) -> np.ndarray:
    """Return the flat indices of the n largest values, int64, ascending; the lower index wins a tie."""
    return np.sort(np.argsort(-importances, kind="stable")[:n])


def table(importances: np.ndarray, size: tuple[int, int]) -> pd.DataFrame:
    """Return one row a pixel: row, column, importance, rank (from 1); channels are summed."""
    summed = importances.reshape(*size, -1).sum(axis=-1)
    rows, columns = np.indices(size).reshape(2, -1)
    ranks = np.empty(summed.size, dtype=np.int64)
    ranks[np.argsort(-summed.ravel(), kind="stable")] = np.arange(1, summed.size + 1)
    return pd.DataFrame({"row": rows, "column": columns, "importance": summed.ravel(), "rank": ranks})
