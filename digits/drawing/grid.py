"""Many small images: as rows of tiles on one pair of axes, which draws hundreds fast, or as one array."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from digits.drawing.style import add_scale, new_figure, scale_colours, show_image

GAP, BREAK = 0.1, 0.14  # inches: between tiles, and between groups of columns in addition
LINE, LETTER, TITLE_LETTER, SCALE = 0.16, 0.078, 0.1, 0.9  # inches: line of text, letters, width of a scale


@dataclass(frozen=True)
class Tile:
    """What one place of a grid shows, with text above (heading) and below (caption).

    values: image (height, width, channels); or, with `norm`, a map (height, width) in the colours of
    that scale; or None for an empty place.
    """

    values: np.ndarray | None
    caption: str = ""
    colour: str = "black"
    heading: str = ""
    norm: Normalize | None = None


Row = tuple[str, Sequence[Tile]]  # its name, at the left, and its tiles


def fold(tiles: Sequence[Tile], columns: int, name: str = "") -> list[Row]:
    """Return the tiles as rows of at most `columns`; the first row has the name."""
    starts = range(0, max(len(tiles), 1), columns)
    return [("" if start else name, tiles[start : start + columns]) for start in starts]


def draw_grid(
    rows: Sequence[Row],
    title: str,
    *,
    side: float = 0.62,
    framed: bool = False,
    groups: Sequence[tuple[str, int]] = (),
    scales: Sequence[tuple[Normalize, str]] = (),
) -> Figure:
    """Draw rows of tiles, each `side` inches wide and high; a row without tiles says `none`.

    framed: outline each tile, for images that end in white
    groups: columns that belong together, as (name, number of columns); the name stands below them
    scales: colour bars at the right, as (scale, label)
    """
    tiles = [tile for _, row in rows for tile in row]
    pitch = max([side, *(LETTER * _width(text) for tile in tiles for text in (tile.heading, tile.caption))])
    columns = max([sum(size for _, size in groups), *(len(row) for _, row in rows)])
    numbers = np.repeat(np.arange(len(groups)), [size for _, size in groups]) if groups else 0
    lefts = np.arange(columns) * (pitch + GAP) + np.broadcast_to(numbers, columns) * BREAK
    margin = GAP + LETTER * max(_width(name) for name, _ in rows)
    width = max(margin + (lefts[-1] + pitch if columns else 0), 5.0)
    text = "\n".join(_wrap_evenly(line, int(width / TITLE_LETTER)) for line in title.split("\n"))
    figure, ax = new_figure(width + SCALE * len(scales), 1)
    bottom = 0.0
    for name, row in rows:
        top = bottom + LINE * max((_lines(tile.heading) for tile in row), default=0)
        ax.text(-GAP, top + side / 2, name, ha="right", va="center", fontsize=9)
        for tile, left in zip(row, lefts, strict=False):
            _draw_tile(ax, tile, left + pitch / 2, top + side / 2, side, framed)
        if not row:
            ax.text(0, top + side / 2, "none", va="center", fontsize=9, color="grey")
        bottom = top + side + LINE * max((_lines(tile.caption) for tile in row), default=0) + GAP
    for end, (name, size) in zip(np.cumsum([size for _, size in groups]), groups, strict=True):
        middle = (lefts[end - size] + lefts[end - 1] + pitch) / 2
        ax.text(middle, bottom, name, ha="center", va="top", fontsize=9)
    bottom += LINE * bool(groups)
    ax.set(xlim=(-margin, width - margin), ylim=(bottom, 0), aspect="equal")
    ax.set_axis_off()
    for norm, label in reversed(scales):  # the last one stands next to the tiles
        add_scale(figure, ax, norm, label)
    figure.set_figheight(max(bottom + 0.2 + 0.2 * _lines(text), 2.0 if scales else 1.6))
    figure.suptitle(text)
    return figure


def _draw_tile(ax: Axes, tile: Tile, x: float, y: float, side: float, framed: bool) -> None:
    """Draw the tile about its middle, as large as fits into the square."""
    height, width = (1, 1) if tile.values is None else tile.values.shape[:2]
    across, down = np.array([width, height]) / max(width, height) * side / 2
    extent = (x - across, x + across, y + down, y - down)
    if tile.values is not None and tile.norm:
        colours = scale_colours(tile.norm)
        ax.imshow(tile.values, cmap=colours, norm=tile.norm, interpolation="nearest", extent=extent)
    elif tile.values is not None:
        show_image(ax, tile.values, extent=extent)
    if framed:
        look: Any = {"fill": False, "ec": "grey", "lw": 0.6, "clip_on": False}
        ax.add_patch(Rectangle((x - across, y - down), 2 * across, 2 * down, **look))
    look = {"ha": "center", "fontsize": 8, "color": tile.colour, "linespacing": 1.1}
    ax.text(x, y - side / 2 - 0.02, tile.heading, va="bottom", **look)
    ax.text(x, y + side / 2 + 0.02, tile.caption, va="top", **look)


def tile_images(images: np.ndarray, rows: int, columns: int, gap: int = 0, fill: float = 0) -> np.ndarray:
    """Lay the first of the images (n, height, width, channels) out as one array, row by row.

    gap: pixels between them, which hold `fill`, as do the places that have no image
    """
    _, height, width, channels = images.shape
    padded = np.full((rows * columns, height + gap, width + gap, channels), fill, images.dtype)
    first = images[: len(padded)]
    padded[: len(first), :height, :width] = first
    grid = padded.reshape(rows, columns, height + gap, width + gap, channels).swapaxes(1, 2)
    whole = grid.reshape(rows * (height + gap), columns * (width + gap), channels)
    return whole[: len(whole) - gap, : whole.shape[1] - gap]


def _wrap_evenly(line: str, most: int) -> str:
    """Break a line into as few lines of at most `most` letters as possible, of nearly equal length."""
    needed = len(textwrap.wrap(line, most))
    while most > 1 and len(textwrap.wrap(line, most - 1)) == needed:
        most -= 1
    return textwrap.fill(line, most)


def _width(text: str) -> int:
    return max(map(len, text.split("\n")))


def _lines(text: str) -> int:
    return len(text.split("\n")) if text else 0
