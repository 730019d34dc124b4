"""What all networks are measured on, and what one classifier answers to it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from digits.analysis.classification.calibration import measure_probabilities
from digits.analysis.classification.intervals import draw_counts, interval_table
from digits.analysis.classification.metrics import measure, summarize
from digits.data.splits import Split, read_dataset, read_split
from digits.drawing.grid import Tile
from digits.networks.registry import NETWORKS
from digits.pipeline.declaration import Paths


@dataclass(frozen=True)
class EvaluationContext:
    """The splits, the names of the classes, and how metrics of the n test images are taken.

    doubtful: bool (n,), whether human raters doubt the label
    weights: float64 (n, 1 + resamples): ones, then the counts of the bootstrap, shared by all networks
    confidence: level of the intervals; bins: of the calibration error
    """

    train: Split
    val: Split
    test: Split
    classes: list[str]
    doubtful: np.ndarray
    weights: np.ndarray
    confidence: float
    bins: int


def read_context(paths: Paths, bootstrap: int, seed: int, confidence: float, bins: int) -> EvaluationContext:
    """Read the splits and what is known of the data set; draw the resamples of the bootstrap."""
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    dataset = read_dataset(paths.dataset)
    doubtful = np.isin(test.indices, dataset["doubtful_test_labels"])
    counts = draw_counts(len(test), bootstrap, np.random.default_rng(seed))
    weights = np.hstack([np.ones((len(test), 1)), counts])
    return EvaluationContext(train, val, test, dataset["classes"], doubtful, weights, confidence, bins)


@dataclass(frozen=True)
class TestResult:
    """A classifier's name, the test split, its classes, and probabilities float32 (n, n_classes)."""

    __test__ = False  # no test for pytest

    name: str
    test: Split
    classes: list[str]
    probabilities: np.ndarray

    @cached_property
    def predictions(self) -> np.ndarray:
        """The most probable classes, int64 (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def confidences(self) -> np.ndarray:
        """The highest probabilities, (n,)."""
        return np.asarray(self.probabilities.max(axis=1))

    @cached_property
    def correct(self) -> np.ndarray:
        """Whether the prediction is the label, bool (n,)."""
        return np.asarray(self.predictions == self.test.labels)

    @property
    def title(self) -> str:
        """The name that captions use."""
        return NETWORKS[self.name].title

    def most_confident(self, chosen: np.ndarray, n: int) -> np.ndarray:
        """Return the positions of n images of a selection, bool (n_test,), the most confident first."""
        positions = np.flatnonzero(chosen)
        return positions[np.argsort(-self.confidences[positions], kind="stable")[:n]]

    def describe(self, positions: np.ndarray) -> pd.DataFrame:
        """Return one row per image: index in the original file, label, prediction, confidence."""
        names = np.array(self.classes)
        table = pd.DataFrame({"index": self.test.indices[positions]})
        label, prediction = names[self.test.labels[positions]], names[self.predictions[positions]]
        return table.assign(label=label, prediction=prediction, confidence=self.confidences[positions])

    def tiles(self, positions: np.ndarray, caption: str) -> list[Tile]:
        """Return these images for a grid; the caption is a format of the columns of `describe`."""
        rows = self.describe(positions).to_dict("records")
        images = self.test.images[positions]
        return [Tile(image, caption.format_map(row)) for image, row in zip(images, rows, strict=True)]


def measure_result(
    result: TestResult, tempered: np.ndarray, temperature: float, context: EvaluationContext
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return all metrics by name, and a table of those that have a bootstrap interval.

    tempered: probabilities (n, n_classes) after temperature scaling; their metrics stand in the block
        `calibrated`, and as calibrated.NAME in the table
    accuracy_confirmed leaves out the doubtful images.
    """
    labels, confirmed, weights = result.test.labels, ~context.doubtful, context.weights
    measured = measure(labels, result.probabilities, context.bins, weights)
    measured["accuracy_confirmed"] = (result.correct & confirmed) @ weights / (confirmed @ weights)
    calibrated = measure_probabilities(labels, tempered, context.bins, weights)
    named = measured | {f"calibrated.{name}": values for name, values in calibrated.items()}
    metrics: dict[str, Any] = summarize(measured, len(labels), context.confidence)
    block = {name: float(values[0]) for name, values in calibrated.items()} | {"temperature": temperature}
    metrics |= {"calibrated": block, "doubtful": int(context.doubtful.sum())}
    return metrics, interval_table(named, context.confidence)
