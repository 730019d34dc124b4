"""Rows of small images with captions, on one pair of axes: a gallery of hundreds is drawn in no time."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from digits.drawing.style import new_figure, show_image

SIDE, GAP, LINE, LETTER = 0.62, 0.1, 0.15, 0.078  # inches: image, between images, line of text, letter
TITLE_LETTER = 0.1


@dataclass(frozen=True)
class Tile:
    """An image (height, width, channels) and what stands below it."""

    image: np.ndarray
    caption: str = ""
    colour: str = "black"


def fold(tiles: list[Tile], columns: int) -> list[tuple[str, list[Tile]]]:
    """Return the tiles as rows without a name."""
    return [("", tiles[start : start + columns]) for start in range(0, max(len(tiles), 1), columns)]


def draw_mosaic(rows: Sequence[tuple[str, Sequence[Tile]]], title: str) -> Figure:
    """Draw each row of images, its name at the left; a row without any says `none`."""
    captions = [tile.caption for _, row in rows for tile in row]
    pitch = max(SIDE, LETTER * max(map(_longest, captions), default=0)) + GAP
    step = SIDE + GAP + LINE * max((len(text.splitlines()) for text in captions), default=0)
    margin = GAP + LETTER * max((_longest(name) for name, _ in rows), default=0)
    width = max(margin + pitch * max((len(row) for _, row in rows), default=0), 5.0)
    text = textwrap.fill(title, int(width / TITLE_LETTER))
    height = max(step * len(rows) + 0.2 + 0.2 * len(text.splitlines()), 2.0)
    figure, ax = new_figure(width, height)
    for number, (name, row) in enumerate(rows):
        ax.text(-GAP, number * step + SIDE / 2, name, ha="right", va="center", fontsize=9)
        for column, tile in enumerate(row):
            _draw_tile(ax, tile, column * pitch + (pitch - GAP - SIDE) / 2, number * step)
        if not row:
            ax.text(0, number * step + SIDE / 2, "none", va="center", fontsize=9, color="grey")
    ax.set(xlim=(-margin, width - margin), ylim=(step * len(rows), 0), aspect="equal")
    ax.set_axis_off()
    figure.suptitle(text)
    return figure


def _draw_tile(ax: Axes, tile: Tile, left: float, top: float) -> None:
    show_image(ax, tile.image, extent=(left, left + SIDE, top + SIDE, top))
    ax.text(
        left + SIDE / 2,
        top + SIDE + 0.02,
        tile.caption,
        ha="center",
        va="top",
        fontsize=8,
        color=tile.colour,
        linespacing=1.1,
    )


def _longest(text: str) -> int:
    return max(map(len, text.splitlines()), default=0)
