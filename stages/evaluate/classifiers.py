"""A trained classifier on the test set: outputs, tables and pictures."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.analysis import classification
from stages.evaluate.settings import Evaluation, Paths
from stages.shared.data import Split
from stages.shared.figures import new_figure, save
from stages.shared.files import write_array, write_table
from stages.shared.models import load_model, predict

NAMES = ("mlp", "cnn")


def predictions_file(name: str, paths: Paths) -> Path:
    """Return where label and prediction of every test image are written."""
    return paths.outputs / f"{name}_predictions.csv"


def measure(
    name: str, model: Path, test: Split, classes: list[str], settings: Evaluation, paths: Paths
) -> dict[str, float]:
    """Write probabilities, confusion matrix and table per class; return the figures."""
    probabilities = predict(load_model(model), test.images)
    predictions = probabilities.argmax(axis=1)
    confusion = classification.confusion_matrix(test.labels, predictions, len(classes))
    write_array(paths.outputs / f"{name}_probabilities.npy", probabilities)
    named = pd.DataFrame({"label": test.labels, "prediction": predictions}).map(classes.__getitem__)
    write_table(predictions_file(name, paths), named)
    folder = paths.plots / name
    matrix = pd.DataFrame(confusion, index=pd.Index(classes, name="label"), columns=classes)
    write_table(folder / "confusion.csv", matrix, index=True)
    write_table(folder / "classes.csv", classification.class_table(confusion, classes))
    figures = classification.figures(
        test.labels, probabilities, settings.confidence, settings.calibration_bins
    )
    save(folder / "confusion.png", draw_confusion(confusion, classes, title(name, figures, settings)))
    return figures


def title(name: str, figures: dict[str, float], settings: Evaluation) -> str:
    """Return the caption that states accuracy and interval."""
    return (
        f"{name.upper()} on the test set: accuracy {figures['accuracy']:.2%}, "
        f"{settings.confidence:.0%} interval {figures['accuracy_low']:.2%} to "
        f"{figures['accuracy_high']:.2%}"
    )


def draw_confusion(confusion: np.ndarray, classes: list[str], title: str) -> Figure:
    """Draw the confusion matrix (n_classes, n_classes): row percent above n of the row's N."""
    totals = confusion.sum(axis=1, keepdims=True)
    percent = 100 * np.divide(confusion, totals, out=np.zeros(confusion.shape), where=totals != 0)
    figure, ax = new_figure(8, 7.6)
    shown = np.sqrt(percent / 100)  # so that a percent of errors is visible beside the diagonal
    ax.imshow(shown, cmap="Blues", vmin=0, vmax=1.1)
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            ax.text(
                column,
                row,
                f"{percent[row, column]:.1f}%\n{count}/{totals[row, 0]}",
                ha="center",
                va="center",
                fontsize=8,
                color="white" if shown[row, column] > 0.6 else "black",
            )
    ticks = np.arange(len(classes))
    turned = 0 if max(map(len, classes)) < 3 else 45
    ax.set_xticks(ticks, classes, rotation=turned, ha="right" if turned else "center")
    ax.set_yticks(ticks, classes)
    ax.set(xlabel="prediction", ylabel="label", title=title)
    return figure
