"""Pictures of single hidden nodes and of pairs of pixels, by class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from digits.analysis.saliency.units import spread_over_ranks
from digits.data.splits import PIXEL_MAX
from digits.drawing.style import BAD, COLOURS, GOOD, new_figure
from stages.feature_importance.nodes import Nodes
from stages.feature_importance.pairs import Pair

SHOWN = 6  # nodes
JITTER = 5.0  # of 255, either way: many images share a value
LIMITS = (-2 * JITTER, PIXEL_MAX + 2 * JITTER)
PAIRS = {
    "random": "two at random",
    "forest": "the forests' best two",
    "informative": "the most informative two",
}


def activations(nodes: Nodes, layer: str) -> Figure:
    """Draw box plots by class for nodes spread over their ranking; whiskers end at the extremes."""
    shown = spread_over_ranks(nodes.ratios, SHOWN)
    ranks = np.argsort(np.argsort(-nodes.ratios, kind="stable")) + 1
    rows = -(-len(shown) // 2)
    figure, axes = new_figure(9.4, 2.8 * rows + 0.5, nrows=rows, ncols=2, squeeze=False, sharey=True)
    for ax in axes.flat[len(shown) :]:
        ax.set_axis_off()
    for ax, node in zip(axes.flat, shown, strict=False):
        _draw_boxes(ax, nodes.table[nodes.table["node"] == node])
        ax.set_title(f"node {node}, rank {ranks[node]}: eta squared {nodes.ratios[node]:.2f}", pad=18)
    figure.supylabel("activation")
    figure.suptitle(
        f"nodes of {layer}, over all training images, by their share of variance between classes\n"
        "(eta squared); box: quartiles; whiskers: least and greatest; above: share of zeros"
    )
    return figure


def _draw_boxes(ax: Axes, table: pd.DataFrame) -> None:
    statistics = [
        {"whislo": row["min"], "q1": row["q1"], "med": row["median"], "q3": row["q3"], "whishi": row["max"]}
        for _, row in table.iterrows()
    ]
    box = {"facecolor": GOOD, "alpha": 0.45}
    ax.bxp(statistics, showfliers=False, patch_artist=True, boxprops=box, medianprops={"color": BAD, "lw": 2})
    places, names = range(1, len(table) + 1), list(table["class"])
    long = _are_long(names)
    ax.set_xticks(places, names, rotation=40 if long else 0, ha="right" if long else "center")
    for place, share in zip(places, table["share_of_zeros"], strict=True):
        ax.text(place, 1.02, f"{share:.0%}", transform=ax.get_xaxis_transform(), ha="center", fontsize=8)


def pixel_pairs(
    sample: pd.DataFrame,
    chosen: dict[str, Pair],
    shape: tuple[int, ...],
    classes: Sequence[str],
    rng: np.random.Generator,
) -> Figure:
    """Draw the two values of each pair, coloured by class and jittered; shape: of an image."""
    figure, axes = new_figure(9.4, 4.6, ncols=len(chosen), squeeze=False)
    colours = sample["class"].map({name: COLOURS[i % len(COLOURS)] for i, name in enumerate(classes)})
    for ax, (name, pair) in zip(axes.flat, chosen.items(), strict=True):
        values = sample[[f"{name}_1", f"{name}_2"]].to_numpy(dtype=np.float64)
        values = values + rng.uniform(-JITTER, JITTER, values.shape)
        ax.scatter(*values.T, s=4, c=colours, alpha=0.7, linewidths=0)
        first, second = (_place(pixel, shape) for pixel in pair.pixels)
        ax.set(xlabel=f"value at {first}", ylabel=f"value at {second}", aspect="equal")
        ax.set(xlim=LIMITS, ylim=LIMITS)
        ax.set_title(
            f"{PAIRS[name]}\nboth 0 in {pair.without_ink:.1%}\n{pair.information:.2f} bits of the label"
        )
    marks = [Line2D([], [], marker="o", ls="", color=COLOURS[i % len(COLOURS)]) for i in range(len(classes))]
    figure.legend(
        marks, classes, loc="outside lower center", ncols=5 if _are_long(classes) else 10, frameon=False
    )
    figure.suptitle(f"two pixels of {len(sample):,} training images (moved a little, to lie side by side)")
    return figure


def _are_long(names: Sequence[str]) -> bool:
    return max(map(len, names)) > 3


def _place(pixel: int, shape: tuple[int, ...]) -> str:
    row, column, channel = np.unravel_index(pixel, shape)
    return f"row {row}, column {column}" + (f", channel {channel}" if shape[-1] > 1 else "")
