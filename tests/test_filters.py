"""The stage filters on small awkward networks and data: no convolution, dead maps, a class absent."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.table import Cell as TableCell
from matplotlib.table import Table
from matplotlib.text import Text
from stages.filters.patterns import open_activation, search

from digits.data.files import read_json, write_json
from digits.data.splits import Split, write_split
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import predict, save_model, up_to
from digits.pipeline import StageError
from stages.filters import features, geometry, layer_figures, map_figures, maps, pattern_figures
from stages.filters.__main__ import main
from stages.filters.settings import Filters, Parameters, Paths
from tests import helpers

CLASSES = ["T-shirt/top", "Ankle boot", "Bag", "Coat"]
SHAPE = (9, 12, 3)


def split(n: int, seed: int, labels: tuple[int, ...] = (3, 0, 1)) -> Split:
    """Return images in colour; the class 2 is absent."""
    repeated = np.array(labels * n, dtype=np.uint8)[:n]
    return Split(helpers.random_images(n, *SHAPE, seed=seed), repeated, np.arange(n, dtype=np.int32) + 1000)


def network(**changes: Any) -> keras.Model:
    images = helpers.random_images(2, *SHAPE)
    return build_cnn(helpers.cnn(**changes), images, len(CLASSES), seed=1)


def settings(**changes: Any) -> Filters:
    small = {"shown_class": 1, "images": 9, "noise": 12, "scales": [0, 2], "starts": 2, "steps": 3}
    return Filters.model_validate_json(json.dumps(small | {"step": 30} | changes))


def run(folder: Path, model: keras.Model) -> dict[str, Any]:
    """Run the stage in the folder; return its figures."""
    save_model(folder / "cnn.keras", model)
    for name, n in (("train", 15), ("test", 7)):
        write_split(folder / name, split(n, seed=n))
    write_json(folder / "dataset.json", {"classes": CLASSES})
    places = ("train", "test", "outputs", "plots")
    files = {"dataset": "dataset.json", "cnn": "cnn.keras", "metrics": "metrics.json"}
    paths = Paths(**{name: folder / name for name in places}, **{k: folder / v for k, v in files.items()})
    document = helpers.params()
    chosen = {"seed": 1, "compute": document["compute"], "filters": settings().model_dump()}
    main(Parameters.model_validate_json(json.dumps(chosen)), paths, None)  # type: ignore[arg-type]
    return dict(read_json(paths.metrics))


def texts(figure: Figure) -> str:
    figure.canvas.draw()
    written = [artist.get_text() for artist in figure.findobj(Text)]  # type: ignore[attr-defined]
    tables = [cell.get_text().get_text() for ax in figure.axes for each in ax.tables for cell in cells(each)]
    return "\n".join(written + tables)


def cells(table: Table) -> list[TableCell]:
    return list(table.get_celld().values())


def test_the_layers_of_the_published_network_are_as_its_closed_form_says() -> None:
    images = helpers.random_images(2, 28, 28, 1)
    model = build_cnn(helpers.cnn(layers=(32, "pool", 64, "pool", 64), dense=64), images, 10, seed=1)
    table = geometry.tabulate(geometry.describe(model)).set_index("layer")
    convolved = table.loc[["convolution_1", "pool_1", "convolution_2", "pool_2", "convolution_3"]]
    assert convolved["map_height"].tolist() == convolved["map_width"].tolist() == [26, 13, 11, 5, 3]
    assert convolved["field_height"].tolist() == convolved["field_width"].tolist() == [3, 4, 8, 10, 18]
    assert convolved["step_height"].tolist() == [1, 2, 2, 4, 4]
    assert convolved["parameters"].tolist() == [320, 0, 18_496, 0, 36_928]
    kernels = [26**2 * 9 * 32, 0, 11**2 * 9 * 32 * 64, 0, 3**2 * 9 * 64 * 64]
    assert convolved["multiplications"].tolist() == kernels
    assert table["field_height"]["features"] == 26
    assert table["parameters"].sum() == model.count_params()
    assert table["step_height"].isna()["features"]


@pytest.mark.parametrize(
    "changes",
    [{"padding": "same", "kernel": 5, "pooling": "mean"}, {"batch_normalization": True}, {"layers": ()}],
)
def test_the_table_has_the_shapes_and_weights_of_the_network(changes: dict[str, Any]) -> None:
    model = network(**changes)
    layers = geometry.describe(model)
    assert sum(layer.parameters for layer in layers) == model.count_params()
    for layer in layers:
        shape = model.get_layer(layer.layer).output.shape[1:]
        sizes = tuple(view.size for view in layer.views)
        assert (*sizes, layer.channels) == (shape if len(shape) == 3 else (1, 1, *shape))
        assert layer.row["activations"] == np.prod(shape)
    shown = texts(layer_figures.layer_table(layers))
    assert f"{model.count_params():,}" in shown
    assert layer_figures.receptive_fields(layers, helpers.random_images(*SHAPE)).axes


def test_multiplications_of_pooling_and_normalisation_are_one_for_each_value() -> None:
    model = network(pooling="mean", batch_normalization=True)
    found = {layer.layer: layer.multiplications for layer in geometry.describe(model)}
    assert found["pool_1"] == found["normalization_1"] == 3 * 5 * 4
    assert {layer.layer: layer for layer in geometry.describe(network())}["pool_1"].multiplications == 0


def test_a_layer_of_another_kind_is_refused() -> None:
    layers = [keras.Input(SHAPE), keras.layers.ZeroPadding2D(1, name="rim")]
    with pytest.raises(StageError, match="layer rim of the kind ZeroPadding2D"):
        geometry.describe(keras.Sequential(layers))


def test_activations_are_read_behind_pooling_and_normalisation() -> None:
    normalised = network(layers=("pool", 4, "pool", 5), kernel=1, batch_normalization=True)
    expected = {"convolution_1": "activation_1", "convolution_2": "activation_2"}
    assert maps.find_activations(normalised) == expected
    assert maps.find_activations(network()) == {name: name for name in expected}
    assert maps.find_activations(network(layers=("pool",))) == {}


@pytest.mark.parametrize("normalised", [True, False])
def test_what_goes_into_an_activation_is_found(normalised: bool) -> None:
    model = network(batch_normalization=normalised)
    layer = list(maps.find_activations(model).values())[-1]
    images = helpers.random_images(4, *SHAPE)
    before = predict(keras.Model(model.inputs, open_activation(model, layer)), images)
    after = predict(up_to(model, layer), images)
    assert before.min() < 0
    assert np.maximum(before, 0) == pytest.approx(after, abs=1e-5)


def point_filters(weights: list[list[float]], biases: list[float]) -> keras.Model:
    """Return a network with filters of one pixel; weights: one for each channel of each filter."""
    model = network(layers=(len(biases),), kernel=1)
    model.get_layer("convolution_1").set_weights([np.array(weights).T[None, None], np.array(biases)])
    return model


def find(model: keras.Model, **changes: Any) -> Any:
    noise = helpers.random_images(12, *SHAPE, seed=3).astype(np.float32)
    train = np.concatenate([helpers.random_images(5, *SHAPE), np.full((1, *SHAPE), 255, np.uint8)])
    return search(model, "convolution_1", "convolution_1", noise, train, settings(**changes))


def test_patterns_of_point_filters_are_plain_colours() -> None:
    found = find(point_filters([[1, -1, 0.5], [-1, -1, -1]], [0.0, 2.0]), steps=60, step=60)
    assert found.images.shape == (2, *SHAPE)
    assert np.array_equal(found.images[0], np.broadcast_to([255, 0, 255], SHAPE))
    assert not found.images[1].any()
    assert found.table["pattern"].tolist() == pytest.approx([1.5, 2.0])
    assert found.table["image"][0] == pytest.approx(0.5)  # the white one
    assert found.table["position"][0] == 5
    assert (found.table["noise"] < found.table["pattern"]).all()
    assert found.figures["beats_images"] == 1.0


def test_a_dead_map_is_told_from_one_that_only_an_image_excites() -> None:
    model = point_filters([[1, 1, 1], [1, 1, 1], [0, 0, 0]], [0.0, -2.995, -1.0])
    found = find(model, steps=0)
    assert found.table["state"].tolist() == ["excited", "unreached", "dead"]
    assert (found.figures["maps"], found.figures["unreached"], found.figures["dead"]) == (3, 1, 1)
    shown = texts(pattern_figures.patterns(found))
    assert "1: unreached" in shown
    assert "2: dead" in shown
    assert "3 maps (1 dead, 1 unreached)" in shown


def test_a_silent_map_is_reached_by_the_ascent() -> None:
    found = find(point_filters([[1, 1, 1]], [-2.9]), steps=60, step=60)
    assert found.table["noise"][0] == 0
    assert found.table["pattern"][0] == pytest.approx(0.1, abs=1e-5)


def test_a_layer_of_dead_maps_alone_is_drawn() -> None:
    found = find(point_filters([[0, 0, 0]], [-1.0]))
    assert found.figures == {"maps": 1, "dead": 1, "unreached": 0}
    assert "0: dead" in texts(pattern_figures.patterns(found))


def test_an_example_is_the_first_image_of_each_class_present() -> None:
    test = split(7, seed=1)
    examples = maps.choose_examples(test)
    assert examples.labels.tolist() == [0, 1, 3]
    assert examples.indices.tolist() == [1001, 1002, 1000]
    chosen = [maps.choose_shown(examples.labels, wanted) for wanted in (1, 2, 3, 9)]
    assert chosen == [1, 2, 2, 0]


def test_the_most_varied_maps_differ_between_images() -> None:
    activations = np.zeros((3, 2, 2, 4), np.float32)
    activations[..., 1] = 9  # large, and the same for all
    activations[1, ..., 2], activations[2, ..., 0] = 1, 5
    found = maps.Maps("convolution_1", activations)
    assert found.most_varied(2).tolist() == [0, 2]
    table = maps.tabulate_classes(found, np.array([0, 2]), ["a", "b", "c"])
    assert table.columns.tolist() == ["row", "column", "a_0", "a_2", "b_0", "b_2", "c_0", "c_2"]
    assert table["c_0"].tolist() == [5] * 4
    assert table["b_2"].tolist() == [1] * 4
    assert not table["a_0"].any()


def test_kernels_are_tabulated_by_filter_and_place() -> None:
    weights = np.arange(2 * 2 * 3 * 4.0).reshape(2, 2, 3, 4)
    table = maps.tabulate_kernels(weights)
    row = table[(table["filter"] == 2) & (table["row"] == 1) & (table["column"] == 0)].iloc[1]
    assert row["weight"] == weights[1, 0, 1, 2]
    assert table["filter"].is_monotonic_increasing


def test_kernels_are_drawn_with_their_responses_up_to_a_number() -> None:
    rng = np.random.default_rng(1)
    shown = texts(map_figures.kernels(rng.normal(size=(3, 3, 2, 70)), rng.normal(size=(4, 5, 70)), "Bag"))
    assert "first 64 of 70 filters" in shown
    assert "class Bag" in shown


def toy_features() -> features.Features:
    """Return three units, the last one dead, of classes of which the last has no image."""
    activations = np.array([[0, 2, 0], [0, 4, 0], [3, 1, 0], [5, 1, 0]], np.float32)
    means = np.array([[0, 3, 0], [4, 1, 0], [np.nan] * 3])
    weights = np.array([[-1, -1, 0], [2, 1, 0], [9, 9, 9]], np.float32)
    return features.Features(means, weights, activations)


def test_units_are_ordered_by_the_class_they_prefer_and_the_dead_come_last() -> None:
    found = toy_features()
    assert found.order.tolist() == [1, 0, 2]
    expected = {"units": 3, "dead": 1, "vote_for_preferred": 0.5, "share_of_zeros": 0.5}
    assert found.figures == pytest.approx(expected)
    table = found.tabulate(["a", "b", "absent"])
    assert table["preferred"].tolist() == ["a", "b", ""]
    assert table["mean_b"].tolist() == [1, 4, 0]
    assert table["weight_b"].tolist() == [1, 2, 0]
    assert table["mean_absent"].isna().all()


def test_units_are_drawn_though_a_class_is_absent() -> None:
    shown = texts(pattern_figures.features(toy_features(), ["a", "b", "absent"]))
    assert "3 units of the last hidden layer, 1 of them dead;\n50% of the others have" in shown
    assert "absent" in shown


def test_means_and_weights_are_those_of_the_network() -> None:
    model, test = network(), split(9, seed=2)
    found = features.describe(model, test)
    activations = predict(up_to(model, "features"), test.images)
    assert found.means[3] == pytest.approx(activations[test.labels == 3].mean(axis=0))
    assert np.isnan(found.means[2]).all()
    bias = model.get_layer("probabilities").get_weights()[1]
    logits = activations @ found.weights.T + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert predict(model, test.images) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "convolutions"),
    [
        ({"layers": ("pool", 8), "padding": "same", "kernel": 5, "activation": "tanh"}, 1),
        ({"layers": ()}, 0),
    ],
)
def test_the_stage_goes_through_whatever_the_layers(
    tmp_path: Path, changes: dict[str, Any], convolutions: int
) -> None:
    check(tmp_path, run(tmp_path, network(**changes)), convolutions)


def check(folder: Path, figures: dict[str, Any], convolutions: int) -> None:
    """Hold what the stage left in the folder against the number of convolutions."""
    assert len(figures["maps"]) == convolutions
    assert figures["features"]["units"] == 6
    pictures = {path.relative_to(folder / "plots").as_posix() for path in folder.rglob("plots/**/*.png")}
    assert {"layers.png", "receptive_fields.png", "features.png"} <= pictures
    assert len(pictures) == 3 + (2 + 2 * convolutions if convolutions else 0)
    assert all(path.with_suffix(".csv").exists() for path in folder.rglob("plots/convolution*/*.png"))
    for name in figures["maps"]:
        patterns = np.load(folder / "outputs" / f"{name}_patterns.npy")
        table = pd.read_csv(folder / "plots" / name / "patterns.csv")
        assert patterns.shape == (len(table), *SHAPE)
        assert table["index"].between(1000, 1014).all()


def test_again_gives_the_same_bytes(tmp_path: Path) -> None:
    model = network(layers=(4, "pool", 3), batch_normalization=True, dropout=0.5)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        check(tmp_path / name, run(tmp_path / name, model), convolutions=2)
    files = sorted(path for path in (tmp_path / "first").rglob("*") if path.is_file())
    for file in files:
        other = tmp_path / "second" / file.relative_to(tmp_path / "first")
        assert file.read_bytes() == other.read_bytes(), file
