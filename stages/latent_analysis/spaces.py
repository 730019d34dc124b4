"""The spaces: principal components, t-SNE maps, and what is kept of variance, neighbours and classes."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from openTSNE import TSNE, initialization
from sklearn.cluster import KMeans
from sklearn.manifold import trustworthiness
from sklearn.metrics import adjusted_rand_score, silhouette_score

from digits.analysis.classification.intervals import accuracy_interval
from digits.analysis.latent.gaussian import participation_ratio
from digits.analysis.latent.pca import Projection, fit_pca, fit_projection
from digits.analysis.latent.scores import NEIGHBOURS, count_neighbour_votes
from digits.compute import parallel
from digits.data.splits import Split, flatten
from digits.drawing.style import COLOURS, GOOD, new_figure, scatter_by_class
from digits.networks.common.saved import predict, up_to
from digits.pipeline import StageError
from stages.latent_analysis.context import LatentContext
from stages.latent_analysis.results import Results, merge

SPACES = {
    "pixels": "Raw pixels",
    "hidden": "Hidden activations of the MLP",
    "features": "Penultimate activations of the CNN",
    "latent": "Latent vectors of the autoencoder",
}

SPACE_COLOURS = dict(zip(SPACES, ("#000000", COLOURS[0], GOOD, COLOURS[3]), strict=True))
SHOWN = 5000  # test images in each scatter plot of principal components, at most
DIMENSIONS = 50  # principal components that t-SNE sees, as in van der Maaten and Hinton (2008)
RESTARTS = 3  # of k-means
BACKGROUND = "#C8C8C8"  # colour of the training images


class Vectors(NamedTuple):
    """Vectors of training and of test images, in a space (n, d) or in a map of it (n, 2), float32."""

    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Maps:
    """The sampled images, their vectors in each space, and in the maps of each method (pca, tsne)."""

    train: Split
    test: Split
    spaces: Mapping[str, Vectors]
    methods: Mapping[str, Mapping[str, Vectors]]


def collect_spaces(context: LatentContext) -> dict[str, Vectors]:
    """Return the vectors of each of SPACES.

    Raises StageError if the MLP has no layer of the name in the settings.
    """
    layer, names = context.settings.hidden_layer, [each.name for each in context.mlp.layers]
    if layer not in names:
        raise StageError(
            f"latent-analysis.hidden_layer is {layer!r}; the MLP has the layers {', '.join(names)}. "
            "Name one of them in params.yaml."
        )
    train, test, hidden = context.train.images, context.test.images, up_to(context.mlp, layer)
    return {
        "pixels": Vectors(context.pixels, flatten(test)),
        "hidden": Vectors(predict(hidden, train), predict(hidden, test)),
        "features": Vectors(predict(context.features, train), predict(context.features, test)),
        "latent": Vectors(context.latents.astype(np.float32), context.test_latents.astype(np.float32)),
    }


def analyse_spaces(context: LatentContext) -> tuple[Results, Maps]:
    """Return spectra, maps and the table of the spaces; and the maps of a sample of the images."""
    spaces = collect_spaces(context)
    projections = {name: fit_projection(train) for name, (train, _) in spaces.items()}
    maps = map_spaces(context, spaces, projections)
    parts = analyse_projections(context, spaces, projections), analyse_maps(context, maps, projections)
    return merge(*parts), maps


def analyse_projections(
    context: LatentContext, spaces: Mapping[str, Vectors], projections: Mapping[str, Projection]
) -> Results:
    """Return scatter plots, spectra, and the coordinates of all test images in two components."""
    coordinates = {name: result.apply(spaces[name].test) for name, result in projections.items()}
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
    most, best = max((projection.explained["both"], name) for name, projection in projections.items())
    figure.suptitle(
        f"{len(test):,} test images in two principal components of the training images:\n"
        f"most variance in {SPACES[best][0].lower()}{SPACES[best][1:]} ({most:.1%})"
    )
    return figure


def tabulate_spectra(projections: Mapping[str, Projection]) -> pd.DataFrame:
    """Return one row per space and component: space, component, share, cumulative."""
    shares = {name: pd.DataFrame({"share": result.spectrum}) for name, result in projections.items()}
    table = pd.concat(shares, names=["space", "component"]).reset_index()
    cumulative = table.groupby("space", sort=False)["share"].cumsum()
    return table.assign(component=table["component"] + 1, cumulative=cumulative)


def draw_spectra(projections: Mapping[str, Projection]) -> Figure:
    """Draw the variance of each component, and the sum of the first ones, for each space."""
    figure, (scree, cumulative) = new_figure(9.6, 4.2, ncols=2)
    for (name, result), line in zip(projections.items(), ("-", "--", "-.", ":"), strict=True):
        number = np.arange(1, len(result.spectrum) + 1)
        ratio = f"{SPACES[name]}: {participation_ratio(result.spectrum):.1f} of {len(number)}"
        scree.plot(number, result.spectrum, line, color=SPACE_COLOURS[name], lw=1.8, label=ratio)
        cumulative.plot(number, result.spectrum.cumsum(), line, color=SPACE_COLOURS[name], lw=1.8)
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


def tabulate_map(maps: Mapping[str, np.ndarray], split: Split, classes: list[str]) -> pd.DataFrame:
    """Return one row per image: index, label, and its coordinates in each map (n, 2)."""
    columns = {f"{name}_{axis + 1}": points[:, axis] for name, points in maps.items() for axis in (0, 1)}
    return pd.DataFrame({"index": split.indices, "label": np.array(classes)[split.labels], **columns})


def map_spaces(
    context: LatentContext, spaces: Mapping[str, Vectors], projections: Mapping[str, Projection]
) -> Maps:
    """Return samples of the spaces and their maps by PCA and t-SNE."""
    settings, seed = context.settings, context.seed
    train = context.sample(len(context.train), settings.tsne_train, "t-SNE")
    test = context.sample(len(context.test), settings.tsne_test, "placed")
    sampled = {name: Vectors(a[train], b[test]) for name, (a, b) in spaces.items()}
    pca = {name: Vectors(*map(projections[name].apply, points)) for name, points in sampled.items()}
    starts = [prepare_tsne(*points, seed) for points in sampled.values()]

    def fit_one(start: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Vectors:
        return Vectors(*fit_tsne(*start, settings.tsne_perplexity, seed))

    with warnings.catch_warnings():  # around the threads, which share the filters
        warnings.simplefilter("ignore")
        tsne = dict(zip(sampled, parallel(fit_one, starts), strict=True))
    return Maps(context.train.take(train), context.test.take(test), sampled, {"pca": pca, "tsne": tsne})


def analyse_maps(context: LatentContext, maps: Maps, projections: Mapping[str, Projection]) -> Results:
    """Return the t-SNE maps, and the table of spaces; its numbers are in the details too."""
    table, tsne, classes = measure_spaces(maps, projections, context), maps.methods["tsne"], context.classes
    placed = {name: points.test for name, points in tsne.items()}
    background = {name: points.train for name, points in tsne.items()}
    tables = {
        "spaces": table.rename_axis("space").reset_index(),
        "tsne": tabulate_map(placed, maps.test, classes),
        "tsne_training": tabulate_map(background, maps.train, classes),
    }
    plots = {"tsne": draw_tsne(maps, classes, context.settings.tsne_perplexity)}
    return Results(tables, plots, {"spaces": table.astype(float).to_dict(orient="index")})


def prepare_tsne(train: np.ndarray, test: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vectors (n, d) in principal components of `train`, and the initial map of `train` (n, 2).

    float64; DIMENSIONS components at most. If d is 1, a second axis of zeros is added, because the map needs
    two. Its start keeps the global arrangement (Kobak and Berens 2019, doi:10.1038/s41467-019-13056-x).
    """
    missing = max(0, 2 - train.shape[1])
    train, test = (np.pad(values.astype(np.float64), ((0, 0), (0, missing))) for values in (train, test))
    if train.shape[1] > DIMENSIONS:
        train, test = map(fit_pca(train, DIMENSIONS).transform, (train, test))
    return train, test, initialization.pca(train, random_state=seed)


def fit_tsne(
    train: np.ndarray, test: np.ndarray, initial: np.ndarray, perplexity: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the t-SNE map of `train` (n, d), and `test` placed into it, float32 (n, 2) each.

    Poličar et al. (2024), Journal of Statistical Software 109(3). The perplexity is lowered to a third of
    n - 1 where that is less.
    """
    exact: Any = {"neighbors": "exact", "negative_gradient_method": "bh", "random_state": seed, "n_jobs": 1}
    method = TSNE(perplexity=min(perplexity, (len(train) - 1) / 3), initialization=initial, **exact)
    mapped = method.fit(train)
    placed = mapped.transform(test)
    return np.asarray(mapped, dtype=np.float32), np.asarray(placed, dtype=np.float32)


def measure_spaces(maps: Maps, projections: Mapping[str, Projection], context: LatentContext) -> pd.DataFrame:
    """Return one row per space: dimensions, variance, clusters, and what the nearest neighbours tell.

    knn: accuracy of k-NN on the test images in the space and in each map, with an interval;
    trustworthiness: of each map of the training images
    """
    rows, seed, confidence = {}, context.seed, context.confidence
    for name, points in maps.spaces.items():
        projection = projections[name]
        rows[name] = {
            "dimensions": points.train.shape[1],
            "explained_by_two": projection.explained["both"],
            "components_for_95": projection.count(0.95),
            "participation_ratio": participation_ratio(projection.spectrum),
            **measure_clusters(points.train, maps.train.labels, seed),
            **measure_votes("knn", points, maps, confidence),
        }
        for method, mapped in maps.methods.items():
            rows[name] |= measure_votes(f"{method}_knn", mapped[name], maps, confidence)
            rows[name][f"{method}_trustworthiness"] = measure_trust(points.train, mapped[name].train)
    return pd.DataFrame.from_dict(rows, orient="index")


def measure_votes(key: str, points: Vectors, maps: Maps, confidence: float) -> dict[str, float]:
    """Return the accuracy of k-NN on the test images, and its interval."""
    n = len(maps.test)
    right = count_neighbour_votes(points.train, maps.train.labels, points.test, maps.test.labels)
    low, high = accuracy_interval(right, n, confidence)
    return {key: right / n, f"{key}_low": low, f"{key}_high": high}


def measure_trust(space: np.ndarray, mapped: np.ndarray) -> float:
    """Return the trustworthiness of a map (n, 2) of a space (n, d); 1 if all its neighbours are true ones.

    Venna and Kaski (2001), ICANN: 485-491, with NEIGHBOURS neighbours, fewer if n is small.
    """
    return float(trustworthiness(space, mapped, n_neighbors=max(1, min(NEIGHBOURS, (len(space) - 1) // 2))))


def measure_clusters(vectors: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, float]:
    """Return how far classes are clusters of vectors (n, d): silhouette and rand_index.

    silhouette: of the classes, -1 to 1 (Rousseeuw 1987, J. Comput. Appl. Math. 20: 53-65)
    rand_index: adjusted Rand index of the classes and k-means with as many clusters: 0 by chance, 1 if
    they agree (Hubert and Arabie 1985, J. Classification 2: 193-218)
    Both 0 if there is only one class, or as many as vectors.
    """
    n_classes = len(np.unique(labels))
    if not 1 < n_classes < len(labels):
        return {"silhouette": 0.0, "rand_index": 0.0}
    found = KMeans(n_classes, n_init=RESTARTS, random_state=seed).fit_predict(vectors)
    return {
        "silhouette": float(silhouette_score(vectors, labels)),
        "rand_index": float(adjusted_rand_score(labels, found)),
    }


def draw_tsne(maps: Maps, classes: list[str], perplexity: float) -> Figure:
    """Draw the test images in the t-SNE map of each space by class, over the training images."""
    figure, axes = new_figure(9.6, 9.4, nrows=2, ncols=2)
    for ax, (name, points) in zip(axes.flat, maps.methods["tsne"].items(), strict=True):
        ax.scatter(*points.train.T, s=3, color=BACKGROUND, linewidths=0)
        scatter_by_class(ax, points.test, maps.test.labels, classes)
        ax.set(title=SPACES[name], xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    figure.suptitle(
        f"t-SNE maps (perplexity {perplexity:g}) of {len(maps.train):,} training images (grey), "
        f"and {len(maps.test):,} test images placed into them"
    )
    return figure
