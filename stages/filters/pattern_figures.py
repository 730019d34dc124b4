"""Pictures of the patterns that excite maps most, and of the last hidden layer."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from digits.drawing.style import new_figure
from stages.filters.features import Features
from stages.filters.patterns import EXCITED, Patterns
from stages.filters.scales import add_scale, choose_colours, scale, scale_signed
from stages.filters.sheet import DRAWN, Cell, Sheet, count, draw_sheet, fold

REACHED_BY = {
    "pattern": "patterns",
    "image": "the best of {searched:,} training images",
    "noise": "the best noise",
}


def patterns(found: Patterns) -> Figure:
    """Draw the pattern of each map under the map's number and the mean activation reached."""
    cells = [
        Cell(image, caption=f"{row.map}: {row.pattern:.2f}")
        if row.state == EXCITED
        else Cell(None, caption=f"{row.map}: {row.state}")
        for image, row in zip(found.images, found.table.itertuples(), strict=True)
    ]
    return draw_sheet(Sheet(fold(cells[:DRAWN]), 1.1), _describe_patterns(found))


def _describe_patterns(found: Patterns) -> str:
    figures, n = found.figures, len(found.images)
    states = f"{figures['dead']} dead, {figures['unreached']} unreached"
    drawn = count(min(n, DRAWN), n, "maps")
    text = f"{found.layer}, {drawn} ({states}): the pattern that excites each most, and its mean activation"
    if "median_pattern" not in figures:
        return text
    medians = [
        f"{figures[f'median_{key}']:.2f} by {words.format(searched=found.searched)}"
        for key, words in REACHED_BY.items()
    ]
    return f"{text}\nmedian over the maps: {', '.join(medians)}"


def features(found: Features, classes: Sequence[str]) -> Figure:
    """Draw by class the mean activation of each unit, above the weight with which it votes."""
    figure, axes = new_figure(10, 0.5 * len(classes) + 1.8, nrows=2, sharex=True)
    means, weights = found.means[:, found.order], found.weights[:, found.order]
    panels = (
        (means, scale(means[~np.isnan(means)]), "mean activation"),
        (weights, scale_signed(weights), "weight to the class"),
    )
    boundaries = np.flatnonzero(np.diff(found.preferred[found.order])) + 0.5
    for ax, (values, norm, label) in zip(axes, panels, strict=True):
        ax.imshow(values, cmap=choose_colours(norm), norm=norm, interpolation="nearest", aspect="auto")
        ax.set_yticks(range(len(classes)), classes)
        ax.vlines(boundaries, -0.5, len(classes) - 0.5, color=_contrast(norm), linewidth=1)
        add_scale(figure, ax, norm, label)
    axes[1].set_xlabel("units of the last hidden layer, by the class that activates them most")
    figure.suptitle(_describe_features(found))
    return figure


def _contrast(norm: Normalize) -> str:
    """Return the colour of lines: black on a scale whose 0 is white, white on one whose 0 is dark."""
    return "black" if (norm.vmin or 0) < 0 else "white"


def _describe_features(found: Features) -> str:
    figures = found.figures
    text = f"{figures['units']} units of the last hidden layer, {figures['dead']} of them dead"
    if "vote_for_preferred" not in figures:
        return text
    share = figures["vote_for_preferred"]
    return (
        f"{text};\n{share:.0%} of the others have their largest weight to the class that activates them most"
    )
