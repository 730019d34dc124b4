"""The most confident errors beside the training images that the network finds most similar."""

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.spatial.distance import cdist

from digits.data.splits import Split
from digits.drawing.grid import Row, Tile, draw_grid
from digits.drawing.style import BAD, GOOD
from digits.networks.common.saved import predict
from stages.evaluate.context import TestResult

ERRORS, NEIGHBOURS = 10, 5


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
    errors = result.most_confident(~result.correct, ERRORS)
    features = keras.Model(model.inputs, model.layers[-1].input)
    queries = predict(features, result.test.images[errors]) if len(errors) else np.zeros((0, 1))
    references = predict(features, train.images) if len(errors) else np.zeros((0, 1))
    found, distances = find_nearest(queries, references, NEIGHBOURS)
    table = result.describe(np.repeat(errors, found.shape[1])).assign(
        rank=np.tile(np.arange(1, found.shape[1] + 1), len(errors)),
        neighbour=train.indices[found.ravel()],
        neighbour_label=np.array(result.classes)[train.labels[found.ravel()]],
        distance=distances.ravel(),
    )
    rows = [_row(result, train, i, nearest) for i, nearest in zip(errors, found, strict=True)]
    title = (
        f"{result.title}: its most confident errors, each followed by the {NEIGHBOURS} nearest training "
        "images in its last hidden layer; blue: the test image's label, red: the predicted class"
    )
    return table, draw_grid(rows or [("", [])], title)


def _row(result: TestResult, train: Split, error: int, nearest: np.ndarray) -> Row:
    label, prediction = result.test.labels[error], result.predictions[error]
    colours = {label: GOOD, prediction: BAD}
    name = (
        f"label {result.classes[label]}, taken for {result.classes[prediction]}\n"
        f"({result.confidences[error]:.1%} confident)"
    )
    return name, [
        Tile(result.test.images[error], "test"),
        *(
            Tile(train.images[i], result.classes[train.labels[i]], colours.get(train.labels[i], "black"))
            for i in nearest
        ),
    ]
