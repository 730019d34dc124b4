"""Sheets of many small maps and images, on one pair of axes: hundreds are drawn in no time."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from digits.drawing.style import new_figure, show_image
from stages.filters.scales import add_scale, choose_colours

PER_ROW = 8  # filters, maps or patterns
DRAWN = 64  # of them in one picture, at most
GAP, BREAK, LINE, LETTER = 0.08, 0.14, 0.18, 0.08  # inches: between cells, groups; line of text, letter
NAME = 10  # letters in a line of a row's name


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a sheet, under a caption.

    values: (height, width) on the scale `norm`; or an image (height, width, channels); or None
    """

    values: np.ndarray | None
    norm: Normalize | None = None
    caption: str = ""


@dataclass(frozen=True)
class Sheet:
    """Rows of cells, each `side` inches wide.

    names: of the rows, at their left; groups: how many columns belong together, by the name below them
    scales: drawn at the right, with their labels
    """

    rows: Sequence[Sequence[Cell]]
    side: float
    scales: Sequence[tuple[Normalize, str]] = ()
    names: Sequence[str] = ()
    groups: Sequence[tuple[str, int]] = ()

    def lefts(self) -> np.ndarray:
        """Return the left edge of each column, in inches."""
        columns = max(map(len, self.rows))
        sizes = [size for _, size in self.groups] or [columns]
        breaks = np.repeat(np.arange(len(sizes)), sizes)
        return np.arange(columns) * (self.side + GAP) + breaks * BREAK

    def tops(self) -> np.ndarray:
        """Return the upper edge of each row, and that of what would follow, in inches."""
        headings = np.array([LINE * any(cell.caption for cell in row) for row in self.rows] + [0.0])
        return np.arange(len(headings)) * (self.side + GAP) + np.cumsum(headings)


def fold(cells: Sequence[Cell]) -> list[Sequence[Cell]]:
    """Return the cells as rows of PER_ROW."""
    return [cells[start : start + PER_ROW] for start in range(0, len(cells), PER_ROW)]


def draw_sheet(sheet: Sheet, title: str) -> Figure:
    """Draw the cells row by row, captions above them."""
    names = [fill(name, NAME) for name in sheet.names]
    margin = GAP + LETTER * max((len(line) for name in names for line in name.split("\n")), default=0)
    lefts, tops = sheet.lefts(), sheet.tops()
    right, bottom = lefts[-1] + sheet.side, tops[-1] + LINE * bool(sheet.groups)
    height = bottom + 0.25 + 0.2 * len(title.split("\n"))
    figure, ax = new_figure(margin + right + 0.9 * len(sheet.scales), height)
    for row, top in zip(sheet.rows, tops, strict=False):
        for cell, left in zip(row, lefts, strict=False):
            _draw_cell(ax, cell, left, top, sheet.side)
    for name, top in zip(names, tops, strict=False):
        ax.text(-GAP, top + sheet.side / 2, name, ha="right", va="center", fontsize=9)
    _name_groups(ax, sheet)
    ax.set(xlim=(-margin, right), ylim=(bottom, 0), aspect="equal")
    ax.set_axis_off()
    for norm, label in sheet.scales:
        add_scale(figure, ax, norm, label)
    figure.suptitle(title)
    return figure


def _draw_cell(ax: Axes, cell: Cell, left: float, top: float, side: float) -> None:
    """Draw what the cell holds as large as it fits, in the middle."""
    height, width = (1, 1) if cell.values is None else cell.values.shape[:2]
    half = np.array([width, height]) / max(width, height) * side / 2
    x, y = left + side / 2, top + side / 2
    extent = (x - half[0], x + half[0], y + half[1], y - half[1])
    if cell.values is not None and cell.norm:
        colours = choose_colours(cell.norm)
        ax.imshow(cell.values, cmap=colours, norm=cell.norm, interpolation="nearest", extent=extent)
    elif cell.values is not None:
        show_image(ax, cell.values, extent=extent)
    ax.text(x, y - half[1] - 0.02, cell.caption, ha="center", va="bottom", fontsize=9)


def _name_groups(ax: Axes, sheet: Sheet) -> None:
    left, first = sheet.lefts(), 0
    for name, size in sheet.groups:
        middle = (left[first] + left[first + size - 1] + sheet.side) / 2
        ax.text(middle, sheet.tops()[-1], name, ha="center", va="top", fontsize=9)
        first += size


def count(n: int, total: int, what: str) -> str:
    """Say how many of all are drawn: "64 maps" or "first 64 of 128 maps"."""
    return f"{total} {what}" if n == total else f"first {n} of {total} {what}"
