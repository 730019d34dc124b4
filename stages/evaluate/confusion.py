"""The confusion matrix of a classifier, and the pairs of classes that it confuses most often."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.classification.metrics import divide, rank_confusions
from digits.drawing.grid import draw_grid
from digits.drawing.style import draw_cells, new_figure
from stages.evaluate.context import TestResult

PAIRS, IMAGES = 10, 8


def draw_rows(confusion: np.ndarray, classes: list[str], title: str) -> Figure:
    """Draw percent of the row above n of the row's N; the diagonal has the recall of each class."""
    totals = np.broadcast_to(confusion.sum(axis=1, keepdims=True), confusion.shape)
    fractions = divide(confusion, totals)
    cells = zip(fractions.flat, confusion.flat, totals.flat, strict=True)
    texts = [f"{fraction:.1%}\n{n}/{total}" if n else "" for fraction, n, total in cells]
    return _draw_matrix(np.sqrt(fractions), texts, classes, title)  # the root makes 1 % visible


def draw_errors(confusion: np.ndarray, classes: list[str], title: str) -> Figure:
    """Draw percent of the row above n without the diagonal; the worst cell is the darkest."""
    errors = confusion - np.diag(confusion.diagonal())
    fractions = divide(errors, confusion.sum(axis=1, keepdims=True))
    cells = zip(fractions.flat, errors.flat, strict=True)
    texts = [f"{fraction:.2%}\n{n}" if n else "" for fraction, n in cells]
    return _draw_matrix(0.9 * fractions / max(fractions.max(), 1e-9), texts, classes, title)


def _draw_matrix(shades: np.ndarray, texts: list[str], classes: list[str], title: str) -> Figure:
    figure, ax = new_figure(8, 7.6)
    draw_cells(ax, shades, texts, 1.1)
    ticks, turned = np.arange(len(classes)), max(map(len, classes)) > 2
    ax.set_xticks(ticks, classes, rotation=45 * turned, ha="right" if turned else "center")
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
        name = f"{names[label]} taken for {names[prediction]}:\n{count} ({fraction:.1%})"
        rows.append((name, result.tiles(positions, "{confidence:.0%}")))
    table = pairs.assign(label=names[pairs["label"]], prediction=names[pairs["prediction"]], shown=shown)
    title = (
        f"{result.title}: the most frequent errors (fraction of the label's test images) and the confidence "
        f"in up to {IMAGES} of each"
    )
    return table, draw_grid(rows or [("", [])], title)
