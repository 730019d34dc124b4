"""Scales of colour for values with and without a sign."""

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

SIGNED, UNSIGNED = "PuOr_r", "viridis"  # purple below 0, brown above: the colour-blind tell these apart
SHOWN = 0.998  # share of the values within the scale; a few more would leave all others pale


def scale_signed(values: np.ndarray) -> Normalize:
    """Return a scale symmetric about 0."""
    limit = float(np.quantile(np.abs(values), SHOWN)) or 1.0
    return Normalize(-limit, limit)


def scale(values: np.ndarray) -> Normalize:
    """Return a scale from 0 where no value is negative, or else one symmetric about 0."""
    if values.min() < 0:
        return scale_signed(values)
    return Normalize(0, float(np.quantile(values, SHOWN)) or float(values.max()) or 1.0)


def choose_colours(norm: Normalize) -> Colormap:
    """Return the colours of a scale with or without a sign; nan is grey."""
    name = SIGNED if (norm.vmin or 0) < 0 else UNSIGNED
    return matplotlib.colormaps[name].with_extremes(bad="#DDDDDD")


def add_scale(figure: Figure, ax: Axes, norm: Normalize, label: str) -> None:
    """Draw the scale at the right of the axes."""
    extend = "both" if (norm.vmin or 0) < 0 else "max"
    mappable = ScalarMappable(norm, choose_colours(norm))
    figure.colorbar(mappable, ax=ax, label=label, fraction=0.02, pad=0.01, shrink=0.8, extend=extend)
