"""Whether the latent vectors are normally distributed: all of them, each class, with and without outliers."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from stages.latent_analysis.case import Case

from digits.analysis.latent.normality import cut_outliers, measure, quantiles
from digits.data.files import write_table
from digits.drawing.style import BAD, GOOD, new_figure, save

ALL = "all images"
POINTS = 200  # quantiles drawn


def report(case: Case) -> pd.DataFrame:
    """Write tests and quantiles of every group; return the tests, one row a group and state."""
    table = measure_groups(case)
    write_table(case.plots / "normality.csv", table)
    save(case.plots / "normality.png", draw_effects(table))
    curves = pd.concat(
        [
            quantiles(vectors, POINTS).assign(group=name, cut=cut)
            for name, cut, vectors in each_group(case)
            if name == ALL or len(vectors) > vectors.shape[1] + 1  # fewer are all equally far from their mean
        ]
    )
    write_table(case.plots / "mahalanobis.csv", curves)
    save(case.plots / "mahalanobis.png", draw_quantiles(curves, case.region.rank))
    return table


def each_group(case: Case) -> Iterator[tuple[str, bool, np.ndarray]]:
    """Yield group, whether outliers are cut, and its vectors (n, d): all images, then each class."""
    for name, codes in ((ALL, case.codes), *case.each_class()):
        yield name, False, codes
        yield name, True, codes[cut_outliers(codes)]


def measure_groups(case: Case) -> pd.DataFrame:
    """Return one row a group and state: group, cut, kept (share of its vectors), and its tests."""
    rows, whole = [], 1
    for name, cut, vectors in each_group(case):
        whole = whole if cut else len(vectors)
        sample = case.sample(len(vectors), case.settings.tested, f"normality {name}")
        figures = measure(vectors, sample)
        rows.append({"group": name, "cut": cut, "kept": len(vectors) / whole, **figures})
    return pd.DataFrame(rows)


def draw_effects(table: pd.DataFrame) -> Figure:
    """Draw effect sizes of each group, before and after the cut."""
    names = list(dict.fromkeys(table["group"]))
    figure, axes = new_figure(9.6, 0.28 * len(names) + 1.7, ncols=3, sharey=True)
    measures = {
        "ks_distance": "distance from chi-square",
        "mardia_kurtosis_ratio": "Mardia's kurtosis / normal",
        "skewness": "mean |skewness| of an axis",
    }
    looks = ((False, BAD, "o", "all vectors"), (True, GOOD, "s", "without outliers"))
    for ax, (column, title) in zip(axes, measures.items(), strict=True):
        for cut, colour, marker, label in looks:
            mine = table[table["cut"] == cut].set_index("group").loc[names]
            ax.plot(mine[column], range(len(names)), marker, color=colour, ms=5, label=label)
        ax.axvline(1 if column.endswith("ratio") else 0, color="black", ls=":", lw=1.2)
        ax.set(title=title, ylim=(len(names) - 0.5, -0.5))
        ax.grid(axis="y", alpha=0.3)
    axes[0].set_yticks(range(len(names)), names)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle("how far latent vectors are from a normal distribution (dotted line: not at all)")
    return figure


def draw_quantiles(curves: pd.DataFrame, d: int) -> Figure:
    """Draw quantiles of squared Mahalanobis distances against those of chi-square(d)."""
    figure, axes = new_figure(9.6, 4.6, ncols=2)
    top = curves["expected"].max()
    for ax, of_all in zip(axes, (True, False), strict=True):
        for (name, cut), mine in curves.sort_values("cut", ascending=False, kind="stable").groupby(
            ["group", "cut"], sort=False
        ):
            if (name == ALL) == of_all:
                ax.plot(
                    mine["expected"],
                    mine["observed"],
                    color=GOOD if cut else BAD,
                    alpha=1 if of_all else 0.5,
                    lw=2 if of_all else 1,
                    ls="-" if cut else "--",
                )
        ax.plot([0, top], [0, top], color="black", ls=":", lw=1.2)
        ax.set(
            xlabel=f"quantile of chi-square({d})", title="all images" if of_all else "each class by itself"
        )
    axes[0].set_ylabel("quantile of the squared Mahalanobis distance")
    handles = [
        axes[0].plot([], [], color=colour, ls=line, label=label)[0]
        for colour, line, label in ((BAD, "--", "all vectors"), (GOOD, "-", "without outliers"))
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    figure.suptitle("squared Mahalanobis distances of the latent vectors (dotted: a normal distribution)")
    return figure


def summarise(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the figures of all images by name, before and after the cut; the undefined are left out."""
    of_all = table[table["group"] == ALL].drop(columns=["group"]).set_index("cut")
    figures = {}
    for cut, state in ((False, "all"), (True, "without_outliers")):
        defined = of_all[of_all.index == cut].dropna(axis="columns").astype(float)
        figures[state] = dict(zip(defined.columns, defined.to_numpy()[0].tolist(), strict=True))
    return figures
