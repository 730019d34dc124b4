"""A small context for the stage evaluate, and classifiers on it that are awkward in one way each."""

from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from digits.analysis.classification.intervals import draw_counts
from stages.evaluate.context import EvaluationContext, TestResult
from tests.support.helpers import random_split

CLASSES = ["T-shirt/top", "Bag", "Ankle boot"]
KINDS = ("usual", "perfect", "absent", "never predicted")


def make_context() -> EvaluationContext:
    """Return 30 test images, numbered from 100 by twos, of which two are doubtful."""
    test = replace(random_split(30, seed=1), indices=np.arange(100, 160, 2, dtype=np.int32))
    doubtful = np.isin(np.arange(30), [3, 7])
    weights = np.hstack([np.ones((30, 1)), draw_counts(30, 40, np.random.default_rng(0))])
    train, val = random_split(60), random_split(24, seed=2)
    return EvaluationContext(train, val, test, CLASSES, doubtful, weights, confidence=0.95, bins=5)


def make_result(kind: str = "usual", name: str = "mlp", seed: int = 0) -> TestResult:
    """Return a test result: usual, perfect, or with a class absent or never predicted."""
    test, rng = make_context().test, np.random.default_rng(seed)
    if kind == "absent":
        test = replace(test, labels=np.where(test.labels == 1, 2, test.labels))
    scores = rng.normal(size=(30, 3)) + (9 if kind == "perfect" else 1) * np.eye(3)[test.labels]
    if kind == "never predicted":
        scores[:, 1] = -9
    odds = np.exp(scores)
    return TestResult(name, test, CLASSES, (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32))


def texts(figure: Figure) -> list[str]:
    """Return all texts within the axes that are not empty."""
    return [text.get_text() for ax in figure.axes for text in ax.texts if text.get_text()]


def images(figure: Figure) -> int:
    """Return the number of images that are drawn."""
    return sum(len(ax.images) for ax in figure.axes)
