"""Pictures of what the data set holds."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.data.splits import Split
from digits.drawing.style import GOOD, image_grid, new_figure

PER_CLASS = 5  # labelled images of each class in the grid


def label_counts(counts: pd.DataFrame, title: str) -> Figure:
    """Draw a bar per class, one panel a split; `counts` as from exploration.label_counts."""
    splits = [name for name in counts.columns if name != "class"]
    figure, axes = new_figure(10, 0.28 * len(counts) + 1.2, ncols=len(splits), sharey=True)
    for ax, name in zip(axes, splits, strict=True):
        ax.barh(counts["class"], counts[name], color=GOOD)
        ax.bar_label(ax.containers[0], fmt="{:,.0f}", fontsize=9, padding=2)
        ax.margins(x=0.18)
        ax.set(title=f"{name}: {counts[name].sum():,} images", xlabel="images")
    axes[0].invert_yaxis()
    figure.suptitle(f"{title}: images of each class")
    return figure


def pixel_values(values: pd.DataFrame) -> Figure:
    """Draw the share of each pixel value, on a logarithmic axis; a value that never occurs is a gap."""
    figure, ax = new_figure(7, 3.2)
    ax.step(values["value"], values["share"].where(values["share"] > 0), where="mid", color=GOOD)
    ax.set(
        yscale="log",
        xlim=(-1, 256),
        xlabel="pixel value (0 is paper, 255 is ink)",
        ylabel="share of the training pixels",
        title=f"{values['share'].iloc[0]:.1%} of the training pixels are 0, "
        f"{values['share'].iloc[255]:.1%} are 255",
    )
    return figure


def images(split: Split, classes: list[str]) -> Figure:
    """Draw the first images of each class with their labels."""
    chosen = np.concatenate(
        [np.flatnonzero(split.labels == label)[:PER_CLASS] for label in range(len(classes))]
    )
    titles = [classes[label] for label in split.labels[chosen]]
    return image_grid(
        split.images[chosen], titles, columns=2 * PER_CLASS, title=f"{len(chosen)} training images"
    )


def class_means(means: np.ndarray, classes: list[str]) -> Figure:
    """Draw the mean image of each class."""
    return image_grid(means, classes, columns=5, title="mean training image of each class", side=1.3)
