"""What pictures share: a look, colours that colour-blind readers can tell apart, scales, scatter plots."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from digits.data.files import replacing
from digits.data.splits import PIXEL_MAX

DPI = 110
# Paul Tol's qualitative scheme "muted" with black for its pale grey, https://personal.sron.nl/~pault/
COLOURS = (
    "#CC6677", "#332288", "#DDCC77", "#117733", "#88CCEE",
    "#882255", "#44AA99", "#999933", "#AA4499", "#000000",
)  # fmt: skip
GOOD, BAD = "#0077BB", "#CC3311"  # Tol's "vibrant" blue and red
SIGNED, UNSIGNED = "PuOr_r", "viridis"  # signed: purple below 0, brown above
BAR = (1.04, 0, 0.06, 1)  # colour bar beside a map and as high as it, in fractions of the map's axes
COVERED = 0.998  # fraction of the values in a scale: covering the few largest would leave all others pale
STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "image.cmap": "gray_r",
}


def new_figure(width: float, height: float, **subplots: Any) -> tuple[Figure, Any]:
    """Return a figure of that many inches and its axes, laid out so that nothing overlaps."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.subplots(**subplots)


def save(path: Path, figure: Figure) -> None:
    """Write a PNG that names neither a date nor a version."""
    with replacing(path) as temporary, matplotlib.rc_context(STYLE):
        figure.savefig(temporary, dpi=DPI, format="png", metadata={"Software": None})


def show_image(ax: Axes, image: np.ndarray, extent: tuple[float, float, float, float] | None = None) -> None:
    """Draw one image, (height, width, channels) in [0, 255] or [0, 1], dark ink on white.

    extent: left, right, bottom, top in the units of the axes; without it one unit is a pixel.
    """
    top = PIXEL_MAX if image.dtype == np.uint8 or image.max() > 1 else 1
    picture = image[..., 0] if image.shape[-1] == 1 else image / top
    ax.imshow(picture, cmap="gray_r", vmin=0, vmax=top, interpolation="nearest", extent=extent)
    ax.set_axis_off()


def draw_cells(ax: Axes, shades: np.ndarray, texts: list[str], darkest: float) -> None:
    """Draw shades from 0 to `darkest` (rows, columns) below their texts, row by row."""
    ax.imshow(shades, cmap="Blues", vmin=0, vmax=darkest)
    for ((row, column), shade), text in zip(np.ndenumerate(shades), texts, strict=True):
        colour = "white" if shade > darkest - 0.5 else "black"
        ax.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)


def signed_scale(values: np.ndarray, covered: float = COVERED) -> Normalize:
    """Return a scale symmetric about 0 that covers this fraction of the values; nan is ignored."""
    limit = float(np.nanquantile(np.abs(values), covered)) or 1.0
    return Normalize(-limit, limit)


def scale_of(values: np.ndarray) -> Normalize:
    """Return a scale from 0 up if no value is negative, a signed one otherwise."""
    if np.nanmin(values) < 0:
        return signed_scale(values)
    return Normalize(0, float(np.nanquantile(values, COVERED)) or float(np.nanmax(values)) or 1.0)


def scale_colours(norm: Normalize) -> Colormap:
    """Return the colours of a signed or unsigned scale; nan is grey."""
    name = SIGNED if (norm.vmin or 0) < 0 else UNSIGNED
    return matplotlib.colormaps[name].with_extremes(bad="#DDDDDD")


def add_scale(figure: Figure, ax: Axes, norm: Normalize, label: str) -> None:
    """Draw the scale as a colour bar at the right of the axes."""
    extend = "both" if (norm.vmin or 0) < 0 else "max"
    mappable = ScalarMappable(norm, scale_colours(norm))
    figure.colorbar(mappable, ax=ax, label=label, fraction=0.02, pad=0.01, shrink=0.8, extend=extend)


def scatter_by_class(ax: Axes, points: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> None:
    """Draw points (n, 2) in their class's colour, and each class's name near its median point."""
    present = np.unique(labels)
    medians = np.stack([np.median(points[labels == label], axis=0) for label in present])
    for label, place in zip(present, _apart(medians, np.ptp(points, axis=0)), strict=True):
        mine = points[labels == label]
        colour = COLOURS[label % len(COLOURS)]
        ax.scatter(mine[:, 0], mine[:, 1], s=5, alpha=0.6, color=colour, linewidths=0)
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": colour, "alpha": 0.85, "lw": 2}
        look: Any = {"ha": "center", "va": "center", "fontsize": 10, "fontweight": "bold", "bbox": box}
        ax.annotate(classes[label], place, **look)


def _apart(places: np.ndarray, extent: np.ndarray, gap: float = 0.07) -> np.ndarray:
    """Push points (n, 2) apart until any two are `gap` of the extent from each other, or nearly so.

    Along an axis without extent, as that of a single dimension, all stay where they are.
    """
    extent = np.where(extent > 0, extent, 1)
    moved = places / extent
    for _ in range(200):
        difference = moved[:, None] - moved
        distance = np.linalg.norm(difference, axis=-1, keepdims=True)
        push = np.clip(gap - distance, 0, None) / 4
        moved += (push * difference / np.maximum(distance, 1e-9)).sum(axis=1)
    return np.asarray(moved * extent)
