"""Tables, pictures and figures of the stage, subject by subject."""

from typing import Any

import keras
import numpy as np

from digits.analysis.saliency.maximization import noise_images
from digits.data.files import write_array, write_table
from digits.data.splits import Split
from digits.drawing.style import save
from digits.networks.common.saved import predict
from digits.pipeline.declaration import Paths
from stages.filters import features, geometry, layer_figures, map_figures, maps, pattern_figures
from stages.filters.patterns import open_activation, search
from stages.filters.settings import Parameters

Figures = dict[str, Any]


def report_layers(model: keras.Model, image: np.ndarray, paths: Paths) -> Figures:
    """Write and draw the table of the layers, and draw receptive fields on an image."""
    layers = geometry.describe(model)
    write_table(paths.plots / "layers.csv", geometry.tabulate(layers))
    save(paths.plots / "layers.png", layer_figures.layer_table(layers))
    save(paths.plots / "receptive_fields.png", layer_figures.receptive_fields(layers, image))
    return {
        layer.layer: {
            "field": max(view.field for view in layer.views),
            "parameters": layer.parameters,
            "multiplications": layer.multiplications,
        }
        for layer in layers
    }


def report_maps(model: keras.Model, examples: Split, shown: int, classes: list[str], paths: Paths) -> None:
    """Write and draw maps of one image of each class, and all maps of the one at position `shown`.

    classes: the names of the examples' classes
    """
    found = maps.look(model, examples.images)
    for each in found:
        folder, position = paths.plots / each.layer, each.activations[shown]
        names = [str(number) for number in range(position.shape[-1])]
        write_array(paths.data / f"{each.layer}_maps.npy", each.activations)
        write_table(folder / "maps.csv", maps.tabulate(position, names))
        save(folder / "maps.png", map_figures.all_maps(each, shown, examples.images[shown], classes[shown]))
    if not found:
        return
    chosen = [each.most_varied(max(1, maps.COLUMNS // len(found))) for each in found]
    for each, numbers in zip(found, chosen, strict=True):
        table = maps.tabulate_classes(each, numbers, classes)
        write_table(paths.plots / each.layer / "class_maps.csv", table)
    picture = map_figures.class_maps(found, chosen, examples.images, classes)
    save(paths.plots / "class_maps.png", picture)


def report_kernels(model: keras.Model, image: np.ndarray, name: str, paths: Paths) -> None:
    """Write and draw the filters of the first convolution, and its response to the image."""
    first = next(iter(maps.find_activations(model)), None)
    if first is None:
        return
    weights = model.get_layer(first).get_weights()[0]
    responses = predict(keras.Model(model.inputs, open_activation(model, first)), image[None])[0]
    numbers = [str(number) for number in range(weights.shape[-1])]
    write_table(paths.plots / "kernels.csv", maps.tabulate_kernels(weights))
    write_table(paths.plots / "responses.csv", maps.tabulate(responses, numbers))
    save(paths.plots / "kernels.png", map_figures.kernels(weights, responses, name))


def report_patterns(model: keras.Model, train: Split, parameters: Parameters, paths: Paths) -> Figures:
    """Look for the pattern of every map of every convolution; write and draw them."""
    settings, figures = parameters.filters, {}
    rng = np.random.default_rng([parameters.seed, settings.images])
    sample = np.sort(rng.permutation(len(train))[: settings.images])
    noise = noise_images(settings.noise, train.images.shape[1:], settings.scales, rng)
    for convolution, layer in maps.find_activations(model).items():
        found = search(model, convolution, layer, noise, train.images[sample], settings)
        indices = train.indices[sample][found.table["position"]]
        table = found.table.drop(columns="position").assign(index=indices)
        write_array(paths.data / f"{convolution}_patterns.npy", found.images)
        write_table(paths.plots / convolution / "patterns.csv", table)
        save(paths.plots / convolution / "patterns.png", pattern_figures.patterns(found))
        figures[convolution] = found.figures
    return figures


def report_features(model: keras.Model, test: Split, classes: list[str], paths: Paths) -> Figures:
    """Write and draw what the units of the last hidden layer answer to, and for which class they vote."""
    found = features.describe(model, test)
    write_table(paths.plots / "features.csv", found.tabulate(classes))
    save(paths.plots / "features.png", pattern_figures.features(found, classes))
    return found.figures
