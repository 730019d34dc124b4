"""The test images whose label human raters did not confirm, and what the networks say."""

from pathlib import Path

import numpy as np

from digits.data.files import write_table
from digits.drawing.style import save
from stages.evaluate.mosaic import Tile, draw_mosaic, fold
from stages.evaluate.outcome import Outcome

COLUMNS = 8


def report(doubtful: np.ndarray, first: Outcome, second: Outcome, folder: Path) -> None:
    """Write the doubtful images, bool (n_test,), with their label and two predictions."""
    positions, classes = np.flatnonzero(doubtful), first.classes
    names = np.array(classes)
    table = first.describe(positions)[["index", "label"]]
    for outcome in (first, second):
        table[outcome.name] = names[outcome.predictions[positions]]
    write_table(folder / "doubtful.csv", table)
    tiles = [
        Tile(
            first.test.images[i],
            f"label {row['label']}\n{first.title} {row[first.name]}\n{second.title} {row[second.name]}",
        )
        for i, row in zip(positions, table.to_dict("records"), strict=True)
    ]
    agree = [int(outcome.correct[positions].sum()) for outcome in (first, second)]
    title = (
        f"test images of doubtful label: {len(positions)}; the {first.title} agrees with the label in "
        f"{agree[0]}, the {second.title} in {agree[1]}"
    )
    save(folder / "doubtful.png", draw_mosaic(fold(tiles, COLUMNS), title))
