"""A trained classifier on the test set: figures with intervals, tables and pictures."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from digits.analysis.classification.assessment import assess, measure
from digits.analysis.classification.bootstrap import interval_table, weigh_equally
from digits.analysis.classification.calibration import (
    apply_temperature,
    fit_temperature,
    measure_probabilities,
)
from digits.data.files import write_array, write_table
from digits.networks.common.saved import predict
from digits.pipeline.declaration import Paths
from stages.evaluate import calibration, confusion, first, galleries, neighbours, ranking
from stages.evaluate.case import Case
from stages.evaluate.outcome import Outcome
from stages.evaluate.settings import Evaluation

NAMES = ("mlp", "cnn")
CALIBRATED = "calibrated."


def predictions_file(name: str, paths: Paths) -> Path:
    """Return where label and prediction of every test image are written."""
    return paths.data / f"{name}_predictions.csv"


def report(
    outcome: Outcome, model: keras.Model, case: Case, settings: Evaluation, paths: Paths
) -> dict[str, float]:
    """Write outputs, tables and pictures of a network; return its figures by dotted names."""
    temperature = fit_temperature(case.val.labels, predict(model, case.val.images))
    tempered = apply_temperature(outcome.probabilities, temperature)
    figures, intervals = measure_with_intervals(outcome, tempered, case, settings)
    figures[f"{CALIBRATED}temperature"] = temperature
    write_array(paths.data / f"{outcome.name}_probabilities.npy", outcome.probabilities)
    table = outcome.describe(np.arange(len(case.test)))[["label", "prediction"]]
    write_table(predictions_file(outcome.name, paths), table)
    folder = paths.plots / outcome.name
    write_table(folder / "figures.csv", intervals)
    confusion.report(outcome, caption(outcome, figures, settings), folder)
    calibration.report(outcome, tempered, figures, settings, folder)
    ranking.report(outcome, folder)
    galleries.report(outcome, settings.gallery, folder)
    first.report(outcome, folder)
    neighbours.report(outcome, model, case.train, folder)
    return figures


def caption(outcome: Outcome, figures: dict[str, float], settings: Evaluation) -> str:
    """Return the caption that states accuracy and interval."""
    return (
        f"{outcome.title} on the test set: accuracy {figures['accuracy']:.2%}, "
        f"{settings.confidence:.0%} interval {figures['accuracy_low']:.2%} to "
        f"{figures['accuracy_high']:.2%}"
    )


def measure_with_intervals(
    outcome: Outcome, tempered: np.ndarray, case: Case, settings: Evaluation
) -> tuple[dict[str, float], pd.DataFrame]:
    """Return all figures by name, and a table of those that have a bootstrap interval.

    tempered: probabilities (n, n_classes) after temperature scaling; the names of their figures begin
    with `calibrated.`. accuracy_confirmed leaves out the doubtful images.
    """
    bins = settings.calibration_bins
    values, resampled = (
        _measure(outcome, tempered, case, bins, weights)
        for weights in (weigh_equally(len(case.test)), case.counts)
    )
    figures = {name: value.item() for name, value in values.items()}
    table = interval_table(figures, resampled, settings.confidence)
    figures |= assess(case.test.labels, outcome.probabilities, settings.confidence, bins)
    return {**figures, "doubtful": int(case.doubtful.sum())}, table


def _measure(
    outcome: Outcome, tempered: np.ndarray, case: Case, bins: int, weights: np.ndarray
) -> dict[str, np.ndarray]:
    labels, confirmed = case.test.labels, ~case.doubtful
    after = measure_probabilities(labels, tempered, bins, weights)
    return {
        **measure(labels, outcome.probabilities, bins, weights),
        "accuracy_confirmed": (outcome.correct & confirmed) @ weights / (confirmed @ weights),
        **{f"{CALIBRATED}{name}": value for name, value in after.items()},
    }


def nest(figures: dict[str, float]) -> dict[str, float | dict[str, float]]:
    """Return the figures with those after temperature scaling, if any, in a block `calibrated`."""
    after = {name.removeprefix(CALIBRATED): v for name, v in figures.items() if name.startswith(CALIBRATED)}
    plain = {name: value for name, value in figures.items() if not name.startswith(CALIBRATED)}
    return plain | ({CALIBRATED.removesuffix("."): after} if after else {})
