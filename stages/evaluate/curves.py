"""Learning curves: loss, and error rate if the history has accuracies, by epoch."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from digits.drawing.style import BAD, GOOD, new_figure

METRICS = {"loss": "Loss", "accuracy": "Error rate"}


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
