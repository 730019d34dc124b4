"""The spaces as t-SNE maps, and what spaces and maps keep: variance, neighbours, classes."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digits.analysis.classification.intervals import accuracy_interval
from digits.analysis.latent.embedding import count_neighbour_votes, embed, measure_clusters, measure_trust
from digits.analysis.latent.pca import Projection
from digits.data.files import write_table, write_text
from digits.drawing.style import new_figure, save, scatter_by_class
from stages.latent_analysis import page
from stages.latent_analysis.case import Case
from stages.latent_analysis.projections import tabulate
from stages.latent_analysis.spaces import TITLES, Vectors

CONFIDENCE = 0.95  # of the intervals
PAPER = "#C8C8C8"  # for training images, which are only the background


@dataclass(frozen=True)
class Maps:
    """A space's vectors of the sampled training and test images, and both in a map to two dimensions."""

    train: np.ndarray
    test: np.ndarray


def report(
    case: Case, spaces: Mapping[str, Vectors], projections: Mapping[str, Projection]
) -> dict[str, dict[str, float]]:
    """Write maps, the table of spaces and the interactive page; return the table by space and figure."""
    settings = case.settings
    train = case.sample(len(case.train), settings.tsne, "t-SNE")
    test = case.sample(len(case.test), settings.placed, "placed")
    sampled = {name: Maps(a[train], b[test]) for name, (a, b) in spaces.items()}
    pca = {
        name: Maps(projections[name].apply(each.train), projections[name].apply(each.test))
        for name, each in sampled.items()
    }
    tsne = map_all(sampled, case)
    labels = case.train.labels[train], case.test.labels[test]
    table = measure(sampled, {"pca": pca, "tsne": tsne}, labels, projections, case.seed)
    write_table(case.plots / "spaces.csv", table.rename_axis("space"), index=True)
    write_table(case.plots / "tsne.csv", tabulate({k: m.test for k, m in tsne.items()}, case, test))
    background = tabulate_training({k: m.train for k, m in tsne.items()}, case, train)
    write_table(case.plots / "tsne_training.csv", background)
    save(case.plots / "tsne.png", draw(tsne, labels[1], case.classes, settings.perplexity))
    write_text(case.plots / "spaces.html", page.build(case, test, {"PCA": pca, "t-SNE": tsne}))
    return {str(name): {str(k): float(v) for k, v in row.items()} for name, row in table.iterrows()}


def map_all(sampled: Mapping[str, Maps], case: Case) -> dict[str, Maps]:
    """Return the t-SNE maps; threads share the spaces, since one map gains little from several."""

    def map_one(space: Maps) -> Maps:
        return Maps(*embed(space.train, space.test, case.settings.perplexity, case.seed))

    with ThreadPoolExecutor(case.threads) as pool:
        return dict(zip(sampled, pool.map(map_one, sampled.values()), strict=True))


def tabulate_training(maps: Mapping[str, np.ndarray], case: Case, chosen: np.ndarray) -> pd.DataFrame:
    """Return one row a mapped training image: index, label, and its coordinates in each map."""
    names = np.array(case.classes)[case.train.labels[chosen]]
    columns = {f"{name}_{axis + 1}": points[:, axis] for name, points in maps.items() for axis in (0, 1)}
    return pd.DataFrame({"index": case.train.indices[chosen], "label": names, **columns})


def measure(
    sampled: Mapping[str, Maps],
    maps: Mapping[str, Mapping[str, Maps]],
    labels: tuple[np.ndarray, np.ndarray],
    projections: Mapping[str, Projection],
    seed: int,
) -> pd.DataFrame:
    """Return one row a space: dimensions, variance, clusters, and what its k nearest neighbours tell.

    knn: share of the test images whose class the nearest training images name, with an interval,
    in the space and in each map; trustworthiness: of each map of the training images
    """
    rows = {}
    for name, space in sampled.items():
        result = projections[name]
        rows[name] = {
            "dimensions": space.train.shape[1],
            "explained_by_two": result.shares["both"],
            "components_for_95": result.count(0.95),
            "participation_ratio": result.participation_ratio,
            **measure_clusters(space.train, labels[0], seed),
            **measure_votes("knn", space, labels),
        }
        for kind, of_kind in maps.items():
            rows[name] |= measure_votes(f"{kind}_knn", of_kind[name], labels)
            rows[name][f"{kind}_trustworthiness"] = measure_trust(space.train, of_kind[name].train)
    return pd.DataFrame.from_dict(rows, orient="index")


def measure_votes(key: str, space: Maps, labels: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    """Return the share of test images whose nearest training images name their class, and its interval."""
    right, n = count_neighbour_votes(space.train, labels[0], space.test, labels[1]), len(labels[1])
    low, high = accuracy_interval(right, n, CONFIDENCE)
    return {key: right / n, f"{key}_low": low, f"{key}_high": high}


def draw(maps: Mapping[str, Maps], labels: np.ndarray, classes: list[str], perplexity: float) -> Figure:
    """Draw the placed test images of each space by class, before the mapped training images."""
    figure, axes = new_figure(9.6, 9.4, nrows=2, ncols=2)
    for ax, (name, each) in zip(axes.flat, maps.items(), strict=True):
        ax.scatter(*each.train.T, s=3, color=PAPER, linewidths=0)
        scatter_by_class(ax, each.test, labels, classes)
        ax.set(title=TITLES[name], xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    n = len(next(iter(maps.values())).train)
    figure.suptitle(
        f"t-SNE of {n:,} training images (grey), perplexity {perplexity:g}, "
        f"and {len(labels):,} test images placed into it"
    )
    return figure
