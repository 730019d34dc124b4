"""Find training images with a doubtful label, and test the search on labels flipped on purpose.

Confident learning lists the labels that networks do not believe that never saw them: Northcutt, Jiang and
Chuang (2021), Journal of Artificial Intelligence Research 70: 1373-1411, as cleanlab computes it.
"""

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_self_confidence_for_each_label
from matplotlib.figure import Figure

from digits.data.files import read_array, write_json, write_table
from digits.data.splits import Split, read_dataset, read_split
from digits.drawing.grid import Tile, draw_grid, fold
from digits.drawing.style import save
from digits.pipeline.stage import Paths, Run, run_stage


def main(paths: Paths, run: Run) -> None:
    """Read images and probabilities; write suspects, a picture, and how many flipped labels are found."""
    train, classes = read_split(paths.train), read_dataset(paths.dataset)["classes"]
    probabilities, labels, flipped = (
        read_array(paths.out_of_fold / f"{name}.npy")
        for name in ("probabilities", "flipped_labels", "flipped_probabilities")
    )
    suspects = find(train.labels, probabilities)
    table = tabulate(train, probabilities, suspects, classes)
    write_table(paths.data, table)
    save(paths.plots / "suspects.png", draw(train, suspects, table))
    scores = score(find(labels, flipped), np.flatnonzero(labels != train.labels))
    write_json(paths.metrics, {"suspects": len(suspects), "found_again": scores})


def find(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the positions of doubtful labels, int64, the least believed first.

    labels (n,), probabilities (n, n_classes) by networks that never saw these images
    """
    values = probabilities.astype(np.float64)
    found = find_label_issues(
        labels.astype(np.int64),
        values / values.sum(axis=1, keepdims=True),
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    return np.asarray(found, dtype=np.int64)


def tabulate(split: Split, probabilities: np.ndarray, rows: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return one row per suspect: rank, index in the original file, label, suggestion, confidence in both."""
    believed = get_self_confidence_for_each_label(split.labels[rows].astype(np.int64), probabilities[rows])
    suggested = probabilities[rows].argmax(axis=1)
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "index": split.indices[rows],
            "label": [classes[label] for label in split.labels[rows]],
            "suggestion": [classes[label] for label in suggested],
            "confidence_in_label": believed,
            "confidence_in_suggestion": probabilities[rows].max(axis=1),
        }
    )


def score(found: np.ndarray, flipped: np.ndarray) -> dict[str, float]:
    """Return how many labels were flipped and how many are suspected, recall and precision.

    top_precision: fraction of flipped labels among the most suspicious, as many as were flipped.
    """
    right = np.isin(found, flipped)
    return {
        "flipped": len(flipped),
        "suspected": len(found),
        "recall": float(right.sum() / len(flipped)),
        "precision": float(right.mean()) if len(found) else 0.0,
        "top_precision": float(right[: len(flipped)].sum() / len(flipped)),
    }


SHOWN, COLUMNS = 40, 10  # suspects in the picture, the most suspicious, and in one of its rows


def draw(train: Split, suspects: np.ndarray, table: pd.DataFrame) -> Figure:
    """Draw the most suspicious images in the order of `suspects`, with label and suggestion."""
    shown = zip(suspects[:SHOWN], table["label"], table["suggestion"], strict=False)
    tiles = [Tile(train.images[row], heading=f"{label}, or {other}?") for row, label, other in shown]
    title = f"{len(suspects)} of {len(train):,} labels are doubtful; the most doubtful first"
    return draw_grid(fold(tiles, COLUMNS), title)


if __name__ == "__main__":
    run_stage(main)
