"""Picture of the receptive fields: what two neighbouring units of each layer see of the image."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from digits.analysis.saliency.convolutions import Layer
from digits.drawing.style import BAD, GOOD, new_figure, show_image

PER_ROW = 4  # panels


def draw(layers: Sequence[Layer], image: np.ndarray) -> Figure:
    """Draw on the image (height, width, channels) what two neighbouring units of each layer see.

    A layer whose units see the same as those of the layer before it is left out.
    """
    shown = [
        layer for number, layer in enumerate(layers) if not number or layer.axes != layers[number - 1].axes
    ]
    columns = min(PER_ROW, max(len(shown), 1))
    rows = -(-max(len(shown), 1) // columns)
    figure, axes = new_figure(2.4 * columns, 2.9 * rows + 0.6, nrows=rows, ncols=columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, layer in zip(axes.flat, shown, strict=False):
        _draw_fields(ax, layer, image)
    figure.suptitle(
        "Receptive fields of two neighbouring units of each layer of the CNN\n"
        "Hatched: pixels that no unit of the layer sees"
    )
    return figure


def _draw_fields(ax: Axes, layer: Layer, image: np.ndarray) -> None:
    """Draw the fields of a unit in the middle and of its neighbour to the right, if it has one."""
    height, width = layer.axes
    show_image(ax, image)
    ax.images[0].set_alpha(0.45)
    ax.add_patch(Rectangle((-0.5, -0.5), image.shape[1], image.shape[0], fill=False, ec="grey", lw=0.6))
    row, column = (max((axis.size - 1) // 2, 0) for axis in (height, width))
    for unit, colour, style in ((column, GOOD, "-"), (column + 1, BAD, "--"))[: width.size]:
        (top, bottom), (left, right) = height.bounds(row), width.bounds(unit)
        corner = (left - 0.5, top - 0.5)
        box = Rectangle(corner, right - left, bottom - top, fill=False, ec=colour, ls=style, lw=2)
        ax.add_patch(box)
    _hatch_unseen(ax, layer, image.shape)
    ax.set(xlim=(-1, image.shape[1]), ylim=(image.shape[0], -1))
    ax.set_title(_describe(layer), fontsize=10, pad=2)


def _describe(layer: Layer) -> str:
    height, width = layer.axes
    field = f"{layer.name}\nfield {height.field} x {width.field}"
    if layer.kind == "Dense":
        return f"{field}, {layer.channels} units"
    strides = {height.stride: None, width.stride: None}  # one number where both are equal
    maps = f"{layer.channels} maps of {height.size} x {width.size}"
    return f"{field}, stride {' x '.join(map(str, strides))}\n{maps}"


def _hatch_unseen(ax: Axes, layer: Layer, shape: tuple[int, ...]) -> None:
    """Hatch the columns at the right and the rows at the bottom that no unit sees."""
    bottom, right = (max(axis.start, 0) + axis.seen(n) for axis, n in zip(layer.axes, shape, strict=False))
    for (x, y), size in (
        ((right, 0), (shape[1] - right, shape[0])),
        ((0, bottom), (right, shape[0] - bottom)),
    ):
        ax.add_patch(Rectangle((x - 0.5, y - 0.5), *size, fill=False, hatch="/////", lw=0, ec="#777777"))
