"""Pictures of two networks beside each other."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.drawing.style import BAD, GOOD, new_figure
from studies.twin_measures import Kernels

COLUMNS = 8


def draw_layers(table: pd.DataFrame) -> Figure:
    """Draw matched correlation and CKA of each layer (one row), beside what chance gives."""
    figure, axes = new_figure(8.4, 3.4, ncols=2, sharey=True)
    place = np.arange(len(table))
    panels = {
        "correlation of matched maps": ("matched_correlation", "matched_by_chance"),
        "centred kernel alignment": ("cka", "cka_by_chance"),
    }
    for ax, (title, (found, chance)) in zip(axes, panels.items(), strict=True):
        ax.bar(place - 0.2, table[found], 0.38, color=GOOD, label="twin of another seed")
        ax.bar(place + 0.2, table[chance], 0.38, color=BAD, label="by chance: other images")
        ax.set_xticks(place, table["layer"], rotation=20, ha="right")
        ax.set(title=title, ylim=(0, 1))
    axes[0].set_ylabel("similarity")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    return figure


def draw_kernels(kernels: Kernels) -> Figure:
    """Draw each kernel of the first layer above the twin's that matches it, the best match first."""
    order = np.argsort(-kernels.table["cosine"].to_numpy(), kind="stable")
    rows = -(-len(order) // COLUMNS)
    top = max(np.abs(kernels.first).max(), np.abs(kernels.second).max())
    figure, axes = new_figure(9, rows * 2.1 + 0.6, nrows=2 * rows, ncols=COLUMNS, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for number, pair in enumerate(order):
        row, column = divmod(number, COLUMNS)
        for line, values in enumerate((kernels.first, kernels.second)):
            ax = axes[2 * row + line, column]
            ax.imshow(values[:, :, :, pair].mean(axis=2), cmap="PuOr_r", vmin=-top, vmax=top)
        axes[2 * row, column].set_title(f"{kernels.table['cosine'].iloc[pair]:.2f}", fontsize=9)
    found, chance = kernels.figures["matched_cosine"], kernels.figures["by_chance"]
    figure.suptitle(
        "first convolution: each kernel above its match in the twin, and the cosine of their angle\n"
        f"mean {found:.2f}; random kernels reach {chance:.2f}"
    )
    return figure
