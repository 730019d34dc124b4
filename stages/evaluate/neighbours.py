"""The most confident errors beside the training images that the network finds most like them."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from digits.analysis.classification.neighbours import find_nearest
from digits.data.files import write_table
from digits.data.splits import Split
from digits.drawing.style import BAD, GOOD, save
from digits.networks.common.saved import predict
from stages.evaluate.mosaic import Tile, draw_mosaic
from stages.evaluate.outcome import Outcome

ERRORS, NEIGHBOURS = 10, 5


def report(outcome: Outcome, model: keras.Model, train: Split, folder: Path) -> None:
    """Write up to ten errors and the five nearest training images of each, by the last hidden layer."""
    errors = outcome.most_confident(~outcome.correct, ERRORS)
    features = keras.Model(model.inputs, model.layers[-1].input)
    queries = predict(features, outcome.test.images[errors]) if len(errors) else np.zeros((0, 1))
    references = predict(features, train.images) if len(errors) else np.zeros((0, 1))
    found, distances = find_nearest(queries, references, NEIGHBOURS)
    table = tabulate(outcome, train, errors, found).assign(distance=distances.ravel())
    write_table(folder / "nearest.csv", table)
    rows = [_row(outcome, train, i, nearest) for i, nearest in zip(errors, found, strict=True)]
    title = (
        f"{outcome.title}: its most confident errors, each before the {NEIGHBOURS} nearest training images "
        "in its last hidden layer; blue: has the test image's label, red: has the predicted one"
    )
    save(folder / "nearest.png", draw_mosaic(rows or [("", [])], title))


def tabulate(outcome: Outcome, train: Split, errors: np.ndarray, found: np.ndarray) -> pd.DataFrame:
    """Return one row a neighbour (k, n) of each error (k,); indices are those of the original files."""
    nearest = found.ravel()
    table = outcome.describe(np.repeat(errors, found.shape[1]))
    table["rank"] = np.tile(np.arange(1, found.shape[1] + 1), len(errors))
    table["neighbour"] = train.indices[nearest]
    table["neighbour_label"] = np.array(outcome.classes)[train.labels[nearest]]
    return table


def _row(outcome: Outcome, train: Split, error: int, nearest: np.ndarray) -> tuple[str, list[Tile]]:
    label, prediction = outcome.test.labels[error], outcome.predictions[error]
    colours = {label: GOOD, prediction: BAD}
    name = (
        f"label {outcome.classes[label]}, taken for {outcome.classes[prediction]}\n"
        f"({outcome.confidences[error]:.1%} confident)"
    )
    return name, [
        Tile(outcome.test.images[error], "test"),
        *(
            Tile(train.images[i], outcome.classes[train.labels[i]], colours.get(train.labels[i], "black"))
            for i in nearest
        ),
    ]
