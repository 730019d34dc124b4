"""Find the pixels that matter to random forests and to the networks, and retrain on a few of them.

The forests are fitted on the training split; pixels are permuted in images of the validation split.
The MLP of train-mlp is then trained on the most important pixels, and on as many random ones; both
are measured on the test set. Also: what single hidden units and pairs of pixels tell of the class.
"""

from digits.compute import Compute
from digits.networks.mlp.settings import MLP
from digits.pipeline.stage import Confidence, Paths, Run, Seed, run_stage
from stages.feature_importance.settings import Importance


def main(
    paths: Paths,
    run: Run,
    seed: Seed,
    confidence: Confidence,
    compute: Compute,
    feature_importance: Importance,
    train_mlp: MLP,
) -> None:
    """Read splits and networks; write importances, chosen pixels, tables, pictures and metrics."""
    import numpy as np

    from digits.analysis.saliency import importance
    from digits.analysis.saliency.attribution import first_of_each_class, mean_by_class, tabulate_maps
    from digits.data.files import write_array, write_json, write_table
    from digits.data.splits import read_dataset, read_split
    from digits.drawing.style import save
    from stages.feature_importance import forests, hidden_units, networks, pixel_pairs, retraining

    settings = feature_importance
    splits = read_split(paths.train), read_split(paths.val), read_split(paths.test)
    train, val, _ = splits
    classes = read_dataset(paths.dataset)["classes"]
    blocks = importance.number_blocks(train.images.shape[1:3], settings.block_side)

    forest = forests.measure(splits, blocks, settings.trees, settings.forests, seed)
    first = val.take(slice(settings.validation_images))
    chosen = val.take(first_of_each_class(val.labels, settings.attribution_images))
    measured = {
        name: networks.measure(path, first, chosen, blocks, settings.integration_steps, seed)
        for name, path in (("mlp", paths.mlp), ("cnn", paths.cnn))
    }
    means = {
        name: mean_by_class(network.attributions, chosen.labels, len(classes))
        for name, network in measured.items()
    }
    drawn = first_of_each_class(chosen.labels, 1)[: networks.DRAWN]
    maps = {
        "forest_impurity": importance.sum_blocks(forest.impurity, blocks),
        "forest_permutation": forest.block_permutation,
        **networks.block_maps(measured),
    }
    spread = {"forest_permutation_sd": forest.block_permutation_sd}
    agreement = importance.rank_correlations(maps)
    activations = hidden_units.read_activations(paths.mlp, settings.hidden_layer, train.images)
    units = hidden_units.describe_activations(activations, train.labels, classes)
    ratios = hidden_units.correlation_ratios(activations, train.labels)
    rng = np.random.default_rng([seed, 1])
    pairs = pixel_pairs.choose(train, forest.flat, settings.chosen_pixels, rng)
    sample = pixel_pairs.sample(train, pairs, classes, rng)
    pixels = retraining.choose(forest.flat, settings.chosen_pixels, np.random.default_rng([seed, 2]))
    retrained = {
        name: retraining.measure(each, splits, len(classes), train_mlp, seed, confidence)
        for name, each in pixels.items()
    }

    arrays = {"importances": forest.flat} | {f"{name}_pixels": each for name, each in pixels.items()}
    tables = {
        "importances": forest.tabulate(blocks),
        "blocks": tabulate_maps(maps | spread, settings.block_side),
        "rank_correlations": agreement.rename_axis("map").reset_index(),
        "class_attributions": networks.tabulate_class_attributions(means, classes),
        "attributions": networks.tabulate_attributions(chosen, measured, drawn),
        "hidden_units": units,
        "pixel_pairs": sample,
    }
    pictures = {
        "importance_map": forests.draw(forest, maps["forest_impurity"]),
        "network_maps": networks.draw_block_maps(measured),
        "rank_correlations": networks.draw_rank_correlations(agreement),
        "class_attributions": networks.draw_class_attributions(means, classes, len(chosen)),
        "attributions": networks.draw_attributions(chosen, measured, drawn, classes),
        "hidden_units": hidden_units.draw(units, ratios, settings.hidden_layer),
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
        "unit": {"best": int(ratios.argmax()), "eta_squared": float(ratios.max())},
        "pair_information": {name: pair.information for name, pair in pairs.items()},
        **{f"{name}_{len(pixels[name])}": each for name, each in retrained.items()},
    }
    write_json(paths.data / "details.json", details)
    write_json(paths.metrics, {"pixels": retrained["forest"]["accuracy"]})


if __name__ == "__main__":
    run_stage(main)
