"""How far the predictions of networks that differ by their seed lie from each other."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from digits.analysis.classification.intervals import interval, weigh_equally
from digits.analysis.classification.metrics import confusion_matrix

CONFIDENCE = 0.95


def measure_seed_effects(labels: np.ndarray, predictions: np.ndarray, counts: np.ndarray) -> dict[str, float]:
    """Return accuracies, changed predictions and moved errors, means over all pairs of trainings.

    labels (n,), predictions (trainings, n), counts (n, resamples) of the bootstrap. changed: share of
    the images that two trainings predict differently. moved: images that would have to change their
    cell of the confusion matrix to turn one training's matrix into the other's, half the sum of the
    absolute differences, as a share of n. Intervals at the level CONFIDENCE. always_wrong, sometimes_wrong:
    share of the images that all trainings get wrong, and that some do but not all.
    """
    wrong = predictions != labels
    accuracies = (predictions == labels).mean(axis=1)
    n_classes = int(max(labels.max(), predictions.max())) + 1
    cells = labels.astype(np.intp) * n_classes + predictions
    found = _compare_pairs(cells, weigh_equally(len(labels)), n_classes)
    resampled = _compare_pairs(cells, counts, n_classes)
    intervals = {name: interval(found[name].item(), resampled[name], CONFIDENCE) for name in found}
    return {
        "trainings": len(predictions),
        "accuracy": float(accuracies.mean()),
        "accuracy_sd": float(accuracies.std(ddof=1)),
        **{name: value.item() for name, value in found.items()},
        **{f"{name}_low": low for name, (low, _) in intervals.items()},
        **{f"{name}_high": high for name, (_, high) in intervals.items()},
        "always_wrong": float(wrong.all(axis=0).mean()),
        "sometimes_wrong": float((wrong.any(axis=0) & ~wrong.all(axis=0)).mean()),
    }


def tabulate_cells(labels: np.ndarray, predictions: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return the off-diagonal cells of the confusion matrix with their count in each training.

    Columns label, prediction, seed_1, seed_2 ...; the fullest on average first, empty ones left out.
    """
    matrices = [confusion_matrix(labels, each, len(classes)) for each in predictions]
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


def _compare_pairs(cells: np.ndarray, weights: np.ndarray, n_classes: int) -> dict[str, np.ndarray]:
    """Return changed and moved, means over the pairs, once a column of weights (n, m)."""
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
