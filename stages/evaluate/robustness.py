"""Accuracy of the networks on test images that are turned, moved, blurred, noisy or faint."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.classification.metrics import accuracy_interval
from digits.corruptions import corrupt, spread
from digits.data.files import write_table
from digits.data.splits import Split
from digits.drawing.style import BAD, GOOD, new_figure, save
from digits.networks.common.saved import predict
from stages.evaluate.mosaic import Tile, draw_mosaic
from stages.evaluate.settings import Disturbances, Evaluation

UNITS = {
    "rotation": "degrees, counterclockwise",
    "shift": "pixels to the right",
    "noise": "deviation, share of full ink",
    "blur": "deviation, pixels",
    "contrast": "factor of what differs from the mean",
}
LOOKS = {"mlp": (BAD, "s"), "cnn": (GOOD, "o")}


def report(
    models: Mapping[str, keras.Model], test: Split, settings: Evaluation, seed: int, folder: Path
) -> None:
    """Write the accuracy of each network at each level of each disturbance."""
    chosen = spread(len(test), settings.robustness_images)
    part = Split(test.images[chosen], test.labels[chosen], test.indices[chosen])
    table = measure(models, part, settings, seed)
    write_table(folder / "robustness.csv", table)
    title = f"accuracy on {len(part)} disturbed test images ({settings.confidence:.0%} intervals)"
    save(folder / "robustness.png", draw_robustness(table, title))
    save(folder / "robustness_images.png", draw_examples(part.images[:1], settings.disturbances, seed))


def measure(models: Mapping[str, keras.Model], part: Split, settings: Evaluation, seed: int) -> pd.DataFrame:
    """Return one row a network and level: disturbance, level, network, accuracy, low, high."""
    undisturbed = {name: _count_correct(model, part.images, part.labels) for name, model in models.items()}
    rows = []
    for disturbance, level, images in disturb(part.images, settings.disturbances, seed):
        same = np.array_equal(images, part.images)  # then there is nothing to predict again
        for name, model in models.items():
            correct = undisturbed[name] if same else _count_correct(model, images, part.labels)
            interval = accuracy_interval(correct, len(part), settings.confidence)
            rows.append((disturbance, level, name, correct / len(part), *interval))
    return pd.DataFrame(rows, columns=["disturbance", "level", "network", "accuracy", "low", "high"])


def _count_correct(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> int:
    return int((predict(model, images).argmax(axis=1) == labels).sum())


def disturb(images: np.ndarray, levels: Disturbances, seed: int) -> Iterator[tuple[str, float, np.ndarray]]:
    """Yield disturbance, level and the images, uint8, at that level; each level has its own noise."""
    return corrupt(images, levels.model_dump(), seed)


def draw_robustness(table: pd.DataFrame, title: str) -> Figure:
    """Draw one panel a disturbance, one curve a network."""
    figure, axes = new_figure(9.6, 5.6, nrows=2, ncols=3, sharey=True)
    for ax, (disturbance, unit) in zip(axes.flat, UNITS.items(), strict=False):
        for name, (colour, marker) in LOOKS.items():
            mine = table[(table["disturbance"] == disturbance) & (table["network"] == name)]
            curve = mine.sort_values("level")
            ax.plot(curve["level"], curve["accuracy"], f"{marker}-", color=colour, ms=4, label=name.upper())
            ax.fill_between(curve["level"], curve["low"], curve["high"], color=colour, alpha=0.2, lw=0)
        ax.set(title=disturbance, xlabel=unit, ylim=(0, 1.02))
        ax.grid(axis="y", alpha=0.3)
    for ax in axes[:, 0]:
        ax.set_ylabel("accuracy")
    axes.flat[-1].set_axis_off()
    axes.flat[-1].legend(*axes.flat[0].get_legend_handles_labels(), loc="center", fontsize=11)
    figure.suptitle(title)
    return figure


def draw_examples(images: np.ndarray, levels: Disturbances, seed: int) -> Figure:
    """Draw the first of the images at each level of each disturbance."""
    rows: dict[str, list[Tile]] = {}
    for disturbance, level, disturbed in disturb(images, levels, seed):
        rows.setdefault(disturbance, []).append(Tile(disturbed[0], f"{level:g}"))
    return draw_mosaic(list(rows.items()), "one test image at each level of each disturbance")
