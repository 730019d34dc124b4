"""Pictures of what matters to the networks: maps of blocks, attributions by class and image."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from digits.data.splits import Split
from digits.drawing.style import new_figure, show_image
from stages.feature_importance.networks import View

MEASURES = {
    "permutation": ("permutation", "drop of accuracy"),
    "occlusion": ("occlusion", "drop of the true class's probability"),
    "integrated_gradients": ("|integrated gradients|", "sum over the block"),
}
SIGNED = "PuOr_r"  # purple below 0, brown above: the colour-blind tell these apart


def network_maps(views: dict[str, View]) -> Figure:
    """Draw a row of block maps for each network."""
    figure, axes = new_figure(9.4, 3.1 * len(views), nrows=len(views), ncols=len(MEASURES), squeeze=False)
    for line, (name, view) in zip(axes, views.items(), strict=True):
        for ax, (measure, values) in zip(line, view.block_maps.items(), strict=True):
            title, label = MEASURES[measure]
            picture = ax.imshow(values, cmap="viridis", vmin=0)
            ax.set(xticks=[], yticks=[], title=f"{name.upper()}: {title}")
            figure.colorbar(picture, ax=ax, label=label, shrink=0.85)
    figure.suptitle("what the networks look at, by blocks of pixels (validation images)")
    return figure


def class_attributions(means: dict[str, np.ndarray], classes: Sequence[str], images: int) -> Figure:
    """Draw the mean attribution of each class, (n_classes, height, width) for each network.

    images: number of images, of all classes together
    """
    figure, axes = _start(len(means), len(classes))
    for line, (name, maps) in zip(axes, means.items(), strict=True):
        picture = _draw_signed(line, maps)
        _name_row(line[0], name.upper())
        figure.colorbar(picture, ax=list(line), fraction=0.02, pad=0.01)
    _name_columns(axes[0], classes)
    figure.suptitle(
        f"integrated gradients of the true class's probability, means over {images} validation images"
    )
    return figure


def attribution_gallery(
    chosen: Split, views: dict[str, View], positions: np.ndarray, classes: Sequence[str]
) -> Figure:
    """Draw the chosen images at these positions above their attributions by each network."""
    figure, axes = _start(1 + len(views), len(positions))
    for ax, image in zip(axes[0], chosen.images[positions], strict=True):
        show_image(ax, image)
    _name_columns(axes[0], [classes[label] for label in chosen.labels[positions]])
    for line, (name, view) in zip(axes[1:], views.items(), strict=True):
        picture = _draw_signed(line, view.shares[positions])
        _name_row(line[0], name.upper())
        for ax, (probability, blank) in zip(line, view.probabilities[positions], strict=True):
            text = f"{blank:.2f} to {probability:.2f}"
            ax.text(0.5, -0.04, text, transform=ax.transAxes, ha="center", va="top", fontsize=9)
        figure.colorbar(picture, ax=list(line), fraction=0.02, pad=0.01)
    figure.suptitle(
        "integrated gradients of single validation images\n"
        "below: the true class's probability, from the blank image to this one"
    )
    return figure


def _start(rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    figure, axes = new_figure(
        columns * 0.85 + 1.2, rows * 1.15 + 0.6, nrows=rows, ncols=columns, squeeze=False
    )
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    return figure, axes


def _draw_signed(line: Sequence[Axes], maps: np.ndarray) -> AxesImage:
    """Draw maps that share one scale, symmetric about 0; a map of nan stays empty."""
    # A few pixels may exceed the scale, or they would leave all others pale.
    limit = float(np.nanquantile(np.abs(maps), 0.995)) or 1.0
    for ax, values in zip(line, maps, strict=True):
        picture = ax.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")
    return picture


def _name_row(ax: Axes, name: str) -> None:
    ax.set_ylabel(name, rotation=0, ha="right", va="center")


def _name_columns(line: Sequence[Axes], names: Sequence[str]) -> None:
    for ax, name in zip(line, names, strict=True):
        ax.set_title(name.replace(" ", "\n").replace("/", "/\n"), fontsize=9)
