"""Images and predictions: the first ones, and the most confident right and wrong ones of each class."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from digits.drawing.grid import Tile, draw_grid, fold
from digits.drawing.style import BAD, GOOD, new_figure
from stages.evaluate.context import TestResult

IMAGES = 12  # in a row of a gallery, at most
PREDICTIONS, COLUMNS = 25, 9
PROBABILITIES = 20
GALLERIES = {
    "true_positives": "images recognised as their class, the most confident first",
    "false_positives": "images wrongly taken for this class, the most confident first; below: the label",
    "false_negatives": "images of this class not recognised, the most confident first; below: the prediction",
}


def draw_galleries(result: TestResult) -> dict[str, tuple[pd.DataFrame, Figure]]:
    """Return table and picture of each of GALLERIES, with one row per class."""
    labels, predictions = result.test.labels, result.predictions
    chosen = {
        "true_positives": (result.correct, labels, labels),
        "false_positives": (~result.correct, predictions, labels),
        "false_negatives": (~result.correct, labels, predictions),
    }
    return {name: _draw_gallery(result, name, *arrays) for name, arrays in chosen.items()}


def _draw_gallery(
    result: TestResult, gallery: str, chosen: np.ndarray, rows: np.ndarray, captions: np.ndarray
) -> tuple[pd.DataFrame, Figure]:
    """Return the most confident of the chosen images, bool (n,), by the class of their row, int (n,)."""
    drawn, tables = [], []
    for number, name in enumerate(result.classes):
        mine = chosen & (rows == number)
        positions = result.most_confident(mine, IMAGES)
        words = ["" if captions[i] == number else result.classes[captions[i]] for i in positions]
        tiles = [Tile(result.test.images[i], word) for i, word in zip(positions, words, strict=True)]
        drawn.append((f"{name}  ({len(positions)} of {mine.sum()})", tiles))
        tables.append(result.describe(positions).assign(row=name))
    title = f"{result.title}, {gallery.replace('_', ' ')}: {GALLERIES[gallery]}"
    return pd.concat(tables), draw_grid(drawn, title)


def draw_first_predictions(result: TestResult) -> tuple[pd.DataFrame, Figure]:
    """Return the predictions of the first test images, as a table and below the images."""
    table = result.describe(np.arange(min(PREDICTIONS, len(result.test))))
    tiles = [
        Tile(image, prediction, GOOD)
        if label == prediction
        else Tile(image, f"{prediction}\n(label {label})", BAD)
        for image, label, prediction in zip(
            result.test.images, table["label"], table["prediction"], strict=False
        )
    ]
    right = int((table["label"] == table["prediction"]).sum())
    title = f"{result.title}: the first predictions, {right} of {len(table)} right (blue; red: wrong)"
    return table, draw_grid(fold(tiles, COLUMNS), title)


def tabulate_probabilities(result: TestResult) -> pd.DataFrame:
    """Return the probabilities of the first test images: index, label, and a column per class."""
    rows = slice(PROBABILITIES)
    table = pd.DataFrame(result.probabilities[rows], columns=result.classes)
    table.insert(0, "index", result.test.indices[rows])
    table.insert(1, "label", np.array(result.classes)[result.test.labels[rows]])
    return table


def draw_probabilities(result: TestResult) -> Figure:
    """Draw one row per image and one column per class; the cell of the label is framed, 0.00 left blank."""
    shown, labels = result.probabilities[:PROBABILITIES], result.test.labels[:PROBABILITIES]
    figure, ax = new_figure(0.68 * len(result.classes) + 1.6, 0.28 * len(shown) + 1.2)
    ax.imshow(shown, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
    for (row, column), value in np.ndenumerate(shown):
        text = f"{value:.2f}" if value >= 0.005 else ""
        colour = "white" if value > 0.7 else "black"
        ax.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    for row, label in enumerate(labels):
        ax.add_patch(Rectangle((label - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=BAD, linewidth=1.5))
    turned = 0 if max(map(len, result.classes)) < 6 else 30
    ax.set_xticks(np.arange(len(result.classes)), result.classes, rotation=turned)
    ax.set_yticks(np.arange(len(shown)), result.test.indices[: len(shown)])
    ax.set(xlabel="Class", ylabel="Test image (index in the file)")
    ax.set_title(f"{result.title}: probabilities of the first images (framed: label; blank: below 0.005)")
    return figure
