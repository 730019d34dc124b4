"""Principal components of the spaces: maps of two components, and the variance of all of them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from digits.analysis.latent.gaussian import participation_ratio
from digits.analysis.latent.pca import Projection
from digits.data.splits import Split
from digits.drawing.style import COLOURS, GOOD, new_figure, scatter_by_class
from stages.latent_analysis.context import SPACES, LatentContext, Vectors, tabulate_map
from stages.latent_analysis.results import Results

SPACE_COLOURS = dict(zip(SPACES, ("#000000", COLOURS[0], GOOD, COLOURS[3]), strict=True))
SHOWN = 5000  # test images in each scatter plot, at most


def analyse_projections(
    context: LatentContext, spaces: Mapping[str, Vectors], projections: Mapping[str, Projection]
) -> Results:
    """Return scatter plots, spectra, and the coordinates of all test images in two components."""
    coordinates = {name: result.apply(spaces[name][1]) for name, result in projections.items()}
    shown = context.sample(len(context.test), SHOWN, "scatter")
    maps = {name: points[shown] for name, points in coordinates.items()}
    test, classes = context.test.take(shown), context.classes
    return Results(
        tables={"pca": tabulate_map(maps, test, classes), "scree": tabulate_spectra(projections)},
        plots={"pca": draw_maps(projections, maps, test, classes), "scree": draw_spectra(projections)},
        details={"explained_variance": {name: result.explained for name, result in projections.items()}},
        arrays={f"{name}_components": points for name, points in coordinates.items()},
    )


def draw_maps(
    projections: Mapping[str, Projection], maps: Mapping[str, np.ndarray], test: Split, classes: list[str]
) -> Figure:
    """Draw the maps (n, 2) of test images in two principal components of each space."""
    figure, axes = new_figure(9.6, 9.4, nrows=2, ncols=2)
    for ax, (name, projection) in zip(axes.flat, projections.items(), strict=True):
        scatter_by_class(ax, maps[name], test.labels, classes)
        first, second = (f"{projection.explained[each]:.1%} of the variance" for each in ("first", "second"))
        ax.set(title=SPACES[name], xlabel=f"component 1 ({first})", ylabel=f"component 2 ({second})")
    best = max(projections, key=lambda name: projections[name].explained["both"])
    figure.suptitle(
        f"{len(test):,} test images in two principal components of the training images:\n"
        f"most variance in {SPACES[best][0].lower()}{SPACES[best][1:]} "
        f"({projections[best].explained['both']:.1%})"
    )
    return figure


def tabulate_spectra(projections: Mapping[str, Projection]) -> pd.DataFrame:
    """Return one row per space and component: space, component, share, cumulative."""
    tables = []
    for name, result in projections.items():
        number, share = np.arange(1, len(result.spectrum) + 1), result.spectrum
        columns = {"space": name, "component": number, "share": share, "cumulative": share.cumsum()}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables)


def draw_spectra(projections: Mapping[str, Projection]) -> Figure:
    """Draw the variance of each component, and the sum of the first ones, for each space."""
    figure, (scree, cumulative) = new_figure(9.6, 4.2, ncols=2)
    for name, result in projections.items():
        number = np.arange(1, len(result.spectrum) + 1)
        ratio = f"{SPACES[name]}: {participation_ratio(result.spectrum):.1f} of {len(number)}"
        scree.plot(number, result.spectrum, color=SPACE_COLOURS[name], lw=1.8, label=ratio)
        cumulative.plot(number, result.spectrum.cumsum(), color=SPACE_COLOURS[name], lw=1.8)
    least = min(result.spectrum[: result.count(0.999)].min() for result in projections.values())
    scree.set(xscale="log", yscale="log", ylim=(least / 3, 1), title="Variance of each component")
    cumulative.set(xscale="log", ylim=(0, 1.02), title="Cumulative variance")
    for ax in (scree, cumulative):
        ax.set(xlabel="principal component", ylabel="fraction of the variance")
        ax.grid(alpha=0.3)
    cumulative.yaxis.set_major_formatter(PercentFormatter(1))
    legend = "Participation ratio (effective number of components)"
    figure.legend(title=legend, loc="outside lower center", ncols=2)
    return figure
