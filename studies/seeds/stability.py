"""Measure which predictions differ between trainings with different seeds, and how far errors move."""

from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from pydantic import Field
from scipy.sparse import csr_array
from sklearn.metrics import confusion_matrix

from digits.analysis.classification.intervals import draw_counts, interval
from digits.data.files import read_array, write_json, write_table
from digits.data.splits import read_dataset, read_split
from digits.drawing.style import COLOURS, new_figure, save
from digits.pipeline.stage import Block, Confidence, Paths, Run, Seed, run_stage

SHOWN = 15  # cells of the confusion matrix in the picture, the fullest


class Stability(Block):
    """How sure the measured differences are."""

    bootstrap: int = Field(ge=10, description="resamples of the test images for each interval")


def main(paths: Paths, run: Run, seed: Seed, confidence: Confidence, stability: Stability) -> None:
    """Read labels and predictions; write the metrics, the cells of the confusion matrix and a picture."""
    labels, classes = read_split(paths.test).labels, read_dataset(paths.dataset)["classes"]
    predictions = read_array(paths.predictions)
    rng = np.random.default_rng(seed)
    counts = draw_counts(len(labels), stability.bootstrap, rng)
    write_json(paths.metrics, measure(labels, predictions, counts, confidence))
    cells = tabulate_cells(labels, predictions, classes)
    write_table(paths.data, cells)
    save(paths.plots / "cells.png", draw(cells.head(SHOWN), len(predictions), paths.net.upper()))


def measure(
    labels: np.ndarray, predictions: np.ndarray, counts: np.ndarray, confidence: float
) -> dict[str, float]:
    """Return accuracies, changed predictions and moved errors, means over all pairs of trainings.

    labels (n,), predictions (trainings, n), counts (n, resamples) of the bootstrap, level of the intervals
    changed: fraction of the images that two trainings predict differently
    moved: images that would have to change their cell of the confusion matrix to turn one training's
        matrix into the other's, half the sum of the absolute differences, as a fraction of n
    always_wrong, sometimes_wrong: fraction of the images that all trainings get wrong, and that some do
        but not all
    """
    wrong = predictions != labels
    accuracies = (predictions == labels).mean(axis=1)
    n_classes = int(max(labels.max(), predictions.max())) + 1
    cells = labels.astype(np.intp) * n_classes + predictions
    means = _compare_pairs(cells, np.ones((len(labels), 1)), n_classes)
    resampled = _compare_pairs(cells, counts, n_classes)
    intervals = {name: interval(means[name].item(), resampled[name], confidence) for name in means}
    return {
        "trainings": len(predictions),
        "accuracy": float(accuracies.mean()),
        "accuracy_sd": float(accuracies.std(ddof=1)),
        **{name: value.item() for name, value in means.items()},
        **{f"{name}_low": low for name, (low, _) in intervals.items()},
        **{f"{name}_high": high for name, (_, high) in intervals.items()},
        "always_wrong": float(wrong.all(axis=0).mean()),
        "sometimes_wrong": float((wrong.any(axis=0) & ~wrong.all(axis=0)).mean()),
    }


def tabulate_cells(labels: np.ndarray, predictions: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return the off-diagonal cells of the confusion matrix with their count in each training.

    Columns label, prediction, seed_1, seed_2 ...; the fullest on average first, empty ones left out.
    """
    matrices = [confusion_matrix(labels, each, labels=range(len(classes))) for each in predictions]
    rows, columns = np.nonzero(~np.eye(len(classes), dtype=bool))
    table = pd.DataFrame(
        {
            "label": [classes[row] for row in rows],
            "prediction": [classes[column] for column in columns],
            **{f"seed_{i}": matrix[rows, columns] for i, matrix in enumerate(matrices, start=1)},
        }
    )
    counts = table.filter(like="seed_").sum(axis=1)
    order = counts.sort_values(ascending=False, kind="stable").index
    return table.loc[order[counts[order] > 0]].reset_index(drop=True)


MARKERS, DOT_COLOURS = "osD^vP", (1, 0, 3, 5, 6)


def draw(cells: pd.DataFrame, n_seeds: int, name: str) -> Figure:
    """Draw the counts of off-diagonal cells of the confusion matrix, one dot per seed.

    cells: columns label, prediction, then seed_1, seed_2 ...
    """
    figure, ax = new_figure(7.6, 4.2)
    place = np.arange(len(cells))
    for number in range(n_seeds):
        shift = (number - (n_seeds - 1) / 2) * 0.12
        ax.plot(
            place + shift,
            cells[f"seed_{number + 1}"],
            linestyle="",
            marker=MARKERS[number % len(MARKERS)],
            ms=6,
            clip_on=False,  # a count of 0 lies on the border
            color=COLOURS[DOT_COLOURS[number % len(DOT_COLOURS)]],
            label=f"seed {number + 1}",
        )
    ax.set_xticks(place, cells["label"] + " as " + cells["prediction"], rotation=45, ha="right")
    title = f"{name}: test images per cell of the confusion matrix, by seed"
    ax.set(ylabel="test images", ylim=(0, None), title=title)
    ax.legend(fontsize=8, ncols=n_seeds)
    return figure


def _compare_pairs(cells: np.ndarray, weights: np.ndarray, n_classes: int) -> dict[str, np.ndarray]:
    """Return changed and moved, means over the pairs, one for each column of weights (n, m)."""
    total = weights.sum(axis=0)
    matrices = [_sum_by_cell(each, weights, n_classes**2) for each in cells]
    pairs = list(combinations(range(len(cells)), 2))
    changed = [(cells[i] != cells[j]) @ weights / total for i, j in pairs]
    moved = [np.abs(matrices[i] - matrices[j]).sum(axis=0) / (2 * total) for i, j in pairs]
    return {"changed": np.mean(changed, axis=0), "moved": np.mean(moved, axis=0)}


def _sum_by_cell(cells: np.ndarray, weights: np.ndarray, n_cells: int) -> np.ndarray:
    """Return the sum of the weights (n, m) in each cell, (n_cells, m)."""
    member = csr_array((np.ones(len(cells)), (cells, np.arange(len(cells)))), (n_cells, len(cells)))
    return np.asarray(member @ weights)


if __name__ == "__main__":
    run_stage(main)
