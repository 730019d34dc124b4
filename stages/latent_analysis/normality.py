"""Normality of the latent vectors: of all images and of each class, with and without outliers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.latent.normality import compute_quantiles, cut_outliers, measure_normality
from digits.drawing.style import BAD, GOOD, new_figure
from stages.latent_analysis.context import ALL, LatentContext
from stages.latent_analysis.results import Results

POINTS = 200  # quantiles drawn
LABELLED = 2  # classes named in the plot of quantiles: those farthest from normal
STATES = ((False, BAD, "o", "-", "all vectors"), (True, GOOD, "s", "--", "without outliers"))


def analyse_normality(context: LatentContext) -> Results:
    """Return tests and quantiles of every group; the details hold those of all images."""
    table = measure_groups(context)
    quantiles = [
        compute_quantiles(vectors, POINTS).assign(group=name, cut=cut)
        for name, cut, _, vectors in each_group(context)
        if name == ALL or len(vectors) > vectors.shape[1] + 1  # fewer are all equally far from their mean
    ]
    curves = pd.concat(quantiles)
    plots = {"normality": draw_effects(table), "mahalanobis": draw_quantiles(curves, context.gaussian.rank)}
    tables = {"normality": table, "mahalanobis": curves}
    return Results(tables, plots, {"normality": summarise_all(table)})


def each_group(context: LatentContext) -> Iterator[tuple[str, bool, float, np.ndarray]]:
    """Yield group, whether outliers are cut, fraction kept, and the vectors: all images, then each class."""
    for name, latents in ((ALL, context.latents), *context.each_class()):
        kept = cut_outliers(latents)
        yield name, False, 1.0, latents
        yield name, True, kept.mean(), latents[kept]


def measure_groups(context: LatentContext) -> pd.DataFrame:
    """Return one row per group and state: group, cut, kept (fraction of its vectors), and its tests."""
    rows = []
    for name, cut, kept, vectors in each_group(context):
        sample = context.sample(len(vectors), context.settings.normality_vectors, f"normality {name}")
        rows.append({"group": name, "cut": cut, "kept": kept, **measure_normality(vectors, sample)})
    return pd.DataFrame(rows)


def summarise_all(table: pd.DataFrame) -> dict[str, dict[Any, float]]:
    """Return the tests of all images by name, before and after the cut; undefined ones are left out."""
    whole = table[table["group"] == ALL].drop(columns=["group", "cut"]).astype(float)
    return {state: whole.iloc[i].dropna().to_dict() for i, state in enumerate(("all", "without_outliers"))}


def draw_effects(table: pd.DataFrame) -> Figure:
    """Draw the effect sizes of each group, before and after the cut."""
    names = list(dict.fromkeys(table["group"]))
    figure, axes = new_figure(9.6, 0.28 * len(names) + 1.9, ncols=3, sharey=True)
    effects = {
        "ks_distance": "Distance from chi-square",
        "mardia_kurtosis_ratio": "Mardia's kurtosis / normal",
        "skewness": "Mean |skewness| of an axis",
    }
    for ax, (column, title) in zip(axes, effects.items(), strict=True):
        for cut, colour, marker, _, label in STATES:
            mine = table[table["cut"] == cut].set_index("group").loc[names]
            ax.plot(mine[column], range(len(names)), marker, color=colour, ms=5, label=label)
        ax.axvline(1 if column.endswith("ratio") else 0, color="black", ls=":", lw=1.2)
        ax.set(title=title, ylim=(len(names) - 0.5, -0.5))
        ax.grid(axis="y", alpha=0.3)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylabel("class")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    plain = table[~table["cut"]].set_index("group")["ks_distance"].drop(ALL).dropna()
    worst = f";\nfarthest from chi-square: class {plain.idxmax()} ({plain.max():.2f})" if len(plain) else ""
    title = "Effect sizes of the tests of normality of the latent vectors (dotted: normal)"
    figure.suptitle(f"{title}{worst}")
    return figure


def draw_quantiles(curves: pd.DataFrame, d: int) -> Figure:
    """Draw quantiles of squared Mahalanobis distances against those of chi-square(d)."""
    figure, (whole, classes) = new_figure(9.6, 4.8, ncols=2)
    for cut, colour, _, line, label in STATES:  # the second curve nearly covers the first, wider one
        mine = curves[(curves["group"] == ALL) & (curves["cut"] == cut)]
        whole.plot(mine["expected"], mine["observed"], color=colour, ls=line, lw=2 if cut else 4, label=label)
    whole.legend(loc="upper left")
    by_class = curves[(curves["group"] != ALL) & ~curves["cut"]]
    farthest = by_class.groupby("group", sort=False)["observed"].max().nlargest(LABELLED).index
    for name, mine in by_class.groupby("group", sort=False):
        colour, width = (BAD, 1.5) if name in farthest else ("grey", 1)
        classes.plot(mine["expected"], mine["observed"], color=colour, lw=width)
        if name in farthest:
            end = mine.iloc[-1]
            classes.text(end["expected"], end["observed"], f" {name}", color=colour, va="center")
    top = curves["expected"].max()
    for ax, title in ((whole, "All images"), (classes, "Each class, all vectors")):
        ax.plot([0, top], [0, top], color="black", ls=":", lw=1.2)
        ax.set(xlabel=f"quantile of chi-square({d})", title=title)
    figure.supylabel("quantile of the squared Mahalanobis distance", fontsize=10)
    figure.suptitle(
        "Squared Mahalanobis distances of the latent vectors (dotted: a normal distribution);\n"
        "above the dotted line the tails are heavier than normal"
    )
    return figure
