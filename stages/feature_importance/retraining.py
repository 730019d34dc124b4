"""The MLP of train-mlp, retrained on a few pixels: the most important ones, and as many at random."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from digits.analysis.classification.intervals import accuracy_interval
from digits.analysis.saliency.importance import largest
from digits.data.splits import Split
from digits.drawing.style import BAD, new_figure, show_image
from digits.networks.common.saved import predict
from digits.networks.mlp.builder import build_mlp
from digits.networks.mlp.settings import MLP
from digits.training import repeated

TITLES = {"forest": "The {} most important to the forests", "random": "{} pixels at random"}


def choose(importances: np.ndarray, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the n flat indices of the largest importances, and n at random, int64, ascending."""
    random = np.sort(rng.choice(len(importances), n, replace=False))
    return {"forest": largest(importances, n), "random": random}


def measure(
    pixels: np.ndarray,
    splits: tuple[Split, Split, Split],
    n_classes: int,
    settings: MLP,
    seed: int,
    confidence: float,
) -> dict[str, float]:
    """Train on these pixels (flat indices); return accuracy and interval on the last of the splits."""
    train, val, test = splits

    def select(images: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        return images.reshape(len(images), -1)[:, pixels]

    fitted = repeated.train(build_mlp, settings, (train, val), n_classes, seed, select)
    correct = int((predict(fitted.model, select(test.images)).argmax(axis=1) == test.labels).sum())
    low, high = accuracy_interval(correct, len(test), confidence)
    return {
        "accuracy": correct / len(test),
        "accuracy_low": low,
        "accuracy_high": high,
        "val_accuracy": fitted.best["val_accuracy"],
    }


def draw(
    chosen: Mapping[str, np.ndarray], measured: Mapping[str, Mapping[str, float]], mean: np.ndarray
) -> Figure:
    """Draw each choice of flat indices on the mean image (height, width, channels), 0 to 255."""
    figure, axes = new_figure(4.4 * len(chosen), 4.6, ncols=len(chosen), squeeze=False)
    for ax, (name, pixels) in zip(axes.flat, chosen.items(), strict=True):
        row, column, _ = np.unravel_index(pixels, mean.shape)
        low, high = measured[name]["accuracy_low"], measured[name]["accuracy_high"]
        accuracy = f"test accuracy {measured[name]['accuracy']:.2%} ({low:.2%} to {high:.2%})"
        show_image(ax, mean)
        ax.set(xticks=[], yticks=[], title=f"{TITLES[name].format(len(pixels))}\n{accuracy}")
        ax.set_axis_on()
        ax.spines[:].set_visible(True)
        ax.scatter(column, row, s=26, marker="s", facecolors="none", edgecolors=BAD, linewidths=1.3)
    figure.suptitle(
        "Test accuracy of an MLP that sees only the marked pixels (background: mean training image)"
    )
    return figure
