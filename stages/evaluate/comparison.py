"""Where classifiers differ: McNemar's test, images only one gets right, images of doubtful label."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.classification.intervals import mcnemar
from digits.analysis.classification.metrics import agreement_by_class
from digits.drawing.grid import Row, Tile, draw_grid, fold
from stages.evaluate.context import TestResult

IMAGES, COLUMNS, DOUBTFUL_COLUMNS = 20, 10, 8


def compare(first: TestResult, second: TestResult) -> tuple[dict[str, float], pd.DataFrame]:
    """Return the logarithm of McNemar's p with the counts of who is right, and the counts per class."""
    names = (first.name, second.name)
    table = agreement_by_class(first.test.labels, first.correct, second.correct, first.classes, names)
    counts = {name: int(table[name].sum()) for name in table.columns[2:]}
    p = mcnemar(*(counts[f"only_{name}_right"] for name in names))
    return {"mcnemar_log10_p": float(np.log10(max(p, np.finfo(float).tiny))), **counts}, table


def show_disagreement(
    results: Sequence[TestResult], p_values: Sequence[float]
) -> tuple[pd.DataFrame, Figure]:
    """Return the images that only one of two networks gets right, up to IMAGES each, for every pair.

    p_values: of McNemar's test, for each of the pairs
    """
    pairs, rows, tables = list(combinations(results, 2)), list[Row](), []
    for right, wrong in (each for pair in pairs for each in (pair, pair[::-1])):
        chosen = right.correct & ~wrong.correct
        positions = wrong.most_confident(chosen, IMAGES)
        name = f"{right.title} right, {wrong.title} wrong\n({len(positions)} of {chosen.sum()})"
        rows += fold(wrong.tiles(positions, "{label}, not {prediction}"), COLUMNS, name)
        tables.append(wrong.describe(positions).assign(right=right.name, wrong=wrong.name))
    tests = (f"{a.title} and {b.title}: p={p:.2g}" for (a, b), p in zip(pairs, p_values, strict=True))
    title = (
        f"Test images that only one network gets right, the other's most confident errors first, up to "
        f"{IMAGES} each; below: label and wrong prediction (McNemar's exact test, {'; '.join(tests)})"
    )
    return pd.concat(tables), draw_grid(rows, title)


def show_doubtful(results: Sequence[TestResult], doubtful: np.ndarray) -> tuple[pd.DataFrame, Figure]:
    """Return the images whose label human raters did not confirm, bool (n_test,), with all predictions."""
    positions, names = np.flatnonzero(doubtful), np.array(results[0].classes)
    predictions = {result.name: names[result.predictions[positions]] for result in results}
    table = results[0].describe(positions)[["index", "label"]].assign(**predictions)
    caption = "\n".join(["label {label}", *(f"{r.title} {{{r.name}}}" for r in results)])
    described = zip(results[0].test.images[positions], table.to_dict("records"), strict=True)
    tiles = [Tile(image, caption.format_map(row)) for image, row in described]
    agree = ", ".join(f"the {result.title} on {result.correct[positions].sum()}" for result in results)
    title = f"{len(positions)} test images of doubtful label; agreement with the label: {agree}"
    return table, draw_grid(fold(tiles, DOUBTFUL_COLUMNS), title)
