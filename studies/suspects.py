"""Confident learning: labels that networks which never saw them do not believe.

Northcutt, Jiang and Chuang (2021), Journal of Artificial Intelligence Research 70: 1373-1411, as
cleanlab computes it.
"""

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_self_confidence_for_each_label

from digits.data.splits import Split


def find(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the rows of doubtful labels, int64, the least believed first."""
    found = find_label_issues(
        labels.astype(np.int64),
        _normalised(probabilities),
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    return np.asarray(found, dtype=np.int64)


def tabulate(split: Split, probabilities: np.ndarray, rows: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return one row a suspect: rank, index in the original file, label, suggestion, confidence in both."""
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
    """Return how many rows were flipped and how many are suspected, recall and precision.

    top_precision: share of flipped ones among as many suspects, the most suspicious, as were flipped.
    """
    right = np.isin(found, flipped)
    return {
        "flipped": len(flipped),
        "suspected": len(found),
        "recall": float(right.sum() / len(flipped)),
        "precision": float(right.mean()) if len(found) else 0.0,
        "top_precision": float(right[: len(flipped)].sum() / len(flipped)),
    }


def _normalised(probabilities: np.ndarray) -> np.ndarray:
    values = probabilities.astype(np.float64)
    return np.asarray(values / values.sum(axis=1, keepdims=True))
