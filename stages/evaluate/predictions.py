"""Predictions of a classifier: confusion matrix, the most confident of each class, errors, the first ones."""

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.spatial.distance import cdist

from digits.analysis.classification.metrics import divide, rank_confusions
from digits.data.splits import Split
from digits.drawing.grid import Row, Tile, draw_grid, fold
from digits.drawing.style import BAD, GOOD, draw_cells, new_figure
from digits.networks.common.saved import predict
from stages.evaluate.context import TestResult

IMAGES = 12  # in a row of a gallery, at most
PREDICTIONS, COLUMNS = 25, 9
PROBABILITIES = 20
PAIRS, PAIR_IMAGES = 10, 8
ERRORS, NEIGHBOURS = 10, 5
GALLERIES = {  # what is below an image, and what the images are
    "true_positives": ("", "images recognized as their class, the most confident first"),
    "false_positives": (
        "{label}",
        "images wrongly taken for this class, the most confident first; below: the label",
    ),
    "false_negatives": (
        "{prediction}",
        "images of this class not recognized, the most confident first; below: the prediction",
    ),
}


def draw_rows(confusion: np.ndarray, classes: list[str], title: str) -> Figure:
    """Draw percent of the row above n of the row's N; the diagonal has the recall of each class."""
    totals = np.broadcast_to(confusion.sum(axis=1, keepdims=True), confusion.shape)
    fractions = divide(confusion, totals)
    cells = zip(fractions.flat, confusion.flat, totals.flat, strict=True)
    texts = [f"{fraction:.1%}\n{n}/{total}" if n else "" for fraction, n, total in cells]
    return _draw_matrix(np.sqrt(fractions), texts, classes, title)  # the root makes 1% visible


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
    for label, prediction, count, fraction in pairs.itertuples(index=False, name=None):
        confused = (result.test.labels == label) & (result.predictions == prediction)
        positions = result.most_confident(confused, PAIR_IMAGES)
        shown.append(" ".join(map(str, result.test.indices[positions])))
        name = f"{names[label]} taken for {names[prediction]}:\n{count} ({fraction:.1%})"
        rows.append((name, result.tiles(positions, "{confidence:.0%}")))
    table = pairs.assign(label=names[pairs["label"]], prediction=names[pairs["prediction"]], shown=shown)
    title = (
        f"{result.title}: the most frequent errors, with their fraction of the label's test images; below "
        f"up to {PAIR_IMAGES} images of each: the confidence"
    )
    return table, draw_grid(rows or [("", [])], title)


def draw_gallery(result: TestResult, gallery: str) -> tuple[pd.DataFrame, Figure]:
    """Return table and picture of one of GALLERIES, with one row per class."""
    caption, description = GALLERIES[gallery]
    chosen = result.correct if gallery == "true_positives" else ~result.correct
    classes = result.predictions if gallery == "false_positives" else result.test.labels
    rows, tables = [], []
    for number, name in enumerate(result.classes):
        mine = chosen & (classes == number)
        positions = result.most_confident(mine, IMAGES)
        rows.append((f"{name}  ({len(positions)} of {mine.sum()})", result.tiles(positions, caption)))
        tables.append(result.describe(positions).assign(row=name))
    return pd.concat(tables), draw_grid(rows, f"{result.title}, {gallery.replace('_', ' ')}: {description}")


def draw_first_predictions(result: TestResult) -> tuple[pd.DataFrame, Figure]:
    """Return the predictions of the first test images, as a table and below the images."""
    first = np.arange(len(result.test))[:PREDICTIONS]
    table, right = result.describe(first), result.correct[first]
    captions = table["prediction"].where(right, table["prediction"] + "\n(label " + table["label"] + ")")
    described = zip(result.test.images, captions, right, strict=False)
    tiles = [Tile(image, caption, GOOD if good else BAD) for image, caption, good in described]
    title = f"{result.title}: the first predictions, {right.sum()} of {len(table)} right (blue; red: wrong)"
    return table, draw_grid(fold(tiles, COLUMNS), title)


def draw_first_probabilities(result: TestResult) -> tuple[pd.DataFrame, Figure]:
    """Return the probabilities of the first test images: a column per class after index and label.

    In the picture the cell of the label is framed, and 0.00 is left blank.
    """
    first, classes = np.arange(len(result.test))[:PROBABILITIES], result.classes
    shown = result.probabilities[first]
    table = result.describe(first)[["index", "label"]].join(pd.DataFrame(shown, columns=classes))
    figure, ax = new_figure(0.68 * len(classes) + 1.6, 0.28 * len(shown) + 1.2)
    draw_cells(ax, shown, [f"{value:.2f}" if value >= 0.005 else "" for value in shown.flat], 1.2)
    for row, label in enumerate(result.test.labels[first]):
        ax.add_patch(Rectangle((label - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=BAD, linewidth=1.5))
    ax.set_xticks(np.arange(len(classes)), classes, rotation=0 if max(map(len, classes)) < 6 else 30)
    ax.set_yticks(first, table["index"])
    ax.set(xlabel="Class", ylabel="Test image (index in the file)", aspect="auto")
    ax.set_title(f"{result.title}: probabilities of the first images (framed: label; blank: below 0.005)")
    return table, figure


def find_nearest(queries: np.ndarray, references: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and Euclidean distances of the n references (m, d) nearest to each query (k, d).

    int64 and float64 (k, n), nearest first; of equal distances the lower position.
    """
    distances = cdist(queries, references)
    order = np.argsort(distances, axis=1, kind="stable")[:, :n]
    return order, np.take_along_axis(distances, order, axis=1)


def compare_with_training(
    result: TestResult, model: keras.Model, train: Split
) -> tuple[pd.DataFrame, Figure]:
    """Return up to ERRORS errors, each with its nearest training images by the last hidden layer.

    The table has one row per neighbour; indices are those of the original files.
    """
    errors, names = result.most_confident(~result.correct, ERRORS), np.array(result.classes)
    features = keras.Model(model.inputs, model.layers[-1].input)
    images = (result.test.images[errors], train.images)
    queries, references = (predict(features, x) if len(errors) else np.zeros((0, 1)) for x in images)
    found, distances = find_nearest(queries, references, NEIGHBOURS)
    table = result.describe(np.repeat(errors, found.shape[1])).assign(
        rank=np.tile(np.arange(1, found.shape[1] + 1), len(errors)),
        neighbour=train.indices[found.ravel()],
        neighbour_label=names[train.labels[found.ravel()]],
        distance=distances.ravel(),
    )
    rows: list[Row] = []
    for error, nearest in zip(errors, found, strict=True):
        label, prediction = names[result.test.labels[error]], names[result.predictions[error]]
        name = f"label {label}, taken for {prediction}\n({result.confidences[error]:.1%} confident)"
        neighbours = zip(train.images[nearest], names[train.labels[nearest]], strict=True)
        colours = {label: GOOD, prediction: BAD}
        tiles = [Tile(image, word, colours.get(word, "black")) for image, word in neighbours]
        rows.append((name, [Tile(result.test.images[error], "test"), *tiles]))
    title = (
        f"{result.title}: its most confident errors, each followed by the {NEIGHBOURS} nearest training "
        "images in its last hidden layer; blue: the test label, red: the prediction, black: another class"
    )
    return table, draw_grid(rows or [("", [])], title)
