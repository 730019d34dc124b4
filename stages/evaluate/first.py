"""The first answers, one by one: predictions in colour, probabilities as a shaded table."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from digits.data.files import write_table
from digits.drawing.style import BAD, GOOD, new_figure, save
from stages.evaluate.mosaic import Tile, draw_mosaic, fold
from stages.evaluate.outcome import Outcome

PREDICTIONS, COLUMNS = 25, 9
PROBABILITIES = 20


def report(outcome: Outcome, folder: Path) -> None:
    """Write the predictions and the probabilities of the first test images."""
    table = outcome.describe(np.arange(min(PREDICTIONS, len(outcome.test))))
    write_table(folder / "first_predictions.csv", table)
    save(folder / "first_predictions.png", draw_predictions(table, outcome))
    rows = slice(PROBABILITIES)
    probabilities = pd.DataFrame(outcome.probabilities[rows], columns=outcome.classes)
    probabilities.insert(0, "index", outcome.test.indices[rows])
    probabilities.insert(1, "label", np.array(outcome.classes)[outcome.test.labels[rows]])
    write_table(folder / "first_probabilities.csv", probabilities)
    save(folder / "first_probabilities.png", draw_probabilities(outcome))


def draw_predictions(table: pd.DataFrame, outcome: Outcome) -> Figure:
    """Draw the images above what they were taken for."""
    tiles = [
        Tile(image, prediction, GOOD)
        if label == prediction
        else Tile(image, f"{prediction}\n(label {label})", BAD)
        for image, label, prediction in zip(
            outcome.test.images, table["label"], table["prediction"], strict=False
        )
    ]
    right = int((table["label"] == table["prediction"]).sum())
    title = f"{outcome.title}: the first predictions, {right} of {len(table)} right (blue; red: wrong)"
    return draw_mosaic(fold(tiles, COLUMNS), title)


def draw_probabilities(outcome: Outcome) -> Figure:
    """Draw one row an image, one column a class, the cell of the label framed."""
    shown, labels = outcome.probabilities[:PROBABILITIES], outcome.test.labels[:PROBABILITIES]
    figure, ax = new_figure(0.68 * len(outcome.classes) + 1.6, 0.28 * len(shown) + 1.2)
    ax.imshow(shown, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
    for (row, column), value in np.ndenumerate(shown):
        colour = "white" if value > 0.7 else "black"
        ax.text(column, row, f"{value:.4f}", ha="center", va="center", fontsize=8, color=colour)
    for row, label in enumerate(labels):
        ax.add_patch(Rectangle((label - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=BAD, linewidth=1.5))
    turned = 0 if max(map(len, outcome.classes)) < 6 else 30
    ax.set_xticks(np.arange(len(outcome.classes)), outcome.classes, rotation=turned)
    ax.set_yticks(np.arange(len(shown)), outcome.test.indices[: len(shown)])
    ax.set(xlabel="class", ylabel="test image (index in the file)")
    ax.set_title(f"{outcome.title}: probabilities of the first images; framed: the label")
    return figure
