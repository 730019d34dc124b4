"""Pictures of the layers: their numbers, and what two neighbouring nodes see of the image."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from digits.drawing.style import BAD, GOOD, new_figure, show_image
from stages.filters.geometry import Geometry

HEADINGS = ("layer", "maps", "step", "receptive field", "activations", "parameters", "multiplications")
PER_ROW = 4  # panels


def layer_table(layers: list[Geometry]) -> Figure:
    """Draw the table of the layers with the totals of parameters and multiplications."""
    rows = [_write_row(layer) for layer in layers]
    totals = [sum(getattr(layer, name) for layer in layers) for name in ("parameters", "multiplications")]
    rows.append(["together", "", "", "", "", *(f"{total:,}" for total in totals)])
    figure, ax = new_figure(9.6, 0.28 * len(rows) + 0.9)
    ax.set_axis_off()
    table = ax.table(
        rows, colLabels=HEADINGS, loc="center", cellLoc="right", colLoc="right", bbox=[0, 0, 1, 1]
    )
    table.auto_set_font_size(False)
    table.set_fontsize(10)
    table.auto_set_column_width(range(len(HEADINGS)))
    for (row, column), cell in table.get_celld().items():
        cell.visible_edges = "B" if row in (0, len(rows) - 1) else ""
        cell.get_text().set_fontweight("bold" if row in (0, len(rows)) else "normal")
        if column == 0:
            cell.get_text().set_ha("left")
    figure.suptitle("layers of the CNN; step and receptive field in pixels of the image")
    return figure


def _write_row(layer: Geometry) -> list[str]:
    height, width = layer.views
    numbers = (layer.row["activations"], layer.parameters, layer.multiplications)
    dense = layer.kind == "Dense"
    return [
        layer.layer,
        f"{layer.channels} units" if dense else f"{layer.channels} of {height.size} x {width.size}",
        "" if dense else _join(height.step, width.step),
        f"{height.field} x {width.field}",
        *(f"{number:,}" for number in numbers),
    ]


def _join(first: int, second: int) -> str:
    return str(first) if first == second else f"{first} x {second}"


def receptive_fields(layers: list[Geometry], image: np.ndarray) -> Figure:
    """Draw on the image (height, width, channels) what two neighbouring nodes of each layer see.

    A layer that sees what the one before it does is left out.
    """
    shown = [layer for number, layer in enumerate(layers) if not number or _differs(layers, number)]
    columns = min(PER_ROW, max(len(shown), 1))
    rows = -(-max(len(shown), 1) // columns)
    figure, axes = new_figure(2.4 * columns, 2.85 * rows + 0.4, nrows=rows, ncols=columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, layer in zip(axes.flat, shown, strict=False):
        _draw_fields(ax, layer, image)
    figure.suptitle("what two neighbouring nodes see; hatched: pixels that no node of the layer sees")
    return figure


def _differs(layers: list[Geometry], number: int) -> bool:
    return layers[number].views != layers[number - 1].views


def _draw_fields(ax: Axes, layer: Geometry, image: np.ndarray) -> None:
    """Draw the fields of a node in the middle and of its neighbour to the right, if it has one."""
    height, width = layer.views
    show_image(ax, image)
    ax.images[0].set_alpha(0.45)
    row, column = (max((view.size - 1) // 2, 0) for view in (height, width))
    places = ((column, GOOD, "-"), (column + 1, BAD, "--"))
    for place, colour, style in places[: width.size]:
        (top, bottom), (left, right) = height.bounds(row), width.bounds(place)
        corner = (left - 0.5, top - 0.5)
        box = Rectangle(corner, right - left, bottom - top, fill=False, ec=colour, ls=style, lw=2)
        ax.add_patch(box)
    _hatch_unseen(ax, layer, image.shape)
    ax.set(xlim=(-1, image.shape[1]), ylim=(image.shape[0], -1))
    step = "" if layer.kind == "Dense" else f", step {_join(height.step, width.step)}"
    ax.set_title(f"{layer.layer}\nfield {height.field} x {width.field}{step}", fontsize=10, pad=2)


def _hatch_unseen(ax: Axes, layer: Geometry, shape: tuple[int, ...]) -> None:
    """Hatch the columns at the right and the rows at the bottom that no node sees."""
    bottom, right = (max(view.start, 0) + view.seen(n) for view, n in zip(layer.views, shape, strict=False))
    for corner, size in (
        ((right, 0), (shape[1] - right, shape[0])),
        ((0, bottom), (right, shape[0] - bottom)),
    ):
        x, y = corner
        ax.add_patch(Rectangle((x - 0.5, y - 0.5), *size, fill=False, hatch="/////", lw=0, ec="#777777"))
