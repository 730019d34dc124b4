"""A small case for the stage evaluate, and classifiers on it that are awkward in one way each."""

from dataclasses import replace

import numpy as np

from digits.analysis.classification.intervals import draw_counts
from digits.pipeline import settings as parameters
from stages.evaluate.case import Case
from stages.evaluate.outcome import Outcome
from stages.evaluate.settings import Evaluation
from tests.helpers import PARAMS, code, random_split

CLASSES = ["T-shirt/top", "Bag", "Ankle boot"]
SETTINGS: Evaluation = parameters.load(PARAMS, code("evaluate").Parameters).evaluate.model_copy(
    update={"bootstrap": 40, "gallery": 4, "calibration_bins": 5, "robustness_images": 20}
)
KINDS = ("usual", "perfect", "absent", "never predicted")


def make_case() -> Case:
    """Return 30 test images, numbered from 100 by twos, of which two are doubtful."""
    test = replace(random_split(30, seed=1), indices=np.arange(100, 160, 2, dtype=np.int32))
    doubtful = np.isin(np.arange(30), [3, 7])
    counts = draw_counts(30, SETTINGS.bootstrap, np.random.default_rng(0))
    return Case(random_split(60), random_split(24, seed=2), test, CLASSES, doubtful, counts)


def make_outcome(kind: str = "usual", name: str = "mlp", seed: int = 0) -> Outcome:
    """Return a network's outcome on the case: usual, perfect, or with a class absent or never predicted."""
    case, rng = make_case(), np.random.default_rng(seed)
    test = case.test
    if kind == "absent":
        test = replace(test, labels=np.where(test.labels == 1, 2, test.labels))
    scores = rng.normal(size=(30, 3)) + (9 if kind == "perfect" else 1) * np.eye(3)[test.labels]
    if kind == "never predicted":
        scores[:, 1] = -9
    odds = np.exp(scores)
    return Outcome(name, test, CLASSES, (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32))
