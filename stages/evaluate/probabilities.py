"""Pictures of a classifier's probabilities: calibration, ROC and precision-recall curves."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from digits.analysis.classification.calibration import reliability_table
from digits.analysis.classification.intervals import accuracy_interval
from digits.drawing.style import BAD, COLOURS, GOOD, new_figure
from stages.evaluate.context import EvaluationContext, TestResult

POINTS = 500  # of a curve, at most
LINES = ("-", "--")


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
        ends = [
            accuracy_interval(correct, n, context.confidence)
            for correct, n in zip(right, table["images"], strict=True)
        ]
        low, high = ([end[side] for end in ends] for side in (0, 1))
        tables.append(table.assign(accuracy_low=low, accuracy_high=high, state=state))
    return pd.concat(tables)


def draw_calibration(table: pd.DataFrame, metrics: dict[str, Any], title: str) -> Figure:
    """Draw the accuracy of each bin by its mean confidence, before and after temperature scaling."""
    after = metrics["calibrated"]
    panels = {
        "before": f"As trained\n{_describe(metrics)}",
        "after": f"With temperature {after['temperature']:.3f}\n{_describe(after)}",
    }
    figure, axes = new_figure(9.6, 4.9, ncols=2, sharey=True)
    for ax, (state, caption) in zip(axes, panels.items(), strict=True):
        _draw_bins(ax, table[table["state"] == state])
        ax.set(title=caption, xlabel="Confidence (mean of the bin)", xlim=(0, 1.04), ylim=(-0.02, 1.15))
        ax.set_yticks(np.linspace(0, 1, 6))
    axes[0].set_ylabel("Accuracy of the bin's images")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    figure.suptitle(title)
    return figure


def _describe(metrics: dict[str, float]) -> str:
    return f"calibration error {metrics['calibration_error']:.2%}, log loss {metrics['log_loss']:.4f}"


def _draw_bins(ax: Axes, table: pd.DataFrame) -> None:
    ax.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="Perfect calibration")
    ax.bar(table["low"], table["accuracy"], table["high"] - table["low"], align="edge", color=GOOD, alpha=0.2)
    ends = table[["accuracy_low", "accuracy_high"]].to_numpy().T
    ax.vlines(table["confidence"], *ends, color=BAD, linewidth=1.5)
    ax.plot(table["confidence"], table["accuracy"], "o", color=BAD, markersize=5, label="Accuracy, interval")
    for middle, images in zip((table["low"] + table["high"]) / 2, table["images"], strict=True):
        ax.text(middle, 1.03, f"{images:,}", ha="center", va="bottom", rotation=90, fontsize=8)
    ax.text(0.02, 1.03, "Images:", va="bottom", fontsize=8)


def draw_roc(curves: pd.DataFrame, areas: pd.DataFrame, result: TestResult) -> Figure:
    """Draw recall by false positive rate, logarithmic from the rate of half an image.

    curves, areas: of `trace_curves` and `measure_classes`, where labels are numbers
    """
    figure, ax = new_figure(7.6, 5)
    counts = np.bincount(result.test.labels)
    least = 1 / (len(result.test) - counts[counts > 0].min())
    _draw_curves(ax, curves, areas, result, ("false_positive_rate", "recall", "roc_auc"), least / 2)
    early = curves[curves["false_positive_rate"] <= 10 * least].groupby("label")["recall"].max()
    ax.set(xscale="log", xlim=(least / 2, 1), ylim=_zoom(early.min()))
    ax.set(xlabel="False positive rate (the left edge stands for 0)", ylabel="Recall (true positive rate)")
    ax.set_title(f"{result.title}: ROC curve of each class against the rest")
    return figure


def draw_precision_recall(curves: pd.DataFrame, areas: pd.DataFrame, result: TestResult) -> Figure:
    """Draw precision by recall."""
    figure, ax = new_figure(7.6, 5)
    _draw_curves(ax, curves, areas, result, ("recall", "precision", "average_precision"), 0)
    even = curves[["recall", "precision"]].min(axis=1).groupby(curves["label"]).max()
    zoom = _zoom(even.min())
    ax.set(xlim=zoom, ylim=zoom, xlabel="Recall", ylabel="Precision")
    ax.set_title(f"{result.title}: precision-recall curve of each class against the rest")
    return figure


def _draw_curves(
    ax: Axes,
    curves: pd.DataFrame,
    areas: pd.DataFrame,
    result: TestResult,
    columns: tuple[str, str, str],
    least: float,
) -> None:
    """Draw columns[1] by columns[0], at least `least`, and name the area columns[2] in the legend."""
    for label, area in zip(areas["label"], areas[columns[2]], strict=True):
        curve = curves[curves["label"] == label]
        ax.plot(
            curve[columns[0]].clip(lower=least),
            curve[columns[1]],
            color=COLOURS[label % len(COLOURS)],
            linestyle=LINES[label % len(LINES)],
            linewidth=1.5,
            label=f"{result.classes[label]}: {area:.6f}",
        )
    title = "Area" if columns[2] == "roc_auc" else "Average precision"
    ax.legend(title=title, fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


def _zoom(value: float) -> tuple[float, float]:
    """Return limits that end a little above 1, with the value in their upper part."""
    span = min(1.0, max(3 * (1 - value), 0.005))
    return 1 - span, 1 + span / 30
