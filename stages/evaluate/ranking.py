"""ROC and precision-recall curves of each class against the rest, zoomed to where they differ."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from digits.analysis.classification.roc import measure_classes, trace_curves
from digits.data.files import write_table
from digits.drawing.style import COLOURS, new_figure, save
from stages.evaluate.outcome import Outcome

POINTS = 500  # of a curve, at most
STYLES = ("-", "--")


def report(outcome: Outcome, folder: Path) -> None:
    """Write both curves of every class that has test images, and the area under each."""
    areas = measure_classes(outcome.test.labels, outcome.probabilities)
    curves = trace_curves(outcome.test.labels, outcome.probabilities, POINTS)
    names = np.array(outcome.classes)
    for name, table in (("areas", areas), ("curves", curves)):
        write_table(folder / f"{name}.csv", table.assign(label=names[table["label"]]))
    save(folder / "roc.png", draw_roc(curves, areas, outcome))
    save(folder / "precision_recall.png", draw_precision_recall(curves, areas, outcome))


def draw_roc(curves: pd.DataFrame, areas: pd.DataFrame, outcome: Outcome) -> Figure:
    """Draw recall by false positive rate, logarithmic from the rate of half an image."""
    figure, ax = new_figure(7.6, 5)
    counts = np.bincount(outcome.test.labels)
    least = 1 / (len(outcome.test) - counts[counts > 0].min())
    _draw_curves(ax, curves, areas, outcome, ("false_positive_rate", "recall", "roc_auc"), least / 2)
    early = curves[curves["false_positive_rate"] <= 10 * least].groupby("label")["recall"].max()
    ax.set(xscale="log", xlim=(least / 2, 1), ylim=_zoom(early.min()))
    ax.set(xlabel="false positive rate (the left edge stands for 0)", ylabel="recall (true positive rate)")
    ax.set_title(f"{outcome.title}: ROC curve of each class against the rest")
    return figure


def draw_precision_recall(curves: pd.DataFrame, areas: pd.DataFrame, outcome: Outcome) -> Figure:
    """Draw precision by recall."""
    figure, ax = new_figure(7.6, 5)
    _draw_curves(ax, curves, areas, outcome, ("recall", "precision", "average_precision"), 0)
    even = curves[["recall", "precision"]].min(axis=1).groupby(curves["label"]).max()
    zoom = _zoom(even.min())
    ax.set(xlim=zoom, ylim=zoom, xlabel="recall", ylabel="precision")
    ax.set_title(f"{outcome.title}: precision-recall curve of each class against the rest")
    return figure


def _draw_curves(
    ax: Axes,
    curves: pd.DataFrame,
    areas: pd.DataFrame,
    outcome: Outcome,
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
            linestyle=STYLES[label % len(STYLES)],
            linewidth=1.5,
            label=f"{outcome.classes[label]}: {area:.6f}",
        )
    title = "area" if columns[2] == "roc_auc" else "average precision"
    ax.legend(title=title, fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


def _zoom(value: float) -> tuple[float, float]:
    """Return limits that end a little above 1, with the value in their upper part."""
    span = min(1.0, max(3 * (1 - value), 0.005))
    return 1 - span, 1 + span / 30
