"""Find the pixels that matter to random forests and to the networks, and retrain on a few of them.

The forests are fitted on the training split; pixels are permuted in images of the validation split.
The MLP of train-mlp is then trained on the most important pixels, and on as many random ones; both
are measured on the test set. Also: what single hidden units and pairs of pixels tell of the class.
"""

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.tracking import Run
from stages.feature_importance.settings import Parameters


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read splits and networks; write importances, chosen pixels, tables, pictures and metrics."""
    import numpy as np

    from digits.analysis.saliency import importance
    from digits.analysis.saliency.attribution import tabulate_maps
    from digits.data.files import write_array, write_json, write_table
    from digits.data.splits import read_dataset, read_split
    from digits.drawing.style import save
    from stages.feature_importance import forests, hidden_units, networks, pixel_pairs, retraining

    settings, seed = parameters.feature_importance, parameters.seed
    splits = read_split(paths.train), read_split(paths.val), read_split(paths.test)
    train, val, _ = splits
    classes = read_dataset(paths.dataset)["classes"]
    blocks = importance.number_blocks(train.images.shape[1:3], settings.block_side)

    forest = forests.measure(splits, blocks, parameters)
    chosen = networks.choose_images(val, settings.attribution_images)
    measured = {
        name: networks.measure(getattr(paths, name), val, chosen, blocks, settings, seed)
        for name in networks.NAMES
    }
    means, drawn = networks.mean_attributions(measured, chosen, len(classes)), networks.choose_drawn(chosen)
    maps = forest.block_maps(blocks) | networks.block_maps(measured)
    agreement = importance.rank_correlations(maps)
    units = hidden_units.describe(paths.mlp, settings.hidden_layer, train, classes)
    rng = np.random.default_rng([seed, 1])
    pairs = pixel_pairs.choose(train, forest.flat, settings.chosen_pixels, rng)
    sample = pixel_pairs.sample(train, pairs, classes, rng)
    pixels = retraining.choose(forest.flat, settings.chosen_pixels, np.random.default_rng([seed, 2]))
    retrained = {
        name: retraining.measure(each, splits, len(classes), parameters) for name, each in pixels.items()
    }

    arrays = {"importances": forest.flat} | {f"{name}_pixels": each for name, each in pixels.items()}
    tables = {
        "importances": forest.tabulate(blocks),
        "blocks": tabulate_maps(maps | forest.block_spread, settings.block_side),
        "rank_correlations": agreement.rename_axis("map").reset_index(),
        "class_attributions": networks.tabulate_class_attributions(means, classes),
        "attributions": networks.tabulate_attributions(chosen, measured, drawn),
        "hidden_units": units.table,
        "pixel_pairs": sample,
    }
    pictures = {
        "importance_map": forests.draw(forest, maps["forest_impurity"]),
        "network_maps": networks.draw_block_maps(measured),
        "rank_correlations": networks.draw_rank_correlations(agreement),
        "class_attributions": networks.draw_class_attributions(means, classes, len(chosen)),
        "attributions": networks.draw_attributions(chosen, measured, drawn, classes),
        "hidden_units": hidden_units.draw(units, settings.hidden_layer),
        "pixel_pairs": pixel_pairs.draw(sample, pairs, train.images.shape[1:], classes, rng),
        "chosen_pixels": retraining.draw(pixels, retrained, train.images.mean(axis=0)),
    }
    for key, array in arrays.items():
        write_array(paths.data / f"{key}.npy", array)
    for key, table in tables.items():
        write_table(paths.data / f"{key}.csv", table)
    for key, picture in pictures.items():
        save(paths.plots / f"{key}.png", picture)
    details = {
        "forest": forest.metrics,
        "rank_correlation": {
            "pixels": importance.rank_correlation(forest.impurity, forest.permutation),
            **agreement["forest_permutation"].drop("forest_permutation").to_dict(),
        },
        "completeness_error": {name: network.completeness_error for name, network in measured.items()},
        "unit": {"best": units.best, "eta_squared": float(units.ratios.max())},
        "pair_information": {name: pair.information for name, pair in pairs.items()},
        **{f"{name}_{len(pixels[name])}": each for name, each in retrained.items()},
    }
    write_json(paths.data / "details.json", details)
    write_json(paths.metrics, {"pixels": retrained["forest"]["accuracy"]})


if __name__ == "__main__":
    stage.run(main)
