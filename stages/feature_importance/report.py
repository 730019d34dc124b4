"""Tables, pictures and figures of the stage, subject by subject."""

from typing import Any

import numpy as np

from digits.analysis.saliency import importance
from digits.analysis.saliency.attribution import mean_by_class
from digits.analysis.saliency.permutation import sum_blocks
from digits.data.files import write_array, write_table
from digits.data.splits import Split
from digits.drawing.style import save
from digits.pipeline.declaration import Paths
from stages.feature_importance import (
    figures,
    network_figures,
    networks,
    node_figures,
    nodes,
    pairs,
    retraining,
)
from stages.feature_importance.forest import Forests
from stages.feature_importance.settings import Parameters

GALLERY = 10  # images with their attributions, one of each class
Figures = dict[str, dict[str, Any]]


def report_networks(
    forests: Forests,
    val: Split,
    blocks: np.ndarray,
    classes: list[str],
    parameters: Parameters,
    paths: Paths,
) -> Figures:
    """Measure both networks; write the maps of forests and networks, and how far they agree."""
    settings = parameters.feature_importance
    chosen = networks.choose_images(val, settings.attribution_images)
    views = {
        name: networks.view(path, val, chosen, blocks, settings, parameters.seed)
        for name, path in (("mlp", paths.mlp), ("cnn", paths.cnn))
    }
    maps = {
        "forest_impurity": sum_blocks(forests.impurity, blocks),
        "forest_permutation": forests.block_permutation,
        **{f"{name}_{key}": each for name, view in views.items() for key, each in view.block_maps.items()},
    }
    agreement = importance.rank_correlations(maps)
    spread = {"forest_permutation_sd": forests.block_permutation_sd}
    write_table(paths.plots / "importances.csv", forests.table(blocks))
    write_table(paths.plots / "blocks.csv", networks.tabulate_blocks(maps | spread, settings.block))
    write_table(paths.plots / "rank_correlations.csv", agreement.rename_axis("map"), index=True)
    write_array(paths.data / "importances.npy", forests.flat)
    save(paths.plots / "importance_map.png", figures.importance_map(forests, maps["forest_impurity"]))
    save(paths.plots / "rank_correlations.png", figures.rank_correlations(agreement))
    save(paths.plots / "network_maps.png", network_figures.network_maps(views))
    _write_attributions(chosen, views, classes, paths)
    return _agreement_figures(forests, agreement.to_dict()["forest_permutation"], views)


def _agreement_figures(
    forests: Forests, with_permutation: dict[Any, float], views: dict[str, networks.View]
) -> Figures:
    others = {str(name): each for name, each in with_permutation.items() if name != "forest_permutation"}
    of_pixels = importance.rank_correlation(forests.impurity, forests.permutation)
    return {
        "rank_correlation": {"pixels": of_pixels, **others},
        "completeness_error": {name: view.completeness_error for name, view in views.items()},
    }


def _write_attributions(
    chosen: Split, views: dict[str, networks.View], classes: list[str], paths: Paths
) -> None:
    """Write attributions by class and of one image of each class, and draw them."""
    means = {name: mean_by_class(view.shares, chosen.labels, len(classes)) for name, view in views.items()}
    _, firsts = np.unique(chosen.labels, return_index=True)
    shown = firsts[:GALLERY]
    by_class = {
        f"{name}_{kind}": each
        for name, maps in means.items()
        for kind, each in zip(classes, maps, strict=True)
    }
    by_image = {
        f"{name}_{chosen.indices[position]}": view.shares[position]
        for name, view in views.items()
        for position in shown
    }
    write_table(paths.plots / "class_attributions.csv", networks.tabulate_pixels(by_class))
    write_table(paths.plots / "image_attributions.csv", networks.tabulate_pixels(by_image))
    save(
        paths.plots / "class_attributions.png",
        network_figures.class_attributions(means, classes, len(chosen)),
    )
    save(
        paths.plots / "image_attributions.png",
        network_figures.attribution_gallery(chosen, views, shown, classes),
    )


def report_training_images(
    train: Split, importances: np.ndarray, classes: list[str], parameters: Parameters, paths: Paths
) -> Figures:
    """Write and draw the activations of hidden nodes, and pairs of pixels, over the training images."""
    settings = parameters.feature_importance
    described = nodes.describe(paths.mlp, settings.hidden_layer, train, classes)
    rng = np.random.default_rng([parameters.seed, 1])
    chosen = pairs.choose(train, importances, settings.pixels, rng)
    sample = pairs.sample(train, chosen, classes, settings.scatter, rng)
    write_table(paths.plots / "activations.csv", described.table)
    write_table(paths.plots / "pixel_pairs.csv", sample)
    save(paths.plots / "activations.png", node_figures.activations(described, settings.hidden_layer))
    picture = node_figures.pixel_pairs(sample, chosen, train.images.shape[1:], classes, rng)
    save(paths.plots / "pixel_pairs.png", picture)
    return {
        "node": {"best": described.best, "eta_squared": float(described.ratios.max())},
        "pair_information": {name: pair.information for name, pair in chosen.items()},
    }


def report_retraining(
    splits: tuple[Split, Split, Split],
    importances: np.ndarray,
    n_classes: int,
    parameters: Parameters,
    paths: Paths,
) -> Figures:
    """Train the MLP on the most important pixels and on random ones; write and draw the choices."""
    n = parameters.feature_importance.pixels
    rng = np.random.default_rng([parameters.seed, 2])
    chosen = {
        "forest": importance.largest(importances, n),
        "random": np.sort(rng.choice(len(importances), n, replace=False)),
    }
    measured = {
        f"{name}_{n}": retraining.measure(pixels, splits, n_classes, parameters)
        for name, pixels in chosen.items()
    }
    for name, pixels in chosen.items():
        write_array(paths.data / f"{name}_pixels.npy", pixels)
    picture = figures.chosen_pixels(chosen, splits[0].images.mean(axis=0), measured)
    save(paths.plots / "chosen_pixels.png", picture)
    return measured
