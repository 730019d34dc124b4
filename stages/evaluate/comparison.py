"""Where classifiers differ: McNemar's test, images only one gets right, images of doubtful label."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.classification.mcnemar import agreement_by_class, mcnemar
from digits.drawing.grid import Row, Tile, draw_grid, fold
from stages.evaluate.context import TestResult

IMAGES, COLUMNS, DOUBTFUL_COLUMNS = 20, 10, 8

Pair = tuple[TestResult, TestResult]


def compare(first: TestResult, second: TestResult) -> tuple[dict[str, float], pd.DataFrame]:
    """Return the logarithm of McNemar's p with the counts of who is right, and the counts per class."""
    table = agreement_by_class(
        first.test.labels, first.correct, second.correct, first.classes, (first.name, second.name)
    )
    counts = {name: int(table[name].sum()) for name in table.columns[2:]}
    p = mcnemar(*(counts[f"only_{result.name}_right"] for result in (first, second)))
    return {"mcnemar_log10_p": float(np.log10(max(p, np.finfo(float).tiny))), **counts}, table


def tabulate_disagreement(results: Sequence[TestResult]) -> pd.DataFrame:
    """Return the images that only one of two networks gets right, up to IMAGES each: right, wrong, ..."""
    tables = [
        wrong.describe(_find(right, wrong)).assign(right=right.name, wrong=wrong.name)
        for pair in combinations(results, 2)
        for right, wrong in (pair, pair[::-1])
    ]
    return pd.concat(tables)


def draw_disagreement(results: Sequence[TestResult], p_values: Sequence[float]) -> Figure:
    """Draw the images that only one of two networks gets right, for every pair of networks.

    p_values: of McNemar's test, for each of the pairs
    """
    pairs = list(combinations(results, 2))
    rows = [row for pair in pairs for right, wrong in (pair, pair[::-1]) for row in _rows(right, wrong)]
    tests = "; ".join(
        f"{first.title} and {second.title}: p={p:.2g}"
        for (first, second), p in zip(pairs, p_values, strict=True)
    )
    title = (
        f"Test images that only one network gets right, the other's most confident errors first, up to "
        f"{IMAGES} each; below: label and wrong prediction (McNemar's exact test, {tests})"
    )
    return draw_grid(rows, title)


def _find(right: TestResult, wrong: TestResult) -> np.ndarray:
    return wrong.most_confident(right.correct & ~wrong.correct, IMAGES)


def _rows(right: TestResult, wrong: TestResult) -> list[Row]:
    """Return the images that only `right` gets right as rows; the first one has the name."""
    classes = wrong.classes
    tiles = [
        Tile(wrong.test.images[i], f"{classes[wrong.test.labels[i]]}, not {classes[wrong.predictions[i]]}")
        for i in _find(right, wrong)
    ]
    total = int((right.correct & ~wrong.correct).sum())
    return fold(tiles, COLUMNS, f"{right.title} right, {wrong.title} wrong\n({len(tiles)} of {total})")


def tabulate_doubtful(results: Sequence[TestResult], doubtful: np.ndarray) -> pd.DataFrame:
    """Return one row per doubtful image, bool (n_test,): index, label, and each network's prediction."""
    positions, names = np.flatnonzero(doubtful), np.array(results[0].classes)
    predictions = {result.name: names[result.predictions[positions]] for result in results}
    return results[0].describe(positions)[["index", "label"]].assign(**predictions)


def draw_doubtful(results: Sequence[TestResult], doubtful: np.ndarray) -> Figure:
    """Draw the images whose label human raters did not confirm, with label and predictions."""
    positions, table = np.flatnonzero(doubtful), tabulate_doubtful(results, doubtful)
    tiles = [
        Tile(image, "\n".join([f"label {row['label']}", *(f"{r.title} {row[r.name]}" for r in results)]))
        for image, row in zip(results[0].test.images[positions], table.to_dict("records"), strict=True)
    ]
    agree = ", ".join(f"the {result.title} on {result.correct[positions].sum()}" for result in results)
    title = f"{len(positions)} test images of doubtful label; agreement with the label: {agree}"
    return draw_grid(fold(tiles, DOUBTFUL_COLUMNS), title)
