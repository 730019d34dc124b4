"""Lengths of latent vectors beside those of vectors drawn uniformly from a cube, for many cubes."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from digits.analysis.latent.ellipse import draw_uniform, expected_length, matching_side, sweep_sides
from digits.data.files import write_table
from digits.drawing.style import BAD, COLOURS, GOOD, new_figure, save
from stages.latent_analysis.case import Case

FACTORS = np.arange(1, 16) / 10  # sides of the sweep, in sides of the cube of equal mean length
BINS = 80


def report(case: Case) -> dict[str, float]:
    """Write lengths and the sweep over cubes; return side, length and spread of the matching cube."""
    d, side, rng = case.codes.shape[1], matching_side(case.codes), case.generator("lengths")
    drawn = draw_uniform(side, len(case.codes), d, rng)
    lengths = {
        "training images, from the origin": np.linalg.norm(case.codes, axis=1),
        "training images, from their mean": np.linalg.norm(case.codes - case.region.mean, axis=1),
        "uniform vectors, from the origin": np.linalg.norm(drawn, axis=1),
        "uniform vectors, from that mean": np.linalg.norm(drawn - case.region.mean, axis=1),
    }
    table = count(lengths)
    write_table(case.plots / "lengths.csv", table)
    save(case.plots / "lengths.png", draw_lengths(table, side, d))
    share = case.settings.ellipsoid
    sweep = sweep_sides(list(side * FACTORS), case.codes, case.region, share, case.settings.nearest, rng)
    sweep.insert(0, "factor", FACTORS)
    write_table(case.plots / "sweep.csv", sweep)
    save(case.plots / "sweep.png", draw_sweep(sweep, side, share, case.settings.nearest))
    length, spread = expected_length(side, d)
    first = lengths["training images, from the origin"]
    return {
        "side": side,
        "expected_length": length,
        "expected_spread": spread,
        "length": float(first.mean()),
        "spread": float(first.std()),
        "uniform_inside": case.region.share_inside(drawn, share),
        "most_inside": float(sweep["inside"].max()),
    }


def count(lengths: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return one row a bin of each set of lengths (n,): vectors, low, high, density."""
    top = max(values.max() for values in lengths.values())
    tables = []
    for name, values in lengths.items():
        density, edges = np.histogram(values, BINS, (0, top), density=True)
        columns = {"low": edges[:-1], "high": edges[1:], "density": density}
        tables.append(pd.DataFrame({"vectors": name, **columns}))
    return pd.concat(tables)


def draw_lengths(table: pd.DataFrame, side: float, d: int) -> Figure:
    """Draw the densities of the lengths; the formula's shell is shaded."""
    figure, ax = new_figure(9.6, 4.6)
    looks = ((GOOD, "-"), (GOOD, "--"), (BAD, "-"), (BAD, "--"))
    for (name, mine), (colour, line) in zip(table.groupby("vectors", sort=False), looks, strict=True):
        ax.stairs(
            mine["density"], [*mine["low"], mine["high"].iloc[-1]], color=colour, ls=line, lw=1.6, label=name
        )
    length, spread = expected_length(side, d)
    label = f"by formula: {length:.2f} ± {spread:.2f}"
    ax.axvspan(length - spread, length + spread, color=BAD, alpha=0.15, lw=0, label=label)
    ax.set(
        xlabel="length",
        ylabel="density",
        title=f"latent vectors, and uniform ones in $[-b, b]^{{{d}}}$: b = {side:.2f} for equal mean square",
    )
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def draw_sweep(sweep: pd.DataFrame, side: float, share: float, n: int) -> Figure:
    """Draw the share inside the ellipsoid, and the distance to the nearest training vector, by cube."""
    figure, axes = new_figure(9.6, 3.6, ncols=2)
    for ax, column, colour in zip(axes, ("inside", "nearest"), (GOOD, COLOURS[5]), strict=True):
        ax.plot(sweep["side"], sweep[column], "o-", color=colour, ms=4)
        ax.axvline(side, color="black", ls=":", lw=1.2)
        ax.set(xlabel="half side b of the cube (dotted: equal mean square length)", ylim=(0, None))
        ax.grid(axis="y", alpha=0.3)
    axes[0].yaxis.set_major_formatter(PercentFormatter(1))
    axes[0].set(title=f"uniform vectors inside the {share:.0%} ellipsoid", ylabel="share", ylim=(-0.02, 1.02))
    axes[1].set(title="their distance to the nearest training vector", ylabel="median distance")
    figure.suptitle(f"{n:,} vectors drawn uniformly from each cube about the origin")
    return figure
