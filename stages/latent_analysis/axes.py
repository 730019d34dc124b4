"""The latent axes one by one and two by two: moments, histograms, correlations, ellipses."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import norm

from digits.analysis.latent.gaussian import Region
from digits.analysis.latent.normality import describe_axes
from digits.data.files import write_table
from digits.drawing.style import BAD, GOOD, new_figure, save
from stages.latent_analysis.case import Case

SHOWN = 32  # axes with a histogram, at most
BINS = 40


def report(case: Case) -> None:
    """Write moments of each axis over all images and by class, histograms and correlations."""
    region, plots = case.region, case.plots
    sample = case.sample(len(case.codes), case.settings.tested, "tested")
    table = describe_axes(case.codes, sample)
    write_table(plots / "latent_axes.csv", table)
    write_table(plots / "latent_axes_by_class.csv", describe_classes(case))
    save(plots / "latent_axes.png", draw_axes(region))
    chosen = choose_axes(table)
    histograms = count(case.codes, chosen)
    write_table(plots / "histograms.csv", histograms)
    save(plots / "histograms.png", draw_histograms(histograms, table, chosen))
    write_table(plots / "latent_correlation.csv", region.correlation_table)
    save(plots / "latent_correlation.png", draw_correlation(region))


def describe_classes(case: Case) -> pd.DataFrame:
    """Return the moments of each class along each axis."""
    tables = []
    for name, codes in case.each_class():
        sample = case.sample(len(codes), case.settings.tested, f"tested {name}")
        table = describe_axes(codes, sample)
        table.insert(0, "class", name)
        tables.append(table)
    return pd.concat(tables)


def choose_axes(table: pd.DataFrame) -> np.ndarray:
    """Return the axes (from 0) to draw, ascending: where there are too many, the least normal ones."""
    varying = np.flatnonzero(table["deviation"] > 0)
    order = np.argsort(table["shapiro_w"].to_numpy()[varying], kind="stable")
    return np.sort(varying[order[:SHOWN]])


def count(codes: np.ndarray, chosen: Sequence[int] | np.ndarray) -> pd.DataFrame:
    """Return one row a bin of each chosen axis: axis, low, high, density, normal.

    normal: mean density of the fitted normal distribution in the bin
    """
    tables = []
    for axis in chosen:
        values = codes[:, axis]
        density, edges = np.histogram(values, BINS, density=True)
        fitted = np.diff(norm.cdf(edges, values.mean(), values.std(ddof=1))) / np.diff(edges)
        columns = {"low": edges[:-1], "high": edges[1:], "density": density, "normal": fitted}
        tables.append(pd.DataFrame({"axis": axis + 1, **columns}))
    return pd.concat(tables)


def draw_histograms(histograms: pd.DataFrame, table: pd.DataFrame, chosen: np.ndarray) -> Figure:
    """Draw the histogram of each chosen axis with the fitted normal distribution."""
    columns = min(8, len(chosen))
    rows = -(-len(chosen) // columns)
    figure, axes = new_figure(
        max(4.5, 1.2 * columns), 1.25 * rows + 0.8, nrows=rows, ncols=columns, squeeze=False
    )
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.set_axis_off()
    for ax, axis in zip(axes.flat, chosen, strict=False):
        bins = histograms[histograms["axis"] == axis + 1]
        ax.set_axis_on()
        ax.stairs(bins["density"], [*bins["low"], bins["high"].iloc[-1]], fill=True, color=GOOD, alpha=0.45)
        ax.plot((bins["low"] + bins["high"]) / 2, bins["normal"], color=BAD, lw=1.2)
        moments = table.iloc[axis]
        ax.set_title(
            f"{axis + 1}:  {moments['skewness']:+.1f}  {moments['kurtosis']:+.1f}", fontsize=9, pad=2
        )
        ax.spines["left"].set_visible(False)
    figure.suptitle(
        "latent axes: number, skewness and excess kurtosis of the training images' vectors\n"
        "(histogram, and the normal distribution of the same mean and deviation)"
    )
    return figure


def draw_axes(region: Region) -> Figure:
    """Draw mean and deviation of the latent vectors along each axis."""
    figure, ax = new_figure(9.6, 3.4)
    axis = region.axes["axis"]
    ax.axhspan(-1, 1, color="#DDDDDD", label="standard normal")
    ax.errorbar(
        axis, region.mean, yerr=region.deviation, fmt="o", color=GOOD, capsize=2, label="training images"
    )
    ax.axhline(0, color="black", linewidth=0.8)
    distance = region.figures["distance_of_mean"]
    ax.set(
        xlabel="latent axis",
        ylabel="mean and standard deviation",
        title=f"distance of the mean from the origin: {distance:.1f}; "
        f"mean standard deviation along an axis: {region.figures['mean_deviation']:.1f}",
    )
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def draw_correlation(region: Region) -> Figure:
    """Draw the correlation matrix of the latent axes."""
    figure, ax = new_figure(6, 5)
    end = len(region.mean) + 0.5
    extent = (0.5, end, end, 0.5)
    picture = ax.imshow(region.correlation, cmap="RdBu_r", vmin=-1, vmax=1, extent=extent)
    figure.colorbar(picture, ax=ax, label="correlation")
    mean, largest = (region.figures[f"{which}_correlation"] for which in ("mean", "largest"))
    ax.set(
        xlabel="latent axis",
        ylabel="latent axis",
        title=f"|correlation| of two axes: {mean:.2f} on average, {largest:.2f} at most",
    )
    return figure
