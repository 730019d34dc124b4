"""Reliability diagram: how often a network is right when it is so and so sure."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from digits.analysis.classification.calibration import reliability_table
from digits.analysis.classification.metrics import accuracy_interval
from digits.data.files import write_table
from digits.drawing.style import BAD, GOOD, new_figure, save
from stages.evaluate.outcome import Outcome
from stages.evaluate.settings import Evaluation


def report(
    outcome: Outcome, tempered: np.ndarray, figures: dict[str, float], settings: Evaluation, folder: Path
) -> None:
    """Write the diagram before and after temperature scaling.

    tempered: probabilities (n, n_classes) after it; figures: with `calibrated.` before those of these.
    """
    states = {"before": outcome.probabilities, "after": tempered}
    tables = {name: _tabulate(outcome.test.labels, p, settings) for name, p in states.items()}
    named = [table.assign(state=name) for name, table in tables.items()]
    write_table(folder / "calibration.csv", pd.concat(named))
    titles = {
        "before": f"as trained: {_caption(figures, '')}",
        "after": f"temperature {figures['calibrated.temperature']:.3f}: {_caption(figures, 'calibrated.')}",
    }
    caption = f"{outcome.title}: calibration on the test set ({settings.confidence:.0%} intervals)"
    save(folder / "calibration.png", draw_reliability({titles[k]: tables[k] for k in tables}, caption))


def draw_reliability(tables: dict[str, pd.DataFrame], title: str) -> Figure:
    """Draw one panel a table: accuracy of each bin by its mean confidence, the number of its images."""
    figure, axes = new_figure(4.8 * len(tables), 4.9, ncols=len(tables), squeeze=False, sharey=True)
    for ax, (name, table) in zip(axes.flat, tables.items(), strict=True):
        _draw_panel(ax, table)
        ax.set(title=name, xlabel="confidence (mean of the bin)", xlim=(0, 1.04), ylim=(-0.02, 1.15))
        ax.set_yticks(np.linspace(0, 1, 6))
    axes[0, 0].set_ylabel("accuracy of the bin's images")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    figure.suptitle(title)
    return figure


def _draw_panel(ax: Axes, table: pd.DataFrame) -> None:
    ax.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="perfect calibration")
    ax.bar(table["low"], table["accuracy"], table["high"] - table["low"], align="edge", color=GOOD, alpha=0.2)
    ends = table[["accuracy_low", "accuracy_high"]].to_numpy().T
    ax.vlines(table["confidence"], *ends, color=BAD, linewidth=1.5)
    ax.plot(table["confidence"], table["accuracy"], "o", color=BAD, markersize=5, label="accuracy, interval")
    for middle, images in zip((table["low"] + table["high"]) / 2, table["images"], strict=True):
        ax.text(middle, 1.03, f"{images:,}", ha="center", va="bottom", rotation=90, fontsize=8)
    ax.text(0.02, 1.03, "images:", va="bottom", fontsize=8)


def _tabulate(labels: np.ndarray, probabilities: np.ndarray, settings: Evaluation) -> pd.DataFrame:
    table = reliability_table(labels, probabilities, settings.calibration_bins)
    right = (table["accuracy"] * table["images"]).round().astype(int)
    ends = [
        accuracy_interval(correct, n, settings.confidence)
        for correct, n in zip(right, table["images"], strict=True)
    ]
    return table.assign(accuracy_low=[low for low, _ in ends], accuracy_high=[high for _, high in ends])


def _caption(figures: dict[str, float], prefix: str) -> str:
    error, loss = figures[f"{prefix}calibration_error"], figures[f"{prefix}log_loss"]
    return f"calibration error {error:.2%}\nlog loss {loss:.4f}"
