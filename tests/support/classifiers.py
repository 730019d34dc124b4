"""Classifiers that are right, wrong and awkward, for several test files."""

import numpy as np

CASES = ["usual", "never predicted", "absent", "both", "perfect", "tied"]


def make_case(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (200,) and probabilities (200, 5)."""
    rng = np.random.default_rng(4)
    labels = rng.integers(5, size=200).astype(np.uint8)
    logits = rng.normal(size=(200, 5)) + 1.5 * np.eye(5)[labels]
    if name == "never predicted":
        logits[:, 3] = -9
    if name in ("absent", "both"):
        labels[labels == 2] = 1
    if name == "both":
        logits[:, 2] = -9
    if name == "perfect":
        logits = 9 * np.eye(5)[labels]
    if name == "tied":
        logits = np.round(logits) + 0.01 * np.arange(5)  # ties between images, none within one
    odds = np.exp(logits)
    return labels, odds / odds.sum(axis=1, keepdims=True)
