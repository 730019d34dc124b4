"""The spaces in their principal components: how they look in two, and how many they fill."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from stages.latent_analysis.case import Case
from stages.latent_analysis.spaces import TITLES, Vectors

from digits.analysis.latent import pca as projection
from digits.analysis.latent.pca import Projection
from digits.data.files import write_array, write_table
from digits.drawing.style import COLOURS, new_figure, save, scatter_by_class

LOOKS = dict(zip(TITLES, ("#000000", COLOURS[0], COLOURS[4], COLOURS[3]), strict=True))


def report(case: Case, spaces: Mapping[str, Vectors], outputs: Path) -> dict[str, Projection]:
    """Write scatter, spectra and the test images' components of all spaces; return their projections."""
    results = {name: projection.fit(train) for name, (train, _) in spaces.items()}
    for name, result in results.items():
        write_array(outputs / f"{name}_components.npy", result.apply(spaces[name][1]))
    shown = case.sample(len(case.test), case.settings.scatter, "scatter")
    maps = {name: result.apply(spaces[name][1][shown]) for name, result in results.items()}
    write_table(case.plots / "pca.csv", tabulate(maps, case, shown))
    save(case.plots / "pca.png", draw_components(results, maps, case.test.labels[shown], case.classes))
    write_table(case.plots / "scree.csv", tabulate_spectra(results))
    save(case.plots / "scree.png", draw_spectra(results))
    return results


def tabulate(maps: Mapping[str, np.ndarray], case: Case, shown: np.ndarray) -> pd.DataFrame:
    """Return one row a shown test image: index, label, and its coordinates in each map (n, 2)."""
    names = np.array(case.classes)[case.test.labels[shown]]
    columns = {f"{name}_{axis + 1}": points[:, axis] for name, points in maps.items() for axis in (0, 1)}
    return pd.DataFrame({"index": case.test.indices[shown], "label": names, **columns})


def draw_components(
    results: Mapping[str, Projection], maps: Mapping[str, np.ndarray], labels: np.ndarray, classes: list[str]
) -> Figure:
    """Draw the maps (n, 2) of test images in the principal components of each space, by class (n,)."""
    figure, axes = new_figure(9.6, 9.4, nrows=2, ncols=2)
    for ax, (name, result) in zip(axes.flat, results.items(), strict=True):
        scatter_by_class(ax, maps[name], labels, classes)
        shares = result.shares
        ax.set(
            title=TITLES[name],
            xlabel=f"component 1 ({shares['first']:.1%} of the variance)",
            ylabel=f"component 2 ({shares['second']:.1%} of the variance)",
        )
    figure.suptitle(f"{len(labels):,} test images in principal components of the training images")
    return figure


def tabulate_spectra(results: Mapping[str, Projection]) -> pd.DataFrame:
    """Return one row a space and component: space, component, share, cumulative."""
    tables = [
        pd.DataFrame(
            {
                "space": name,
                "component": np.arange(1, len(result.spectrum) + 1),
                "share": result.spectrum,
                "cumulative": result.spectrum.cumsum(),
            }
        )
        for name, result in results.items()
    ]
    return pd.concat(tables)


def draw_spectra(results: Mapping[str, Projection]) -> Figure:
    """Draw the variance of each component, and the sum of the first ones, for each space."""
    figure, (scree, cumulative) = new_figure(9.6, 4.2, ncols=2)
    for name, result in results.items():
        number = np.arange(1, len(result.spectrum) + 1)
        ratio = f"{TITLES[name]}: {result.participation_ratio:.1f} of {len(number)}"
        scree.plot(number, result.spectrum, color=LOOKS[name], lw=1.8, label=ratio)
        cumulative.plot(number, result.spectrum.cumsum(), color=LOOKS[name], lw=1.8)
    least = min(result.spectrum[: result.count(0.999)].min() for result in results.values())
    scree.set(xscale="log", yscale="log", ylim=(least / 3, 1), title="variance of each component")
    cumulative.set(xscale="log", ylim=(0, 1.02), title="variance of all components so far")
    for ax in (scree, cumulative):
        ax.set(xlabel="principal component", ylabel="share of the variance")
        ax.grid(alpha=0.3)
    cumulative.yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(title="participation ratio", loc="outside lower center", ncols=2)
    return figure
