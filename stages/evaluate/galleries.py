"""Galleries of right and wrong answers, one row a class."""

from pathlib import Path

import numpy as np
import pandas as pd

from digits.data.files import write_table
from digits.drawing.style import save
from stages.evaluate.mosaic import Tile, draw_mosaic
from stages.evaluate.outcome import Outcome


def report(outcome: Outcome, n: int, folder: Path) -> None:
    """Write the true positives, false positives and false negatives, up to n a class."""
    labels, predictions = outcome.test.labels, outcome.predictions
    galleries = {
        "true_positives": (outcome.correct, labels, labels, "images recognised as their class"),
        "false_positives": (~outcome.correct, predictions, labels, "images wrongly taken for this class"),
        "false_negatives": (
            ~outcome.correct,
            labels,
            predictions,
            "images of this class not recognised",
        ),
    }
    for name, (chosen, rows, captions, meaning) in galleries.items():
        ordered = "the most confident first"
        below = {"false_positives": "; below, the label", "false_negatives": "; below, the prediction"}
        title = f"{outcome.title}, {name.replace('_', ' ')}: {meaning}, {ordered}{below.get(name, '')}"
        _write(folder / name, outcome, (chosen, rows, captions), n, title)


def _write(
    path: Path, outcome: Outcome, gallery: tuple[np.ndarray, np.ndarray, np.ndarray], n: int, title: str
) -> None:
    """Write the first n of the chosen images of each row, path.png and path.csv."""
    chosen, rows, captions = gallery
    drawn, tables = [], []
    for number, name in enumerate(outcome.classes):
        mine = chosen & (rows == number)
        positions = outcome.most_confident(mine, n)
        words = ["" if captions[i] == number else outcome.classes[captions[i]] for i in positions]
        tiles = [Tile(outcome.test.images[i], word) for i, word in zip(positions, words, strict=True)]
        drawn.append((f"{name}  ({len(positions)} of {mine.sum()})", tiles))
        tables.append(outcome.describe(positions).assign(row=name))
    write_table(path.with_suffix(".csv"), pd.concat(tables))
    save(path.with_suffix(".png"), draw_mosaic(drawn, title))
