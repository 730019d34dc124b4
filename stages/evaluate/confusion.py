"""The confusion matrix in four pictures, and the pairs of classes that are most often confused."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.classification.metrics import class_table, confusion_matrix, rank_confusions
from digits.data.files import write_table
from digits.drawing.style import new_figure, save
from stages.evaluate.mosaic import Tile, draw_mosaic
from stages.evaluate.outcome import Outcome

PAIRS, IMAGES = 10, 8


def report(outcome: Outcome, caption: str, folder: Path) -> None:
    """Write the matrix and the table per class, the four pictures, the worst pairs and their images."""
    classes = outcome.classes
    confusion = confusion_matrix(outcome.test.labels, outcome.predictions, len(classes))
    matrix = pd.DataFrame(confusion, index=pd.Index(classes, name="label"), columns=classes)
    write_table(folder / "confusion.csv", matrix, index=True)
    write_table(folder / "classes.csv", class_table(confusion, classes))
    save(folder / "confusion.png", draw_rows(confusion, classes, caption))
    save(folder / "confusion_counts.png", draw_counts(confusion, classes, f"{outcome.title}: test images"))
    columns = f"{outcome.title}: of the images with one prediction, how many have which label"
    save(folder / "confusion_columns.png", draw_columns(confusion, classes, columns))
    errors = f"{outcome.title}: the {len(outcome.test) - confusion.trace()} errors alone"
    save(folder / "confusion_errors.png", draw_errors(confusion, classes, errors))
    _report_worst_pairs(outcome, confusion, folder)


def draw_rows(confusion: np.ndarray, classes: list[str], title: str) -> Figure:
    """Draw percent of the row above n of the row's N; the diagonal has the recall of each class."""
    return _draw_shares(confusion, confusion.sum(axis=1, keepdims=True), classes, title)


def draw_columns(confusion: np.ndarray, classes: list[str], title: str) -> Figure:
    """Draw percent of the column above n of the column's N; the diagonal has the precision."""
    return _draw_shares(confusion, confusion.sum(axis=0, keepdims=True), classes, title)


def draw_counts(confusion: np.ndarray, classes: list[str], title: str) -> Figure:
    """Draw the number of images in each cell."""
    texts = np.array([str(count) if count else "" for count in confusion.flat])
    return _draw_matrix(np.sqrt(confusion / max(confusion.max(), 1)), texts, classes, title)


def draw_errors(confusion: np.ndarray, classes: list[str], title: str) -> Figure:
    """Draw percent of the row above n without the diagonal; the worst cell is the darkest."""
    errors = confusion * (1 - np.eye(len(confusion), dtype=np.int64))
    shares = _divide(errors, confusion.sum(axis=1, keepdims=True))
    texts = [f"{share:.2%}\n{n}" if n else "" for share, n in zip(shares.flat, errors.flat, strict=True)]
    return _draw_matrix(0.9 * shares / max(shares.max(), 1e-9), np.array(texts), classes, title)


def _draw_shares(confusion: np.ndarray, totals: np.ndarray, classes: list[str], title: str) -> Figure:
    shares, wholes = _divide(confusion, totals), np.broadcast_to(totals, confusion.shape)
    texts = [
        f"{share:.1%}\n{n}/{whole}" if n else ""
        for share, n, whole in zip(shares.flat, confusion.flat, wholes.flat, strict=True)
    ]
    return _draw_matrix(np.sqrt(shares), np.array(texts), classes, title)  # the root shows a percent, too


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole != 0)


def _draw_matrix(shades: np.ndarray, texts: np.ndarray, classes: list[str], title: str) -> Figure:
    """Draw shades in [0, 1] (n_classes, n_classes) under texts (n_classes * n_classes,)."""
    figure, ax = new_figure(8, 7.6)
    ax.imshow(shades, cmap="Blues", vmin=0, vmax=1.1)
    for (row, column), text in np.ndenumerate(texts.reshape(shades.shape)):
        colour = "white" if shades[row, column] > 0.6 else "black"
        ax.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    ticks = np.arange(len(classes))
    turned = 0 if max(map(len, classes)) < 3 else 45
    ax.set_xticks(ticks, classes, rotation=turned, ha="right" if turned else "center")
    ax.set_yticks(ticks, classes)
    ax.set(xlabel="prediction", ylabel="label", title=title)
    return figure


def _report_worst_pairs(outcome: Outcome, confusion: np.ndarray, folder: Path) -> None:
    """Write the most frequent errors, and the first images of each, the most confident first."""
    pairs, names = rank_confusions(confusion, PAIRS), np.array(outcome.classes)
    shown, rows = [], []
    for label, prediction, count, share in zip(*(pairs[column] for column in pairs), strict=True):
        confused = (outcome.test.labels == label) & (outcome.predictions == prediction)
        positions = outcome.most_confident(confused, IMAGES)
        shown.append(" ".join(map(str, outcome.test.indices[positions])))
        tiles = [Tile(outcome.test.images[i], f"{outcome.confidences[i]:.0%}") for i in positions]
        rows.append((f"{names[label]} taken for {names[prediction]}:\n{count} ({share:.1%})", tiles))
    table = pairs.assign(label=names[pairs["label"]], prediction=names[pairs["prediction"]], shown=shown)
    write_table(folder / "worst_pairs.csv", table)
    title = (
        f"{outcome.title}: the most frequent errors (share of the label's test images) and its confidence "
        f"in up to {IMAGES} of each"
    )
    save(folder / "worst_pairs.png", draw_mosaic(rows or [("", [])], title))
