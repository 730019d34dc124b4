"""Look into the CNN: receptive fields, feature maps, kernels and what activates them most.

The table of the layers with their receptive fields and costs; the feature maps of single test images;
the penultimate activations per class; and for every map of every convolution the pattern that activates
it most, by gradient ascent from noise, compared with training images.
"""

from digits.compute import Compute
from digits.pipeline.stage import Paths, Run, Seed, run_stage
from stages.filters.settings import Filters


def main(paths: Paths, run: Run, seed: Seed, compute: Compute, filters: Filters) -> None:
    """Read splits and network; write arrays, tables, details and pictures."""
    import numpy as np

    from digits.analysis.saliency import convolutions
    from digits.analysis.saliency.attribution import first_of_each_class
    from digits.analysis.saliency.maximization import noise_images
    from digits.data.files import write_array, write_json, write_table
    from digits.data.splits import read_dataset, read_split, sample_positions
    from digits.drawing.style import save
    from digits.networks.common.saved import load_model
    from stages.filters import (
        activation_maximization,
        feature_maps,
        penultimate_activations,
        receptive_fields,
    )

    train, test, model = read_split(paths.train), read_split(paths.test), load_model(paths.cnn)
    classes = read_dataset(paths.dataset)["classes"]
    examples = test.take(first_of_each_class(test.labels, 1))
    names = [classes[label] for label in examples.labels]
    shown = feature_maps.choose_shown(examples.labels)
    image, name = examples.images[shown], names[shown]

    layers = convolutions.describe_layers(model)
    maps = convolutions.feature_maps(model, examples.images)
    compared = feature_maps.choose_compared(maps)
    kernels = feature_maps.first_kernels(model, image)
    rng = np.random.default_rng([seed, filters.reference_images])
    references = train.take(sample_positions(len(train), filters.reference_images, rng))
    noise = noise_images(filters.noise_images, train.images.shape[1:], filters.noise_scales, rng)
    ascent = filters.starts_per_map, filters.ascent_steps, filters.ascent_step_size
    patterns = [
        activation_maximization.search(model, convolution, noise, references, *ascent) for convolution in maps
    ]
    units = penultimate_activations.describe(model, test)

    arrays = {}
    tables = {
        "layers": convolutions.tabulate_layers(layers),
        "penultimate_activations": units.tabulate(classes),
    }
    pictures = {
        "receptive_fields": receptive_fields.draw(layers, image),
        "penultimate_activations": penultimate_activations.draw(units, classes),
    }
    for layer, each in maps.items():
        arrays[f"{layer}/maps"] = each
        tables[f"{layer}/maps"] = feature_maps.tabulate(each[shown])
        tables[f"{layer}/class_maps"] = feature_maps.tabulate_classes(each, compared[layer], names)
        pictures[f"{layer}/maps"] = feature_maps.draw_maps(layer, each[shown], image, name)
    for found in patterns:
        arrays[f"{found.layer}/patterns"] = found.images
        tables[f"{found.layer}/patterns"] = found.table
        pictures[f"{found.layer}/patterns"] = activation_maximization.draw(found)
    if kernels:
        pictures["class_maps"] = feature_maps.draw_class_maps(maps, compared, examples.images, names)
        pictures["kernels"] = feature_maps.draw_kernels(*kernels, name)
        tables["kernels"] = feature_maps.tabulate_kernels(kernels[0])
        tables["responses"] = feature_maps.tabulate(kernels[1])

    for key, array in arrays.items():
        write_array(paths.data / f"{key}.npy", array)
    for key, table in tables.items():
        write_table(paths.data / f"{key}.csv", table)
    for key, picture in pictures.items():
        save(paths.plots / f"{key}.png", picture)
    details = {
        "layers": {layer.name: layer.metrics for layer in layers},
        "maps": {found.layer: found.metrics for found in patterns},
        "penultimate_activations": units.metrics,
    }
    write_json(paths.data / "details.json", details)


if __name__ == "__main__":
    run_stage(main)
