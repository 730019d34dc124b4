"""Curves: learning curves of a network; calibration, ROC and precision-recall of a classifier."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from digits.analysis.classification.calibration import reliability_table
from digits.analysis.classification.intervals import accuracy_interval
from digits.drawing.style import BAD, COLOURS, GOOD, new_figure
from stages.evaluate.context import EvaluationContext, TestResult

METRICS = {"loss": "Loss", "accuracy": "Error rate"}
POINTS = 500  # of a curve, at most
LINES = ("-", "--")


def draw_history(history: pd.DataFrame, name: str) -> Figure:
    """Draw training and validation metrics by epoch; the training ones are means over the epoch.

    history: columns epoch, loss, val_loss, perhaps accuracy and val_accuracy, and kept
    """
    present = [metric for metric in METRICS if metric in history]
    kept = history.loc[history["kept"], "epoch"].item()
    figure, axes = new_figure(4.6 * len(present), 3.2, ncols=len(present), squeeze=False)
    for ax, column in zip(axes.flat, present, strict=True):
        for prefix, label, colour, marker in (
            ("", "Training (mean over the epoch)", BAD, "o"),
            ("val_", "Validation (end of the epoch)", GOOD, "s"),
        ):
            values = history[f"{prefix}{column}"]
            shown = 1 - values if column == "accuracy" else values
            ax.plot(history["epoch"], shown, color=colour, marker=marker, ms=3, label=label)
        ax.axvline(kept, color="grey", linestyle=":", linewidth=1)
        ax.set(xlabel="Epoch", ylabel=METRICS[column], yscale="log")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.legend(fontsize=8)
    figure.suptitle(f"{name.capitalize()}: {len(history)} epochs, weights of epoch {kept} kept")
    return figure


def tabulate_calibration(
    result: TestResult, tempered: np.ndarray, context: EvaluationContext
) -> pd.DataFrame:
    """Return one row per bin that has images, before and after temperature scaling, with intervals.

    tempered: probabilities (n, n_classes) after temperature scaling
    """
    tables = []
    for state, probabilities in (("before", result.probabilities), ("after", tempered)):
        table = reliability_table(result.test.labels, probabilities, context.bins)
        right = (table["accuracy"] * table["images"]).round().astype(int)
        counts = zip(right, table["images"], strict=True)
        ends = np.array([accuracy_interval(correct, n, context.confidence) for correct, n in counts])
        tables.append(table.assign(accuracy_low=ends[:, 0], accuracy_high=ends[:, 1], state=state))
    return pd.concat(tables)


def draw_calibration(table: pd.DataFrame, metrics: dict[str, Any], title: str) -> Figure:
    """Draw the accuracy of each bin by its mean confidence, before and after temperature scaling."""
    calibrated = metrics["calibrated"]
    panels = (
        ("before", "As trained", metrics),
        ("after", f"With temperature {calibrated['temperature']:.3f}", calibrated),
    )
    figure, axes = new_figure(9.6, 4.9, ncols=2, sharey=True)
    for ax, (state, name, found) in zip(axes, panels, strict=True):
        _draw_bins(ax, table[table["state"] == state])
        caption = f"calibration error {found['calibration_error']:.2%}, log loss {found['log_loss']:.4f}"
        ax.set(title=f"{name}\n{caption}", xlabel="Confidence (mean of the bin)")
        ax.set(xlim=(0, 1.04), ylim=(-0.02, 1.15), yticks=np.linspace(0, 1, 6))
    axes[0].set_ylabel("Accuracy of the bin's images")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    figure.suptitle(title)
    return figure


def _draw_bins(ax: Axes, table: pd.DataFrame) -> None:
    ax.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="Perfect calibration")
    ax.bar(table["low"], table["accuracy"], table["high"] - table["low"], align="edge", color=GOOD, alpha=0.2)
    ax.vlines(table["confidence"], table["accuracy_low"], table["accuracy_high"], color=BAD, linewidth=1.5)
    ax.plot(table["confidence"], table["accuracy"], "o", color=BAD, markersize=5, label="Accuracy, interval")
    for middle, images in zip((table["low"] + table["high"]) / 2, table["images"], strict=True):
        ax.text(middle, 1.03, f"{images:,}", ha="center", va="bottom", rotation=90, fontsize=8)
    ax.text(0.02, 1.03, "Images:", va="bottom", fontsize=8)


def draw_roc(curves: pd.DataFrame, areas: pd.DataFrame, result: TestResult) -> Figure:
    """Draw recall by false positive rate, logarithmic from the rate of half an image.

    curves, areas: of `trace_curves` and `measure_classes`, where labels are numbers
    """
    counts = np.bincount(result.test.labels)
    least = 1 / (len(result.test) - counts[counts > 0].min())
    rate = curves["false_positive_rate"]
    early = curves[rate <= 10 * least].groupby("label")["recall"].max()
    shown = curves.assign(false_positive_rate=rate.clip(lower=least / 2))
    figure, ax = _draw_curves(shown, areas, result, ("false_positive_rate", "recall", "roc_auc"))
    ax.set(xscale="log", xlim=(least / 2, 1), ylim=_zoom(early.min()))
    ax.set(xlabel="False positive rate (the left edge stands for 0)", ylabel="Recall (true positive rate)")
    ax.set_title(f"{result.title}: ROC curve of each class against the rest")
    return figure


def draw_precision_recall(curves: pd.DataFrame, areas: pd.DataFrame, result: TestResult) -> Figure:
    """Draw precision by recall."""
    figure, ax = _draw_curves(curves, areas, result, ("recall", "precision", "average_precision"))
    even = curves[["recall", "precision"]].min(axis=1).groupby(curves["label"]).max()
    zoom = _zoom(even.min())
    ax.set(xlim=zoom, ylim=zoom, xlabel="Recall", ylabel="Precision")
    ax.set_title(f"{result.title}: precision-recall curve of each class against the rest")
    return figure


def _draw_curves(
    curves: pd.DataFrame, areas: pd.DataFrame, result: TestResult, columns: tuple[str, str, str]
) -> tuple[Figure, Axes]:
    """Draw columns[1] by columns[0] of each class, and name the area columns[2] in the legend."""
    figure, ax = new_figure(7.6, 5)
    x, y, column = columns
    for label, area in zip(areas["label"], areas[column], strict=True):
        curve, name = curves[curves["label"] == label], f"{result.classes[label]}: {area:.6f}"
        colour, line = COLOURS[label % len(COLOURS)], LINES[label % len(LINES)]
        ax.plot(curve[x], curve[y], color=colour, linestyle=line, linewidth=1.5, label=name)
    title = "Class: area" if column == "roc_auc" else "Class: average precision"
    ax.legend(title=title, fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return figure, ax


def _zoom(value: float) -> tuple[float, float]:
    """Return limits that end a little above 1, with the value in their upper part."""
    span = min(1.0, max(3 * (1 - value), 0.005))
    return 1 - span, 1 + span / 30
