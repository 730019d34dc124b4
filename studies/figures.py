"""Pictures of the studies."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from digits.drawing.style import BAD, COLOURS, GOOD, new_figure

SOURCES = {
    "components": "principal components",
    "permutation": "pixels, by permutation importance",
    "forest": "pixels, by the forest's impurity",
    "mutual-information": "pixels, by mutual information",
    "random": "pixels, at random",
    "clusters": "distances to cluster centres",
}
MARKERS = "osD^vP"
ERROR_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def feature_curves(summary: pd.DataFrame) -> Figure:
    """Draw the error rate against the number of features, one curve a source.

    summary: columns source, features, mean, min, max (accuracies over the seeds).
    """
    figure, ax = new_figure(7.6, 4.6)
    colours = (COLOURS[1], COLOURS[3], COLOURS[0], COLOURS[6], COLOURS[9], COLOURS[5])
    for (source, name), colour, marker in zip(SOURCES.items(), colours, MARKERS, strict=True):
        rows = summary[summary["source"] == source]
        spread = [rows["max"] - rows["mean"], rows["mean"] - rows["min"]]
        ax.errorbar(
            rows["features"],
            1 - rows["mean"],
            spread,
            color=colour,
            marker=marker,
            ms=5,
            capsize=3,
            label=name,
        )
    counts = sorted(summary["features"].unique())
    ax.set(xscale="log", yscale="log", xlabel="number of features", ylabel="error rate on the test set")
    _tick(ax, counts)
    ax.legend(fontsize=9)
    several = int(summary["count"].max())
    ax.set_title(f"the same MLP on fewer features (bars: range over {several} seeds where there are several)")
    return figure


def node_curve(ours: pd.DataFrame, published: pd.DataFrame) -> Figure:
    """Draw accuracy against the hidden nodes: ours (mean, min, max) and published ranges (low, high)."""
    figure, ax = new_figure(7.2, 4.2)
    spread = [ours["mean"] - ours["min"], ours["max"] - ours["mean"]]
    seeds = int(ours["count"].max())
    ax.errorbar(
        ours["nodes"],
        ours["mean"],
        spread,
        color=GOOD,
        marker="o",
        ms=4,
        capsize=3,
        label=f"ours (bars: range where there are {seeds} seeds)",
    )
    middle = (published["low"] + published["high"]) / 2
    half = (published["high"] - published["low"]) / 2
    ax.errorbar(
        published["nodes"],
        middle,
        half,
        color=BAD,
        marker="s",
        ms=5,
        capsize=5,
        linestyle="",
        label="published",
    )
    ax.set(xscale="log", xlabel="nodes of the one hidden layer", ylabel="test accuracy", ylim=(0, 1.02))
    ax.xaxis.set_major_locator(FixedLocator(ours["nodes"].tolist()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels([str(n) for n in ours["nodes"]])
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.legend(loc="lower right")
    ax.set_title("one hidden layer with the notebook's settings")
    return figure


def cell_movement(cells: pd.DataFrame, n_seeds: int, name: str) -> Figure:
    """Draw the counts of the fullest off-diagonal cells of the confusion matrix, one dot a seed.

    cells: columns label, prediction, then one count a seed.
    """
    figure, ax = new_figure(7.6, 4.2)
    place = np.arange(len(cells))
    for number in range(n_seeds):
        shift = (number - (n_seeds - 1) / 2) * 0.12
        ax.plot(
            place + shift,
            cells[f"seed_{number + 1}"],
            linestyle="",
            marker=MARKERS[number % len(MARKERS)],
            ms=6,
            clip_on=False,  # a count of 0 lies on the rim
            color=COLOURS[(1, 0, 3, 5, 6)[number % 5]],
            label=f"seed {number + 1}",
        )
    names = [
        f"{label} as {prediction}"
        for label, prediction in zip(cells["label"], cells["prediction"], strict=True)
    ]
    ax.set_xticks(place, names, rotation=45, ha="right")
    ax.set(ylabel="test images", ylim=(0, None), title=f"{name}: the same settings, another seed")
    ax.legend(fontsize=8, ncols=n_seeds)
    return figure


def _tick(ax: Axes, counts: list[int]) -> None:
    ax.xaxis.set_major_locator(FixedLocator(counts))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels([str(count) for count in counts])
    ax.yaxis.set_major_locator(FixedLocator(ERROR_TICKS))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(PercentFormatter(1))
