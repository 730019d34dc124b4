"""Which pixels matter: impurity of a random forest, permutation importance, ranks and their correlation.

Permutation importance is the accuracy lost when pixels are taken from other images: Breiman (2001),
Machine Learning 45: 5-32; here on images that the model was not fitted on.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import rankdata, spearmanr
from sklearn.ensemble import RandomForestClassifier

from digits.compute import cores, parallel
from digits.data.splits import Split

Predict = Callable[[np.ndarray], np.ndarray]


def fit_forest(train: Split, trees: int, seed: int) -> RandomForestClassifier:
    """Return a forest fitted on the flat pixels and the integer labels; it predicts in one thread.

    With more threads scikit-learn adds the trees' votes in the order in which they come.
    """
    forest = RandomForestClassifier(trees, random_state=seed, n_jobs=cores())
    return forest.fit(train.images.reshape(len(train), -1), train.labels).set_params(n_jobs=1)


def largest(importances: np.ndarray, n: int) -> np.ndarray:
    """Return the flat indices of the n largest values, int64, ascending; ties go to the lower index."""
    return np.sort(np.argsort(-importances, kind="stable")[:n])


def rank(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value, int64, 1 for the largest; ties go to the lower flat index."""
    return rankdata(-values, method="ordinal").reshape(values.shape)


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


def number_blocks(size: tuple[int, int], side: int) -> np.ndarray:
    """Return each pixel's block, int64 (height, width), from 0, row by row.

    Blocks are `side` pixels wide and high; those at the right and lower border are smaller.
    """
    row, column = np.indices(size) // side
    return row * (column.max() + 1) + column


def sum_blocks(values: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Return the sum of each block's values, float64, as a map of blocks (rows, columns).

    values, blocks: (height, width)
    """
    columns = int(blocks[0].max()) + 1
    return np.bincount(blocks.ravel(), weights=values.ravel()).reshape(-1, columns)


def group_pixels(blocks: np.ndarray, channels: int) -> list[np.ndarray]:
    """Return the flat indices (of height, width, channel) of each block's values, ascending."""
    flat = np.repeat(blocks.ravel(), channels)
    return [np.flatnonzero(flat == block) for block in range(blocks.max() + 1)]


def permutation_importance(
    predict: Predict,
    images: np.ndarray,
    labels: np.ndarray,
    groups: Sequence[np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the drop of accuracy for each group of flat indices, float64 (n groups,), -1 to 1.

    predict: from images (n, ...) to classes (n,)
    A group's values come, for all images together, from a permutation of the images.
    """
    accuracy = np.mean(predict(images) == labels)
    drops = np.zeros(len(groups))
    for number, group in enumerate(groups):
        permuted = images.reshape(len(images), -1).copy()
        permuted[:, group] = permuted[rng.permutation(len(images))][:, group]
        if not np.array_equal(permuted, images.reshape(permuted.shape)):
            drops[number] = accuracy - np.mean(predict(permuted.reshape(images.shape)) == labels)
    return drops


class ForestVotes:
    """A forest's votes on fixed images, quick to take anew when a few pixels change.

    Only a tree that tests one of these pixels on its way from the root to an image's leaf can
    change its vote on that image: one tree in forty for a pixel of MNIST.
    """

    def __init__(self, forest: RandomForestClassifier, images: np.ndarray) -> None:
        """Take the votes on images (n, ...)."""
        self._images = images.reshape(len(images), -1).astype(np.float32)  # what trees work in
        self._trees = [estimator.tree_ for estimator in forest.estimators_]
        self._classes = forest.classes_
        self._votes = np.stack([tree.predict(self._images) for tree in self._trees])
        self._total = self._votes.sum(axis=0)
        self._tests = sparse.vstack([self._tested(tree) for tree in self._trees]).tocsc()

    def predict(self) -> np.ndarray:
        """Return the classes (n,) that the forest names for the images as they are."""
        return self._classes[self._total.argmax(axis=1)]

    def predict_permuted(self, group: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Return the classes (n,) where values of these flat indices come from images[order]."""
        n = len(self._images)
        moved = self._images[np.ix_(order, group)]
        tested = np.unique(np.concatenate([self._testing(pixel) for pixel in group]))
        tested = tested[(moved != self._images[:, group]).any(axis=1)[tested % n]]
        bounds = np.searchsorted(tested, n * np.arange(len(self._trees) + 1))
        total = self._total.copy()
        for number, tree in enumerate(self._trees):
            rows = tested[bounds[number] : bounds[number + 1]] - n * number
            if len(rows):
                changed = self._images[rows]
                changed[:, group] = moved[rows]
                total[rows] += tree.predict(changed) - self._votes[number, rows]
        return self._classes[total.argmax(axis=1)]

    def _testing(self, pixel: int) -> np.ndarray:
        """Return tree * n + image for all trees and images where the pixel is tested."""
        return self._tests.indices[self._tests.indptr[pixel] : self._tests.indptr[pixel + 1]]

    def _tested(self, tree: Any) -> sparse.csr_array:
        """Return which pixels a tree tests for which image, (n images, n pixels), not 0 if so."""
        inner = np.flatnonzero(tree.feature >= 0)
        shape = (tree.node_count, self._images.shape[1])
        ones = np.ones(len(inner), dtype=np.int32)
        pixel_of_node = sparse.csr_array((ones, (inner, tree.feature[inner])), shape=shape)
        return sparse.csr_array(tree.decision_path(self._images)) @ pixel_of_node


def forest_permutation_importance(
    votes: ForestVotes, labels: np.ndarray, groups: Sequence[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Return what `permutation_importance` does, for a forest, quicker."""
    orders = [rng.permutation(len(labels)) for _ in groups]
    accuracy = np.mean(votes.predict() == labels)

    def drop(piece: tuple[np.ndarray, np.ndarray]) -> float:
        return float(accuracy - np.mean(votes.predict_permuted(*piece) == labels))

    return np.array(parallel(drop, zip(groups, orders, strict=True)))
