"""What all networks are measured on."""

from dataclasses import dataclass

import numpy as np

from digits.analysis.classification.bootstrap import draw_counts
from digits.data.splits import Split, read_dataset, read_split
from digits.pipeline.declaration import Paths
from stages.evaluate.settings import Parameters


@dataclass(frozen=True)
class Case:
    """The splits, the names of the classes, and what is known or drawn of the n test images.

    doubtful: bool (n,), whether human raters doubt the label
    counts: float64 (n, resamples), the bootstrap resamples, the same for all networks
    """

    train: Split
    val: Split
    test: Split
    classes: list[str]
    doubtful: np.ndarray
    counts: np.ndarray


def read_case(parameters: Parameters, paths: Paths) -> Case:
    """Read the splits and what is known of the data set; draw the resamples."""
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    dataset = read_dataset(paths.dataset)
    doubtful = np.isin(test.indices, dataset["doubtful_test_labels"])
    rng = np.random.default_rng(parameters.seed)
    counts = draw_counts(len(test), parameters.evaluate.bootstrap, rng)
    return Case(train, val, test, dataset["classes"], doubtful, counts)
