"""Where two networks differ: McNemar's test, who errs in which class, images only one gets right."""

from pathlib import Path

import numpy as np
import pandas as pd

from digits.analysis.classification.mcnemar import agreement_by_class, mcnemar
from digits.data.files import write_table
from digits.drawing.style import save
from stages.evaluate.mosaic import Tile, draw_mosaic, fold
from stages.evaluate.outcome import Outcome

IMAGES, COLUMNS = 20, 10


def report(first: Outcome, second: Outcome, folder: Path) -> dict[str, float]:
    """Write the table and the picture; return the logarithm of McNemar's p, and who gets how many right."""
    table = agreement_by_class(
        first.test.labels, first.correct, second.correct, first.classes, (first.name, second.name)
    )
    write_table(folder / "disagreement.csv", table)
    figures = {name: int(table[name].sum()) for name in table.columns[2:]}
    p = mcnemar(*(figures[f"only_{outcome.name}_right"] for outcome in (first, second)))
    pairs = ((first, second), (second, first))
    rows = [row for right, wrong in pairs for row in _rows(right, wrong)]
    title = (
        f"test images that only one network gets right, by the other's confidence, up to {IMAGES} each; "
        f"below, the label and the other's answer (McNemar's exact test: p = {p:.2g})"
    )
    save(folder / "disagreement.png", draw_mosaic(rows, title))
    shown = [wrong.describe(_positions(right, wrong)).assign(wrong=wrong.name) for right, wrong in pairs]
    write_table(folder / "disagreement_images.csv", pd.concat(shown))
    return {"mcnemar_log10_p": float(np.log10(max(p, np.finfo(float).tiny))), **figures}


def _positions(right: Outcome, wrong: Outcome) -> np.ndarray:
    return wrong.most_confident(right.correct & ~wrong.correct, IMAGES)


def _rows(right: Outcome, wrong: Outcome) -> list[tuple[str, list[Tile]]]:
    """Return the images that only `right` gets right as rows; the first has the name."""
    classes = wrong.classes
    tiles = [
        Tile(wrong.test.images[i], f"{classes[wrong.test.labels[i]]}, not {classes[wrong.predictions[i]]}")
        for i in _positions(right, wrong)
    ]
    total = int((right.correct & ~wrong.correct).sum())
    (_, head), *tail = fold(tiles, COLUMNS)
    return [(f"only the {right.title}\n({len(tiles)} of {total})", head), *tail]
