"""Which pixels matter to random forests: impurity and permutation, with their spread over seeds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from digits.analysis.saliency import importance, permutation
from digits.data.splits import Split
from stages.feature_importance.settings import Parameters


@dataclass(frozen=True)
class Forests:
    """What several forests say of the pixels; a spread is the standard deviation over forests.

    flat: mean impurity importance of each value, float64 (height * width * channels,), sum 1
    impurity, impurity_sd: of each pixel, (height, width)
    permutation, permutation_sd: drop of accuracy on validation images without each pixel, (height, width)
    block_permutation, block_permutation_sd: the same for each block (block rows, block columns)
    accuracies: of each forest on the test split
    """

    flat: np.ndarray
    impurity: np.ndarray
    impurity_sd: np.ndarray
    permutation: np.ndarray
    permutation_sd: np.ndarray
    block_permutation: np.ndarray
    block_permutation_sd: np.ndarray
    accuracies: list[float]

    @property
    def figures(self) -> dict[str, float]:
        """Mean and standard deviation of the accuracies."""
        mean, deviation = np.mean(self.accuracies), np.std(self.accuracies, ddof=1)
        return {"accuracy": float(mean), "accuracy_sd": float(deviation)}

    def table(self, blocks: np.ndarray) -> pd.DataFrame:
        """Return one row a pixel, with the number of its block (height, width)."""
        return importance.table(
            self.impurity,
            impurity_sd=self.impurity_sd,
            permutation=self.permutation,
            permutation_sd=self.permutation_sd,
            block=blocks,
        )


def measure(splits: tuple[Split, Split, Split], blocks: np.ndarray, parameters: Parameters) -> Forests:
    """Fit forests on the first split; permute pixels of the second, take accuracy on the third."""
    train, val, test = splits
    settings, threads = parameters.feature_importance, parameters.compute.threads
    channels = train.images.shape[-1]
    single = np.arange(blocks.size).reshape(blocks.shape)
    impurities, drops, pixel_drops, accuracies = [], [], [], []
    for number in range(settings.seeds):
        rng = np.random.default_rng([parameters.seed, number])
        forest = importance.fit_forest(train, settings.trees, int(rng.integers(2**32)), threads)
        impurities.append(forest.feature_importances_)
        accuracies.append(importance.forest_accuracy(forest, test))
        votes = permutation.ForestVotes(forest, val.images)
        drops.append(_permute(votes, val, blocks, channels, rng, threads))
        pixel_drops.append(_permute(votes, val, single, channels, rng, threads))
    pixels = [importance.sum_channels(each, blocks.shape) for each in impurities]
    return Forests(
        np.mean(impurities, axis=0),
        *_mean_and_spread(pixels),
        *_mean_and_spread(pixel_drops),
        *_mean_and_spread(drops),
        accuracies,
    )


def _mean_and_spread(maps: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.mean(maps, axis=0), np.std(maps, axis=0, ddof=1)


def _permute(
    votes: permutation.ForestVotes,
    split: Split,
    blocks: np.ndarray,
    channels: int,
    rng: np.random.Generator,
    threads: int,
) -> np.ndarray:
    """Return the drop of accuracy for each block, as a map of blocks."""
    groups = permutation.group_pixels(blocks, channels)
    drops = permutation.forest_permutation_importance(votes, split.labels, groups, rng, threads)
    return drops.reshape(-1, int(blocks[0].max()) + 1)
