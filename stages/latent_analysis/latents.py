"""Latent vectors: the axes one by one and in pairs, and lengths compared with uniform vectors from a cube."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from digits.analysis.latent.gaussian import Gaussian
from digits.analysis.latent.generators import expected_length, matching_side
from digits.analysis.latent.normality import describe_axes
from digits.analysis.latent.scores import nearest_distances
from digits.drawing.style import BAD, GOOD, new_figure
from stages.latent_analysis.context import LatentContext
from stages.latent_analysis.results import Results

HISTOGRAMS, AXIS_BINS = 32, 40  # axes with a histogram in the table, at most
SHOWN = 8  # axes with a histogram in the plot, at most
PAIRS, PAIR_BINS = 6, 40
FRACTIONS = (0.5, 0.95, 0.99)  # of the fitted Gaussian inside each ellipse
CUBES = np.arange(1, 16) / 10  # sides of the cubes, relative to the cube of equal mean square length
LENGTH_BINS = 80

Pair = tuple[int, int]  # of axes, from 0


def analyse_axes(context: LatentContext) -> Results:
    """Return moments of each axis over all images and per class, histograms and correlations."""
    latents, gaussian, most = context.latents, context.gaussian, context.settings.normality_vectors
    table = describe_axes(latents, context.sample(len(latents), most, "tested"))
    of_classes = {
        name: describe_axes(mine, context.sample(len(mine), most, f"tested {name}"))
        for name, mine in context.each_class()
    }
    histograms = tabulate_histograms(latents, choose_axes(table, HISTOGRAMS))
    by_class = pd.concat(of_classes, names=["class"]).reset_index("class")
    tables = {
        "latent_axes": table,
        "latent_axes_by_class": by_class,
        "histograms": histograms,
        "latent_correlation": gaussian.correlation_table,
    }
    plots = {
        "latent_axes": draw_axes(gaussian),
        "histograms": draw_histograms(histograms, table, choose_axes(table, SHOWN)),
        "latent_correlation": draw_correlation(gaussian),
    }
    arrays = {"train_latent": latents, "test_latent": context.test_latents}
    return Results(tables, plots, {"latent": gaussian.summary}, arrays)


def choose_axes(table: pd.DataFrame, most: int) -> np.ndarray:
    """Return the `most` least normal of the axes (from 0) that vary, by Shapiro-Wilk, ascending."""
    varying = table[table["deviation"] > 0].sort_values("shapiro_w", kind="stable")
    return np.sort(varying.index[:most])


def tabulate_bins(values: np.ndarray, bins: int, top: float | None = None, **columns: object) -> pd.DataFrame:
    """Return one row per bin from 0 to top (or between the extremes): columns, low, high, density."""
    density, edges = np.histogram(values, bins, None if top is None else (0, top), density=True)
    return pd.DataFrame({**columns, "low": edges[:-1], "high": edges[1:], "density": density})


def draw_bins(ax: Axes, bins: pd.DataFrame, **look: Any) -> None:
    """Draw one histogram of `tabulate_bins`."""
    ax.stairs(bins["density"], [*bins["low"], bins["high"].iloc[-1]], **look)


def new_panels(n: int, most: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure and its n axes of that many inches, at most `most` per row."""
    columns = min(most, max(1, n))
    rows = max(1, -(-n // columns))
    size = (max(4.5, width * columns), height * rows + 0.9)
    figure, axes = new_figure(*size, nrows=rows, ncols=columns, squeeze=False)
    for ax in axes.flat[n:]:
        ax.set_axis_off()
    return figure, list(axes.flat[:n])


def tabulate_histograms(latents: np.ndarray, chosen: Sequence[int] | np.ndarray) -> pd.DataFrame:
    """Return one row per chosen axis and bin: axis, low, high, density, normal.

    normal: mean density of the fitted normal distribution in the bin
    """
    tables = []
    for axis in chosen:
        values = latents[:, axis]
        bins = tabulate_bins(values, AXIS_BINS, axis=axis + 1)
        edges = [*bins["low"], bins["high"].iloc[-1]]
        fitted = np.diff(norm.cdf(edges, values.mean(), values.std(ddof=1))) / np.diff(edges)
        tables.append(bins.assign(normal=fitted))
    return pd.concat(tables)


def draw_histograms(histograms: pd.DataFrame, table: pd.DataFrame, chosen: np.ndarray) -> Figure:
    """Draw the histogram of each chosen axis (from 0) with the fitted normal distribution."""
    figure, axes = new_panels(len(chosen), 4, 2.3, 1.9)
    for ax, axis in zip(axes, chosen, strict=True):
        bins, moments = histograms[histograms["axis"] == axis + 1], table.iloc[axis]
        draw_bins(ax, bins, fill=True, color=GOOD, alpha=0.45)
        ax.plot((bins["low"] + bins["high"]) / 2, bins["normal"], color=BAD, lw=1.2)
        title = f"Axis {axis + 1}: skewness {moments['skewness']:+.1f},\n"
        ax.set_title(f"{title}excess kurtosis {moments['kurtosis']:+.1f}", fontsize=9)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
    figure.supxlabel("latent value", fontsize=10)
    figure.suptitle(
        f"Distribution of the training images' latent vectors along the {len(chosen)} least normal axes\n"
        "(blue), and the normal distribution of equal mean and standard deviation (red)"
    )
    return figure


def draw_axes(gaussian: Gaussian) -> Figure:
    """Draw mean and standard deviation of the latent vectors along each axis."""
    figure, ax = new_figure(9.6, 3.4)
    axis, deviation = np.arange(1, len(gaussian.mean) + 1), gaussian.standard_deviation
    ax.axhspan(-1, 1, color="#DDDDDD", label="standard normal")
    ax.errorbar(axis, gaussian.mean, yerr=deviation, fmt="o", color=GOOD, capsize=2, label="training images")
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(xlabel="latent axis", ylabel="mean ± standard deviation", xticks=[1, *range(5, len(axis) + 1, 5)])
    distance = f"the mean is {gaussian.summary['distance_of_mean']:.1f} from the origin"
    average = f"the standard deviation along an axis is {gaussian.summary['mean_deviation']:.1f} on average"
    ax.set_title(f"Latent vectors: {distance};\n{average}")
    figure.legend(loc="outside right upper")
    return figure


def draw_correlation(gaussian: Gaussian) -> Figure:
    """Draw the correlation matrix of the latent axes."""
    figure, ax = new_figure(6, 5)
    end = len(gaussian.mean) + 0.5
    extent = (0.5, end, end, 0.5)
    picture = ax.imshow(gaussian.correlation, cmap="RdBu_r", vmin=-1, vmax=1, extent=extent)
    figure.colorbar(picture, ax=ax, label="correlation")
    mean, largest = (gaussian.summary[f"{which}_correlation"] for which in ("mean", "largest"))
    ax.set(xlabel="latent axis", ylabel="latent axis")
    ax.set_title(f"|Correlation| of two latent axes: {mean:.2f} on average, {largest:.2f} at most")
    return figure


def analyse_pairs(context: LatentContext) -> Results:
    """Return density and ellipses of the most correlated pairs of axes."""
    latents, pairs = context.latents, strongest_pairs(context.gaussian, PAIRS)
    gaussians = {pair: context.gaussian.marginal(pair) for pair in pairs}
    tables = {"pairs": tabulate_pairs(latents, gaussians), "pair_density": tabulate_density(latents, pairs)}
    return Results(tables, {"pairs": draw_pairs(latents, gaussians)})


def strongest_pairs(gaussian: Gaussian, n: int) -> list[Pair]:
    """Return the n pairs of axes (from 0) with the largest |correlation|, the strongest first.

    Fewer if there are fewer pairs; pairs with an axis that never varies are left out.
    """
    table, varies = gaussian.correlation_table, gaussian.standard_deviation > 0
    table = table[varies[table["axis"] - 1] & varies[table["other"] - 1]]
    chosen = table.loc[table["correlation"].abs().nlargest(n).index]
    return [(int(a) - 1, int(b) - 1) for a, b in zip(chosen["axis"], chosen["other"], strict=True)]


def tabulate_pairs(latents: np.ndarray, gaussians: Mapping[Pair, Gaussian]) -> pd.DataFrame:
    """Return one row per ellipse: axis, other, correlation, share, half axes, angle in degrees, inside.

    share: fraction of the Gaussian; inside: fraction of the training vectors
    """
    names = ["axis", "other", "correlation", "share", "long_half_axis", "short_half_axis", "angle", "inside"]
    rows = []
    for pair, gaussian in gaussians.items():
        for fraction in FRACTIONS:
            shape = (*gaussian.half_axes_of(fraction), np.degrees(gaussian.angle))
            inside = gaussian.fraction_inside(latents[:, pair], fraction)
            rows.append((pair[0] + 1, pair[1] + 1, gaussian.correlation[0, 1], fraction, *shape, inside))
    return pd.DataFrame(rows, columns=names)


def tabulate_density(latents: np.ndarray, pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return one row per pair and non-empty cell: axis, other, x, y (the cell's centre), vectors."""
    tables = [pd.DataFrame(columns=["axis", "other", "x", "y", "vectors"])]
    for pair in pairs:
        cells, x, y = np.histogram2d(latents[:, pair[0]], latents[:, pair[1]], PAIR_BINS)
        row, column = np.nonzero(cells)
        centre = {"x": ((x[:-1] + x[1:]) / 2)[row], "y": ((y[:-1] + y[1:]) / 2)[column]}
        count = cells[row, column].astype(int)
        tables.append(pd.DataFrame({"axis": pair[0] + 1, "other": pair[1] + 1, **centre, "vectors": count}))
    return pd.concat(tables[1:] or tables)


def draw_pairs(latents: np.ndarray, gaussians: Mapping[Pair, Gaussian]) -> Figure:
    """Draw the density of each pair with its ellipses."""
    figure, axes = new_panels(len(gaussians), 3, 3.2, 2.95)
    for ax, (pair, gaussian) in zip(axes, gaussians.items(), strict=True):
        ax.hist2d(latents[:, pair[0]], latents[:, pair[1]], PAIR_BINS, cmap="Greys", norm="asinh")
        for fraction in FRACTIONS:
            ax.plot(*gaussian.contour(fraction, 200).T, color=BAD, lw=1.2)
        ax.set_title(f"Correlation {gaussian.correlation[0, 1]:+.2f}, {np.degrees(gaussian.angle):.0f}°")
        ax.set(xlabel=f"axis {pair[0] + 1}", ylabel=f"axis {pair[1] + 1}", aspect="equal")
    fractions = ", ".join(f"{fraction:.0%}" for fraction in FRACTIONS)
    figure.suptitle(
        f"Density of the latent vectors along the most correlated axes, and the ellipses that contain\n"
        f"{fractions} of the fitted Gaussian, with the angle of the long axis"
    )
    return figure


def analyse_lengths(context: LatentContext) -> Results:
    """Return lengths of latent and of uniform vectors, and how uniform vectors of many cubes fit.

    The details describe the cube of equal mean square length.
    """
    latents, gaussian, fraction = context.latents, context.gaussian, context.settings.ellipsoid_fraction
    d, side, rng = latents.shape[1], matching_side(latents), context.generator("lengths")
    uniform = rng.uniform(-side, side, latents.shape)
    lengths = {
        "training images, from the origin": np.linalg.norm(latents, axis=1),
        "training images, from their mean": np.linalg.norm(latents - gaussian.mean, axis=1),
        "uniform vectors, from the origin": np.linalg.norm(uniform, axis=1),
        "uniform vectors, from that mean": np.linalg.norm(uniform - gaussian.mean, axis=1),
    }
    top, first = max(map(np.max, lengths.values())), lengths["training images, from the origin"]
    table = pd.concat([tabulate_bins(each, LENGTH_BINS, top, vectors=name) for name, each in lengths.items()])
    cubes = compare_cubes(context, side * CUBES, rng)
    length, spread = expected_length(side, d)
    details = {
        "side": side,
        "expected_length": length,
        "expected_spread": spread,
        "length": float(first.mean()),
        "spread": float(first.std()),
        "uniform_inside": gaussian.fraction_inside(uniform, fraction),
        "most_inside": float(cubes["inside"].max()),
    }
    cubes.insert(0, "factor", CUBES)
    plots = {"lengths": draw_lengths(table, side, d)}
    return Results({"lengths": table, "cubes": cubes}, plots, {"lengths": details})


def compare_cubes(context: LatentContext, sides: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Return one row per side b: how uniform vectors from [-b, b]^d compare with the latents.

    side; length, spread: measured; expected_length, expected_spread: by formula; inside: fraction in the
    ellipsoid of the Gaussian; nearest: median distance to the nearest latent
    """
    d, settings, rows = context.latents.shape[1], context.settings, []
    for side in sides:
        vectors = rng.uniform(-side, side, (settings.neighbour_queries, d))
        length = np.linalg.norm(vectors, axis=1)
        inside = context.gaussian.fraction_inside(vectors, settings.ellipsoid_fraction)
        nearest = np.median(nearest_distances(vectors, context.latents))
        rows.append((side, length.mean(), length.std(), *expected_length(side, d), inside, nearest))
    names = ["side", "length", "spread", "expected_length", "expected_spread", "inside", "nearest"]
    return pd.DataFrame(rows, columns=names)


def draw_lengths(table: pd.DataFrame, side: float, d: int) -> Figure:
    """Draw the densities of the lengths; the range that the formula gives is shaded."""
    figure, ax = new_figure(9.6, 4.6)
    styles = ((GOOD, "-"), (GOOD, "--"), (BAD, "-"), (BAD, "--"))
    for (name, mine), (colour, line) in zip(table.groupby("vectors", sort=False), styles, strict=True):
        draw_bins(ax, mine, color=colour, ls=line, lw=1.6, label=name)
    length, spread = expected_length(side, d)
    label = f"by formula: {length:.2f} ± {spread:.2f}"
    ax.axvspan(length - spread, length + spread, color=BAD, alpha=0.15, lw=0, label=label)
    ax.set(xlabel="length", ylabel="density")
    cube = f"$[-b, b]^{{{d}}}$, b = {side:.2f} for equal mean square"
    ax.set_title(f"Length of latent vectors and of uniform vectors in {cube}")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
