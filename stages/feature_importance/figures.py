"""Pictures of the pixels that matter to the forests, and how they agree with the networks."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from digits.analysis.saliency.importance import rank_correlation
from digits.drawing.style import BAD, GOOD, new_figure, show_image
from stages.feature_importance.forest import Forests

CHOICES = {"forest": "the {} most important to the forests", "random": "{} drawn at random"}


def importance_map(forests: Forests, block_impurity: np.ndarray) -> Figure:
    """Draw the forests' impurity and permutation importances, their spreads, and the two compared."""
    figure, axes = new_figure(9.4, 5.8, nrows=2, ncols=3)
    share, drop = "share of all pixels", "drop of accuracy"
    _draw_map(axes[0, 0], forests.impurity, "impurity", share)
    _draw_map(axes[0, 1], forests.impurity_sd, "its standard deviation", share)
    _draw_map(axes[0, 2], forests.permutation, "permutation of a pixel", drop)
    _draw_map(axes[1, 0], forests.block_permutation, "permutation of a block", drop)
    _draw_map(axes[1, 1], forests.block_permutation_sd, "its standard deviation", drop)
    correlation = rank_correlation(block_impurity, forests.block_permutation)
    axes[1, 2].scatter(block_impurity, forests.block_permutation, s=16, color=GOOD, alpha=0.7, linewidths=0)
    axes[1, 2].set(
        xlabel="impurity of a block",
        ylabel="permutation of a block",
        title=f"rank correlation {correlation:.2f}",
        box_aspect=1,
    )
    axes[1, 2].xaxis.set_major_formatter(PercentFormatter(1))
    axes[1, 2].yaxis.set_major_formatter(PercentFormatter(1))
    figure.suptitle(f"what {len(forests.accuracies)} random forests look at")
    return figure


def _draw_map(ax: Axes, values: np.ndarray, title: str, label: str) -> None:
    """Draw a map of pixels or blocks, in percent; what is below 0 looks like 0."""
    picture = ax.imshow(values, cmap="viridis", vmin=0, interpolation="nearest")
    ax.set(xticks=[], yticks=[], title=title)
    ax.figure.colorbar(picture, ax=ax, label=label, shrink=0.85, format=PercentFormatter(1))


def chosen_pixels(
    chosen: dict[str, np.ndarray], mean: np.ndarray, measured: dict[str, dict[str, float]]
) -> Figure:
    """Draw each choice of flat indices on the mean image (height, width, channels), 0 to 255."""
    figure, axes = new_figure(4.4 * len(chosen), 4.6, ncols=len(chosen), squeeze=False)
    for ax, (name, pixels) in zip(axes.flat, chosen.items(), strict=True):
        row, column, _ = np.unravel_index(pixels, mean.shape)
        figures = measured[f"{name}_{len(pixels)}"]
        show_image(ax, mean)
        ax.set(xticks=[], yticks=[], title=f"{CHOICES[name].format(len(pixels))}\n{_accuracy(figures)}")
        ax.set_axis_on()
        ax.spines[:].set_visible(True)
        ax.scatter(column, row, s=26, marker="s", facecolors="none", edgecolors=BAD, linewidths=1.3)
    figure.suptitle("an MLP that sees only the marked pixels (behind them: the mean training image)")
    return figure


def _accuracy(figures: dict[str, float]) -> str:
    low, high = figures["accuracy_low"], figures["accuracy_high"]
    return f"test accuracy {figures['accuracy']:.2%} ({low:.2%} to {high:.2%})"


def rank_correlations(table: pd.DataFrame) -> Figure:
    """Draw the rank correlation of each two maps of blocks, with its number."""
    figure, ax = new_figure(8.2, 6.2)
    names = [_title(str(name)) for name in table.columns]
    picture = ax.imshow(table, cmap="cividis", vmax=1)
    ax.set_xticks(range(len(names)), names, rotation=35, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        colour = "black" if picture.norm(value) > 0.5 else "white"
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
    ax.set_title("do they agree on the blocks? (Spearman's rank correlation)")
    return figure


def _title(name: str) -> str:
    owner, measure = name.split("_", 1)
    return f"{owner if owner == 'forest' else owner.upper()}: {measure.replace('_', ' ')}"
