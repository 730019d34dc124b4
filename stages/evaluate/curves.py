"""The training histories as curves: loss, and accuracy where there is one."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from digits.drawing.style import BAD, GOOD, new_figure, save

FIGURES = {"loss": "loss", "accuracy": "error rate"}
NETWORKS = {"mlp": "multilayer perceptron", "cnn": "convolutional network", "ae": "autoencoder"}


def draw(histories: dict[str, Path], plots: Path) -> None:
    """Draw each network's history (CSV: epoch, loss, val_loss, ..., kept) into a folder of its own."""
    for name, path in histories.items():
        save(plots / name / "history.png", draw_history(pd.read_csv(path), NETWORKS[name]))


def draw_history(history: pd.DataFrame, name: str) -> Figure:
    """Draw training and validation figures by epoch; the training ones are means over the epoch."""
    present = [figure for figure in FIGURES if figure in history]
    kept = history.loc[history["kept"], "epoch"].item()
    figure, axes = new_figure(4.6 * len(present), 3.2, ncols=len(present), squeeze=False)
    for ax, column in zip(axes.flat, present, strict=True):
        for prefix, label, colour, marker in (
            ("", "training (mean of the epoch)", BAD, "o"),
            ("val_", "validation (end of the epoch)", GOOD, "s"),
        ):
            values = history[f"{prefix}{column}"]
            shown = 1 - values if column == "accuracy" else values
            ax.plot(history["epoch"], shown, color=colour, marker=marker, ms=3, label=label)
        ax.axvline(kept, color="grey", linestyle=":", linewidth=1)
        ax.set(xlabel="epoch", ylabel=FIGURES[column], yscale="log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.legend(fontsize=8)
    figure.suptitle(f"{name}: {len(history)} epochs, weights of epoch {kept} kept")
    return figure
