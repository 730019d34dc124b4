"""What single hidden nodes tell of the class."""

import numpy as np
import pandas as pd
from sklearn.feature_selection import f_classif

QUARTILES = ("min", "q1", "median", "q3", "max")


def correlation_ratios(activations: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return eta squared of each node, float64 (n nodes,): the share of variance between the classes.

    activations: (n, n nodes). 0 where the class tells nothing or the node never varies, 1 where the
    class tells all. It orders nodes as the F statistic of a one-way analysis of variance does, with
    which it is 1 / (1 + (n - k) / ((k - 1) F)) for k classes, Fisher (1925), Statistical Methods
    for Research Workers.
    """
    ratios = np.zeros(activations.shape[1])
    varies = np.flatnonzero(np.ptp(activations, axis=0) > 0)
    if len(varies):
        n, k = len(labels), len(np.unique(labels))
        with np.errstate(divide="ignore"):  # F is infinite for a node that knows the class
            statistics, _ = f_classif(activations[:, varies].astype(np.float64), labels)
            ratios[varies] = 1 / (1 + (n - k) / ((k - 1) * statistics))
    return ratios


def spread_over_ranks(ratios: np.ndarray, n: int) -> np.ndarray:
    """Return n nodes, int64, at equal steps of the ranking from the largest ratio to the least.

    All nodes, in that order, where there are no more than n.
    """
    ranking = np.argsort(-ratios, kind="stable")
    return ranking[np.unique(np.linspace(0, len(ranking) - 1, n).round().astype(np.int64))]


def describe_activations(activations: np.ndarray, labels: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return a row a node and class present: node (from 0), class, quartiles, share_of_zeros.

    activations: (n, n nodes). The quartiles with the extremes are min, q1, median, q3 and max.
    """
    tables = []
    for label in np.unique(labels):
        mine = activations[labels == label]
        quartiles = np.quantile(mine, (0, 0.25, 0.5, 0.75, 1), axis=0)
        columns = {"node": np.arange(mine.shape[1]), "label": label, "class": classes[label]}
        columns |= dict(zip(QUARTILES, quartiles, strict=True))
        tables.append(pd.DataFrame(columns | {"share_of_zeros": (mine == 0).mean(axis=0)}))
    table = pd.concat(tables).sort_values(["node", "label"], kind="stable")
    return table.drop(columns="label").reset_index(drop=True)
