"""Which pixels matter to random forests: impurity and permutation, with their spread over seeds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from digits.analysis.saliency import importance
from digits.analysis.saliency.attribution import tabulate_maps
from digits.data.splits import Split
from digits.drawing.style import BAR, GOOD, new_figure


@dataclass(frozen=True)
class Forests:
    """The importances that several forests give to the pixels; spreads (sd) are over the forests.

    flat: mean impurity importance of each value, float64 (height * width * channels,), sum 1
    impurity, impurity_sd: per pixel, (height, width)
    permutation, permutation_sd: drop of validation accuracy when a pixel is permuted, (height, width)
    block_permutation, block_permutation_sd: the same per block (block rows, block columns)
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
    def metrics(self) -> dict[str, float]:
        """Mean and standard deviation of the accuracies."""
        mean, spread = np.mean(self.accuracies), np.std(self.accuracies, ddof=1)
        return {"accuracy": float(mean), "accuracy_sd": float(spread)}

    def tabulate(self, blocks: np.ndarray) -> pd.DataFrame:
        """Return one row per pixel, with its rank by impurity and the number of its block (height, width)."""
        measured = ("impurity_sd", "permutation", "permutation_sd")
        maps = {"impurity": self.impurity, "rank": importance.rank(self.impurity)}
        return tabulate_maps(maps | {name: getattr(self, name) for name in measured} | {"block": blocks})


def measure(splits: tuple[Split, Split, Split], blocks: np.ndarray, trees: int, n: int, seed: int) -> Forests:
    """Fit n forests on the first split; permute pixels of the second; measure accuracy on the third.

    blocks: each pixel's block (height, width)
    """
    train, val, test = splits
    single = np.arange(blocks.size).reshape(blocks.shape)
    impurities, drops, pixel_drops, accuracies = [], [], [], []
    for number in range(n):
        rng = np.random.default_rng([seed, number])
        forest = importance.fit_forest(train, trees, int(rng.integers(2**32)))
        impurities.append(forest.feature_importances_)
        accuracies.append(forest.score(test.images.reshape(len(test), -1), test.labels))
        votes = importance.ForestVotes(forest, val.images)
        drops.append(_permute(votes, val, blocks, rng))
        pixel_drops.append(_permute(votes, val, single, rng))
    pixels = [each.reshape(*blocks.shape, -1).sum(axis=-1) for each in impurities]
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
    votes: importance.ForestVotes, split: Split, blocks: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the drop of accuracy per block, as a map of blocks."""
    groups = importance.group_pixels(blocks, split.images.shape[-1])
    drops = importance.forest_permutation_importance(votes, split.labels, groups, rng)
    return drops.reshape(-1, int(blocks[0].max()) + 1)


def draw(forests: Forests, block_impurity: np.ndarray) -> Figure:
    """Draw impurity and permutation importances, their spreads, and the two compared by block."""
    figure, axes = new_figure(9.4, 5.4, nrows=2, ncols=3)
    fraction, drop = "fraction of the total", "drop of accuracy"
    maps = (
        (forests.impurity, "Impurity", fraction),
        (forests.impurity_sd, "Standard deviation\nof impurity", fraction),
        (forests.permutation, "Permutation of a pixel", drop),
        (forests.block_permutation, "Permutation of a block", drop),
        (forests.block_permutation_sd, "Standard deviation\nof a block's permutation", drop),
    )
    for ax, (values, title, label) in zip(axes.flat, maps, strict=False):
        picture = ax.imshow(values, cmap="viridis", vmin=0, interpolation="nearest")  # below 0 as 0
        ax.set(xticks=[], yticks=[])
        ax.set_title(title, fontsize=10)
        figure.colorbar(picture, cax=ax.inset_axes(BAR), label=label, format=PercentFormatter(1))
    ax, correlation = axes[1, 2], importance.rank_correlation(block_impurity, forests.block_permutation)
    ax.scatter(block_impurity, forests.block_permutation, s=16, color=GOOD, alpha=0.7, linewidths=0)
    ax.set(xlabel="impurity of a block", ylabel="permutation of a block", box_aspect=1)
    ax.set_title(f"Rank correlation {correlation:.2f}")
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    figure.suptitle(
        f"Importance of pixels to {len(forests.accuracies)} random forests: means and standard deviations"
    )
    return figure
