"""The confusion matrix of a classifier, and the pairs of classes that it confuses most often."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.classification.metrics import rank_confusions
from digits.drawing.grid import Tile, draw_grid
from digits.drawing.style import new_figure
from stages.evaluate.context import TestResult

PAIRS, IMAGES = 10, 8


def draw_rows(confusion: np.ndarray, classes: list[str], title: str) -> Figure:
    """Draw percent of the row above n of the row's N; the diagonal has the recall of each class."""
    totals = confusion.sum(axis=1, keepdims=True)
    fractions, wholes = _divide(confusion, totals), np.broadcast_to(totals, confusion.shape)
    texts = [
        f"{fraction:.1%}\n{n}/{whole}" if n else ""
        for fraction, n, whole in zip(fractions.flat, confusion.flat, wholes.flat, strict=True)
    ]
    return _draw_matrix(np.sqrt(fractions), texts, classes, title)  # the root makes 1 % visible


def draw_errors(confusion: np.ndarray, classes: list[str], title: str) -> Figure:
    """Draw percent of the row above n without the diagonal; the worst cell is the darkest."""
    errors = confusion * (1 - np.eye(len(confusion), dtype=np.int64))
    fractions = _divide(errors, confusion.sum(axis=1, keepdims=True))
    texts = [
        f"{fraction:.2%}\n{n}" if n else "" for fraction, n in zip(fractions.flat, errors.flat, strict=True)
    ]
    return _draw_matrix(0.9 * fractions / max(fractions.max(), 1e-9), texts, classes, title)


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole != 0)


def _draw_matrix(shades: np.ndarray, texts: list[str], classes: list[str], title: str) -> Figure:
    """Draw shades in [0, 1] (n_classes, n_classes) below their texts, row by row."""
    figure, ax = new_figure(8, 7.6)
    ax.imshow(shades, cmap="Blues", vmin=0, vmax=1.1)
    for ((row, column), shade), text in zip(np.ndenumerate(shades), texts, strict=True):
        colour = "white" if shade > 0.6 else "black"
        ax.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    ticks = np.arange(len(classes))
    turned = 0 if max(map(len, classes)) < 3 else 45
    ax.set_xticks(ticks, classes, rotation=turned, ha="right" if turned else "center")
    ax.set_yticks(ticks, classes)
    ax.set(xlabel="Prediction", ylabel="Label", title=title)
    return figure


def find_worst_pairs(result: TestResult, confusion: np.ndarray) -> tuple[pd.DataFrame, Figure]:
    """Return the most frequent errors, and a picture of the images of each, the most confident first.

    Columns: label, prediction, count, fraction (of the label's images), shown (indices of the images).
    """
    pairs, names = rank_confusions(confusion, PAIRS), np.array(result.classes)
    shown, rows = [], []
    for label, prediction, count, fraction in zip(*(pairs[column] for column in pairs), strict=True):
        confused = (result.test.labels == label) & (result.predictions == prediction)
        positions = result.most_confident(confused, IMAGES)
        shown.append(" ".join(map(str, result.test.indices[positions])))
        tiles = [Tile(result.test.images[i], f"{result.confidences[i]:.0%}") for i in positions]
        rows.append((f"{names[label]} taken for {names[prediction]}:\n{count} ({fraction:.1%})", tiles))
    table = pairs.assign(label=names[pairs["label"]], prediction=names[pairs["prediction"]], shown=shown)
    title = (
        f"{result.title}: the most frequent errors (fraction of the label's test images) and the confidence "
        f"in up to {IMAGES} of each"
    )
    return table, draw_grid(rows or [("", [])], title)
