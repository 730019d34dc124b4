"""Robustness to corruptions: accuracy on test images rotated, shifted, blurred, noisy or low in contrast."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.classification.intervals import accuracy_interval
from digits.corruptions import corrupt
from digits.data.splits import Split
from digits.drawing.grid import Tile, draw_grid
from digits.drawing.style import new_figure
from digits.networks.common.saved import predict
from digits.networks.registry import NETWORKS

UNITS = {
    "rotation": "Degrees, counterclockwise",
    "shift": "Pixels to the right",
    "noise": "Standard deviation / pixel range",
    "blur": "Standard deviation, pixels",
    "contrast": "Factor",
}

Levels = Mapping[str, Sequence[float]]  # of each corruption, by its name


def measure(
    models: Mapping[str, keras.Model], part: Split, levels: Levels, seed: int, confidence: float
) -> pd.DataFrame:
    """Return one row per network and level: corruption, level, network, accuracy, low, high."""
    clean = {name: _count_correct(model, part.images, part.labels) for name, model in models.items()}
    rows = []
    for corruption, level, images in corrupt(part.images, levels, seed):
        same = np.array_equal(images, part.images)  # then there is nothing to predict again
        for name, model in models.items():
            correct = clean[name] if same else _count_correct(model, images, part.labels)
            interval = accuracy_interval(correct, len(part), confidence)
            rows.append((corruption, level, name, correct / len(part), *interval))
    return pd.DataFrame(rows, columns=["corruption", "level", "network", "accuracy", "low", "high"])


def _count_correct(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> int:
    return int((predict(model, images).argmax(axis=1) == labels).sum())


def draw_robustness(table: pd.DataFrame, title: str) -> Figure:
    """Draw one panel per corruption, one curve per network."""
    rows = len(UNITS) // 3 + 1  # the last one has a place for the legend
    figure, axes = new_figure(9.6, 2.8 * rows, nrows=rows, ncols=3, sharey=True, squeeze=False)
    for ax, (corruption, unit) in zip(axes.flat, UNITS.items(), strict=False):
        of_corruption = table[table["corruption"] == corruption]
        for name, mine in of_corruption.groupby("network", sort=False):
            network, curve = NETWORKS[str(name)], mine.sort_values("level")
            colour, levels = network.colour, curve["level"]
            ax.plot(levels, curve["accuracy"], network.marker + "-", ms=4, color=colour, label=network.title)
            ax.fill_between(levels, curve["low"], curve["high"], color=colour, alpha=0.2, lw=0)
        ax.set(title=corruption.capitalize(), xlabel=unit, ylim=(0, 1.02))
        ax.set_xticks(of_corruption["level"].unique())
        ax.grid(axis="y", alpha=0.3)
    for ax in axes[:, 0]:
        ax.set_ylabel("Accuracy")
    for ax in axes.flat[len(UNITS) :]:
        ax.set_axis_off()
    axes.flat[-1].legend(*axes.flat[0].get_legend_handles_labels(), loc="center", fontsize=11)
    figure.suptitle(title)
    return figure


def draw_examples(image: np.ndarray, levels: Levels, seed: int) -> Figure:
    """Draw an image (height, width, channels) at each level of each corruption, in frames."""
    rows: dict[str, list[Tile]] = {}
    for corruption, level, images in corrupt(image[None], levels, seed):
        rows.setdefault(corruption, []).append(Tile(images[0], f"{level:g}"))
    named = [(f"{name}\n({UNITS[name].lower()})", tiles) for name, tiles in rows.items()]
    return draw_grid(named, "One test image at each level of each corruption", framed=True)
