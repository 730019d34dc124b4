"""Images and predictions: the first, the most confident of each class, errors beside similar images."""

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.spatial.distance import cdist

from digits.data.splits import Split
from digits.drawing.grid import Row, Tile, draw_grid, fold
from digits.drawing.style import BAD, GOOD, draw_cells, new_figure
from digits.networks.common.saved import predict
from stages.evaluate.context import TestResult

IMAGES = 12  # in a row of a gallery, at most
PREDICTIONS, COLUMNS = 25, 9
PROBABILITIES = 20
ERRORS, NEIGHBOURS = 10, 5
GALLERIES = {  # what is below an image, and what the images are
    "true_positives": ("", "images recognised as their class, the most confident first"),
    "false_positives": (
        "{label}",
        "images wrongly taken for this class, the most confident first; below: the label",
    ),
    "false_negatives": (
        "{prediction}",
        "images of this class not recognised, the most confident first; below: the prediction",
    ),
}


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
    described = zip(result.tiles(errors, "test"), result.describe(errors).to_dict("records"), strict=True)
    rows: list[Row] = []
    for (tile, row), nearest in zip(described, found, strict=True):
        name = "label {label}, taken for {prediction}\n({confidence:.1%} confident)".format_map(row)
        words, colours = names[train.labels[nearest]], {row["label"]: GOOD, row["prediction"]: BAD}
        neighbours = zip(train.images[nearest], words, strict=True)
        tiles = [Tile(image, word, colours.get(word, "black")) for image, word in neighbours]
        rows.append((name, [tile, *tiles]))
    title = (
        f"{result.title}: its most confident errors, each followed by the {NEIGHBOURS} nearest training "
        "images in its last hidden layer; blue: the test image's label, red: the predicted class"
    )
    return table, draw_grid(rows or [("", [])], title)
