"""Classifiers side by side: baselines, error rates, McNemar's test, images that only one gets right."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from digits.analysis.classification.intervals import mcnemar, percent
from digits.data.splits import flatten
from digits.drawing.grid import Row, Tile, draw_grid, fold
from digits.drawing.style import GOOD, new_figure
from digits.networks.registry import NETWORKS
from stages.evaluate.context import EvaluationContext, TestResult

IMAGES, COLUMNS, DOUBTFUL_COLUMNS = 20, 10, 8
TITLES = {"majority": "Majority class", "logistic": "Logistic regression"}


def predict_baselines(context: EvaluationContext, iterations: int) -> dict[str, np.ndarray]:
    """Return the class probabilities of the test images by the baselines, fitted on the training split.

    majority: the fraction of each class among the training labels, for every image
    iterations: of the logistic regression, which may stop before it has converged
    """
    models = {"majority": DummyClassifier(), "logistic": LogisticRegression(max_iter=iterations)}
    pixels, test_pixels = flatten(context.train.images), flatten(context.test.images)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = {name: model.fit(pixels, context.train.labels) for name, model in models.items()}
    return {name: model.predict_proba(test_pixels) for name, model in fitted.items()}


def tabulate_classifiers(metrics: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row per classifier with the metrics that all of them have."""
    table = pd.DataFrame.from_dict({name: dict(found) for name, found in metrics.items()}, orient="index")
    return table[list(metrics["majority"])].reset_index(names="classifier")


def draw_error_rates(table: pd.DataFrame, confidence: float) -> Figure:
    """Draw the error rate of each classifier with its interval, on a logarithmic axis."""
    figure, ax = new_figure(7.2, 1 + 0.4 * len(table))
    rows = np.arange(len(table))
    error, low, high = (1 - table[key] for key in ("accuracy", "accuracy_high", "accuracy_low"))
    least = high.min() / 20  # stands for no error at all
    ax.hlines(rows, low.clip(lower=least), high, color=GOOD, linewidth=2)
    ax.plot(error.clip(lower=least), rows, "o", color=GOOD)
    for row, value, end in zip(rows, error, high, strict=True):
        ax.text(end, row, f"  {value:.2%}", va="center")
    titles = TITLES | {name: network.title for name, network in NETWORKS.items()}
    ax.set_yticks(rows, [titles[name] for name in table["classifier"]])
    ax.set(xscale="log", xlim=(None, 1), ylim=(len(table) - 0.5, -0.5), xlabel="Error rate")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    ax.set_title(f"Error rates on the test set ({percent(confidence)} intervals)")
    return figure


def compare(first: TestResult, second: TestResult) -> tuple[dict[str, float], pd.DataFrame]:
    """Return the logarithm of McNemar's p with the counts of who is right, and the counts per class.

    Columns: class, images, both_right, only_NAME_right for either name, both_wrong.
    """
    only_first, only_second = f"only_{first.name}_right", f"only_{second.name}_right"
    cases = {
        "images": np.ones_like(first.correct),
        "both_right": first.correct & second.correct,
        only_first: first.correct & ~second.correct,
        only_second: ~first.correct & second.correct,
        "both_wrong": ~first.correct & ~second.correct,
    }
    labels, n_classes = first.test.labels, len(first.classes)
    by_class = {name: np.bincount(labels[mine], minlength=n_classes) for name, mine in cases.items()}
    counts = {name: int(each.sum()) for name, each in by_class.items() if name != "images"}
    p = max(mcnemar(counts[only_first], counts[only_second]), np.finfo(float).tiny)
    metrics = {"mcnemar_log10_p": float(np.log10(p)), **counts}
    return metrics, pd.DataFrame({"class": first.classes, **by_class})


def show_disagreement(results: Sequence[TestResult]) -> tuple[pd.DataFrame, Figure]:
    """Return the images that only one of two networks gets right, up to IMAGES each, for every pair."""
    pairs, rows, tables = list(combinations(results, 2)), list[Row](), []
    for right, wrong in (each for pair in pairs for each in (pair, pair[::-1])):
        chosen = right.correct & ~wrong.correct
        positions = wrong.most_confident(chosen, IMAGES)
        name = f"{right.title} right, {wrong.title} wrong\n({len(positions)} of {chosen.sum()})"
        rows += fold(wrong.tiles(positions, "{label}, not {prediction}"), COLUMNS, name)
        tables.append(wrong.describe(positions).assign(right=right.name, wrong=wrong.name))
    p_values = (10 ** compare(one, other)[0]["mcnemar_log10_p"] for one, other in pairs)
    tests = (f"{a.title} and {b.title}: p={p:.2g}" for (a, b), p in zip(pairs, p_values, strict=True))
    title = (
        f"Test images that only one network gets right, the other's most confident errors first, up to "
        f"{IMAGES} each; below: label and wrong prediction (McNemar's exact test, {'; '.join(tests)})"
    )
    return pd.concat(tables), draw_grid(rows, title)


def show_doubtful(results: Sequence[TestResult], doubtful: np.ndarray) -> tuple[pd.DataFrame, Figure]:
    """Return the images whose label human raters did not confirm, bool (n_test,), with all predictions."""
    positions, names = np.flatnonzero(doubtful), np.array(results[0].classes)
    predictions = {result.name: names[result.predictions[positions]] for result in results}
    table = results[0].describe(positions)[["index", "label"]].assign(**predictions)
    caption = "\n".join(["label {label}", *(f"{r.title} {{{r.name}}}" for r in results)])
    described = zip(results[0].test.images[positions], table.to_dict("records"), strict=True)
    tiles = [Tile(image, caption.format_map(row)) for image, row in described]
    agree = ", ".join(f"the {result.title} on {result.correct[positions].sum()}" for result in results)
    title = f"{len(positions)} test images of doubtful label; agreement with the label: {agree}"
    return table, draw_grid(fold(tiles, DOUBTFUL_COLUMNS), title)
