"""Pictures of the pixels that matter."""

import numpy as np
from matplotlib.figure import Figure

from stages.shared.figures import BAD, new_figure, show_image

CHOICES = {"forest": "the {} most important to the forest", "random": "{} drawn at random"}


def importance_map(importances: np.ndarray, size: tuple[int, int]) -> Figure:
    """Draw the importance of each pixel, summed over channels; all of them sum to 1."""
    figure, ax = new_figure(5.4, 4.4)
    picture = ax.imshow(importances.reshape(*size, -1).sum(axis=-1), cmap="viridis")
    figure.colorbar(picture, ax=ax, label="impurity importance (all pixels sum to 1)")
    ax.set(xlabel="column", ylabel="row", title="what a random forest divides the training images by")
    return figure


def chosen_pixels(
    chosen: dict[str, np.ndarray], mean: np.ndarray, measured: dict[str, dict[str, float]]
) -> Figure:
    """Draw each choice of flat indices on the mean image (height, width, channels), 0 to 255."""
    figure, axes = new_figure(4.4 * len(chosen), 4.6, ncols=len(chosen), squeeze=False)
    for ax, (name, pixels) in zip(axes.flat, chosen.items(), strict=True):
        row, column, _ = np.unravel_index(pixels, mean.shape)
        figures = measured[f"{name}_{len(pixels)}"]
        show_image(ax, mean)
        ax.set(xticks=[], yticks=[], title=f"{CHOICES[name].format(len(pixels))}\n{_accuracy(figures)}")
        ax.set_axis_on()
        ax.spines[:].set_visible(True)
        ax.scatter(column, row, s=26, marker="s", facecolors="none", edgecolors=BAD, linewidths=1.3)
    figure.suptitle("an MLP that sees only the marked pixels (behind them: the mean training image)")
    return figure


def _accuracy(figures: dict[str, float]) -> str:
    low, high = figures["accuracy_low"], figures["accuracy_high"]
    return f"test accuracy {figures['accuracy']:.2%} ({low:.2%} to {high:.2%})"
