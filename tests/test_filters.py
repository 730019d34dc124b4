"""The stage filters on small unusual networks and data: no convolution, dead maps, an absent class."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from digits.analysis.saliency.attribution import first_of_each_class
from digits.analysis.saliency.convolutions import describe_layers
from digits.data.files import read_json, write_json
from digits.data.splits import Split, write_split
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import predict, save_model, up_to
from digits.pipeline.stage import Paths, settings_model
from stages.filters import activation_maximization, feature_maps, penultimate_activations, receptive_fields
from stages.filters.__main__ import main
from tests.support import helpers

CLASSES = ["T-shirt/top", "Ankle boot", "Bag", "Coat"]
SHAPE = (9, 12, 3)


def split(n: int, seed: int, labels: tuple[int, ...] = (3, 0, 1)) -> Split:
    """Return images in colour; the class 2 is absent."""
    repeated = np.array(labels * n, dtype=np.uint8)[:n]
    return Split(helpers.random_images(n, *SHAPE, seed=seed), repeated, np.arange(n, dtype=np.int32) + 1000)


def network(**changes: Any) -> keras.Model:
    images = helpers.random_images(2, *SHAPE)
    return build_cnn(helpers.cnn(**changes), images, len(CLASSES), seed=1)


def run(folder: Path, model: keras.Model) -> dict[str, Any]:
    """Run the stage in the folder; return its details."""
    save_model(folder / "cnn.keras", model)
    for name, n in (("train", 15), ("test", 7)):
        write_split(folder / name, split(n, seed=n))
    write_json(folder / "dataset.json", {"classes": CLASSES})
    files = {"dataset": "dataset.json", "cnn": "cnn.keras"}
    places = {name: folder / name for name in ("train", "test", "data", "plots")}
    paths = Paths("filters", places | {name: folder / file for name, file in files.items()})
    small = {"reference_images": 9, "noise_images": 12, "noise_scales": [0, 2], "starts_per_map": 2}
    small |= {"ascent_steps": 3, "ascent_step_size": 30}
    chosen = {"seed": 1, "compute": helpers.params()["compute"], "filters": small}
    parameters = settings_model(main, {}).model_validate_json(json.dumps(chosen))
    main(paths, None, **dict(parameters))  # type: ignore[arg-type]
    return dict(read_json(folder / "data" / "details.json"))


def texts(figure: Figure) -> list[str]:
    figure.canvas.draw()
    return [artist.get_text() for artist in figure.findobj(Text)]  # type: ignore[attr-defined]


def drawn(figure: Figure) -> list[np.ndarray]:
    """Return the data of all images and maps of a figure, in the order in which they were drawn."""
    return [np.asarray(image.get_array()) for image in figure.axes[0].images]


def test_receptive_fields_are_drawn_as_rectangles() -> None:
    layers = describe_layers(network(padding="same", kernel=5))
    figure = receptive_fields.draw(layers, helpers.random_images(*SHAPE))
    panels = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title().split("\n")[0] for ax in panels] == [
        "convolution_1", "pool_1", "convolution_2", "features",
    ]  # fmt: skip
    for ax, name in zip(panels, ("convolution_1", "pool_1", "convolution_2"), strict=False):
        height, width = next(layer.axes for layer in layers if layer.name == name)
        edge, *boxes = (
            patch for patch in ax.patches if isinstance(patch, Rectangle) and not patch.get_hatch()
        )
        assert (edge.get_height(), edge.get_width()) == SHAPE[:2]
        assert [(box.get_width(), box.get_height()) for box in boxes] == [(width.field, height.field)] * 2
        assert boxes[1].get_x() - boxes[0].get_x() == width.stride


def test_pixels_that_no_unit_sees_are_hatched() -> None:
    layers = describe_layers(
        network(layers=(4, "pool"), kernel=2)
    )  # 8 x 11 units, of which 8 x 10 are pooled
    figure = receptive_fields.draw(layers, helpers.random_images(*SHAPE))
    hatched = [patch for patch in figure.axes[1].patches if patch.get_hatch()]
    assert [(box.get_width(), box.get_height()) for box in hatched] == [(1, 9), (11, 0)]  # type: ignore[attr-defined]


def point_filters(weights: list[list[float]], biases: list[float]) -> keras.Model:
    """Return a network with filters of one pixel; weights: one for each channel of each filter."""
    model = network(layers=(len(biases),), kernel=1)
    model.get_layer("convolution_1").set_weights([np.array(weights).T[None, None], np.array(biases)])
    return model


def find(model: keras.Model, steps: int = 3, step: float = 30) -> activation_maximization.Patterns:
    noise = helpers.random_images(12, *SHAPE, seed=3).astype(np.float32)
    images = np.concatenate([helpers.random_images(5, *SHAPE), np.full((1, *SHAPE), 255, np.uint8)])
    compared = Split(images, np.zeros(6, np.uint8), np.arange(6, dtype=np.int32) + 1000)
    return activation_maximization.search(model, "convolution_1", noise, compared, 2, steps, step)


def test_patterns_of_point_filters_are_plain_colours() -> None:
    model = point_filters([[1, -1, 0.5], [-1, -1, -1]], [0.0, 2.0])
    found = find(model, steps=60, step=60)
    assert found.images.shape == (2, *SHAPE)
    assert np.array_equal(found.images[0], np.broadcast_to([255, 0, 255], SHAPE))
    assert not found.images[1].any()
    assert found.table["pattern"].tolist() == pytest.approx([1.5, 2.0])
    assert found.table["image"][0] == pytest.approx(0.5)  # the white one
    assert found.table["index"][0] == 1005
    assert (found.table["noise"] < found.table["pattern"]).all()
    assert found.metrics["beats_images"] == 1.0


def test_dead_maps_are_told_from_unreached_ones() -> None:
    model = point_filters([[1, 1, 1], [1, 1, 1], [0, 0, 0]], [0.0, -2.995, -1.0])
    found = find(model, steps=0)
    assert found.table["state"].tolist() == ["active", "unreached", "dead"]
    assert (found.metrics["maps"], found.metrics["unreached"], found.metrics["dead"]) == (3, 1, 1)
    assert any("3 maps (1 dead, 1 unreached)" in text for text in texts(activation_maximization.draw(found)))


def test_the_ascent_reaches_a_map_that_noise_does_not() -> None:
    found = find(point_filters([[1, 1, 1]], [-2.9]), steps=60, step=60)
    assert found.table["noise"][0] == 0
    assert found.table["pattern"][0] == pytest.approx(0.1, abs=1e-5)


def test_a_layer_of_only_dead_maps_is_drawn_without_patterns() -> None:
    found = find(point_filters([[0, 0, 0]], [-1.0]))
    assert found.metrics == {"maps": 1, "dead": 1, "unreached": 0}
    figure = activation_maximization.draw(found)
    assert drawn(figure) == []
    assert "none" in texts(figure)


def test_the_patterns_with_the_highest_activation_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activation_maximization, "DRAWN", 2)
    biases = [0.0, 0.2, 0.1]
    figure = activation_maximization.draw(find(point_filters([[1, 0, 0], [0, 1, 0], [0, 0, 1]], biases)))
    headings = [text for text in texts(figure) if text.startswith("map")]
    assert [heading.split(":")[0] for heading in headings] == ["map 1", "map 2"]
    assert len(drawn(figure)) == 2


def test_an_example_is_the_first_image_of_each_class_present() -> None:
    test = split(7, seed=1)
    examples = test.take(first_of_each_class(test.labels, 1))
    assert examples.labels.tolist() == [0, 1, 3]
    assert examples.indices.tolist() == [1001, 1002, 1000]
    chosen = [feature_maps.choose_shown(examples.labels, wanted) for wanted in (1, 2, 3, 9)]
    assert chosen == [1, 2, 2, 0]


def test_the_most_varied_maps_differ_between_images() -> None:
    activations = np.zeros((3, 2, 2, 4), np.float32)
    activations[..., 1] = 9  # large, and the same for all
    activations[1, ..., 2], activations[2, ..., 0] = 1, 5
    assert feature_maps.most_varied(activations, 2).tolist() == [0, 2]
    table = feature_maps.tabulate_classes(activations, np.array([0, 2]), ["a", "b", "c"])
    assert table.columns.tolist() == ["row", "column", "a_0", "a_2", "b_0", "b_2", "c_0", "c_2"]
    assert table["c_0"].tolist() == [5] * 4
    assert table["b_2"].tolist() == [1] * 4
    assert not table["a_0"].any()


def test_the_most_active_maps_are_drawn_below_their_image() -> None:
    maps = np.random.default_rng(1).random((4, 5, 30))
    maps[..., 10:16] = 0
    image = helpers.random_images(*SHAPE)
    figure = feature_maps.draw_maps("convolution_2", maps, image, "Bag")
    images = drawn(figure)
    assert len(images) == 1 + 24
    assert images[0] == pytest.approx(image / 255)
    for values, number in zip(images[1:], [*range(10), *range(16, 30)], strict=True):
        assert np.array_equal(values, maps[..., number])
    assert any(
        "the most active 24 of 30 maps of 4 x 5 units; 6 maps are constant" in t for t in texts(figure)
    )


def test_maps_of_all_classes_are_drawn_beside_their_images() -> None:
    images = helpers.random_images(3, *SHAPE)
    found = {
        "a": np.random.default_rng(1).random((3, 4, 5, 6)),
        "b": np.random.default_rng(2).random((3, 2, 2, 3)),
    }
    chosen = {"a": np.array([1, 4]), "b": np.array([2])}
    figure = feature_maps.draw_class_maps(found, chosen, images, ["x", "y", "z"])
    expected = [
        each
        for i in range(3)
        for each in (images[i] / 255, found["a"][i, ..., 1], found["a"][i, ..., 4], found["b"][i, ..., 2])
    ]
    for values, wanted in zip(drawn(figure), expected, strict=True):
        assert values == pytest.approx(wanted)
    assert {"a", "b", "x", "y", "z", "1", "4", "2"} <= set(texts(figure))


def test_kernels_are_tabulated_by_filter_and_place() -> None:
    weights = np.arange(2 * 2 * 3 * 4.0).reshape(2, 2, 3, 4)
    table = feature_maps.tabulate_kernels(weights)
    row = table[(table["filter"] == 2) & (table["row"] == 1) & (table["column"] == 0)].iloc[1]
    assert row["weight"] == weights[1, 0, 1, 2]
    assert table["filter"].is_monotonic_increasing


def test_kernels_are_drawn_above_their_responses() -> None:
    rng = np.random.default_rng(1)
    weights, responses = rng.normal(size=(3, 3, 2, 40)), rng.normal(size=(4, 5, 40))
    figure = feature_maps.draw_kernels(weights, responses, "Bag")
    images = drawn(figure)
    assert len(images) == 2 * 32
    assert np.array_equal(images[0], np.concatenate([weights[..., 0, 0], weights[..., 1, 0]], axis=1))
    assert np.array_equal(images[8], responses[..., 0])
    assert any("the first 32 of 40" in text and "class Bag" in text for text in texts(figure))


def toy_units() -> penultimate_activations.Units:
    """Return three units, the last one dead, and three classes, the last without an image."""
    activations = np.array([[0, 2, 0], [0, 4, 0], [3, 1, 0], [5, 1, 0]], np.float32)
    means = np.array([[0, 3, 0], [4, 1, 0], [np.nan] * 3])
    weights = np.array([[-1, -1, 0], [2, 1, 0], [9, 9, 9]], np.float32)
    return penultimate_activations.Units(means, weights, activations)


def test_units_are_ordered_by_preferred_class_and_dead_ones_last() -> None:
    found = toy_units()
    assert found.order.tolist() == [1, 0, 2]
    expected = {"units": 3, "dead": 1, "vote_for_preferred": 0.5, "fraction_of_zeros": 0.5}
    assert found.metrics == pytest.approx(expected)
    table = found.tabulate(["a", "b", "absent"])
    assert table["preferred"].tolist() == ["a", "b", ""]
    assert table["mean_b"].tolist() == [1, 4, 0]
    assert table["weight_b"].tolist() == [1, 2, 0]
    assert table["mean_absent"].isna().all()


def test_means_and_weights_of_units_are_drawn_in_order() -> None:
    figure = penultimate_activations.draw(toy_units(), ["a", "b", "absent"])
    panels: list[Any] = [np.ma.asarray(ax.images[0].get_array()).filled(np.nan) for ax in figure.axes[:2]]
    assert panels[0] == pytest.approx(toy_units().means[:, [1, 0, 2]], nan_ok=True)
    assert panels[1] == pytest.approx(toy_units().weights[:, [1, 0, 2]])
    shown = texts(figure)
    assert any("3 units, 1 of them dead\n50% of the others have" in text for text in shown)
    assert "absent" in shown


def test_means_and_weights_are_those_of_the_network() -> None:
    model, test = network(), split(9, seed=2)
    found = penultimate_activations.describe(model, test)
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
def test_the_stage_runs_for_unusual_layers(
    tmp_path: Path, changes: dict[str, Any], convolutions: int
) -> None:
    check(tmp_path, run(tmp_path, network(**changes)), convolutions)


def check(folder: Path, details: dict[str, Any], convolutions: int) -> None:
    """Compare what the stage wrote into the folder with the number of convolutions."""
    assert len(details["maps"]) == convolutions
    assert details["penultimate_activations"]["units"] == 6
    pictures = [path for path in (folder / "plots").rglob("*") if path.is_file()]
    assert {path.suffix for path in pictures} == {".png"}
    assert len(pictures) == 2 + (2 + 2 * convolutions if convolutions else 0)
    for name in details["maps"]:
        patterns = np.load(folder / "data" / name / "patterns.npy")
        table = pd.read_csv(folder / "data" / name / "patterns.csv")
        assert patterns.shape == (len(table), *SHAPE)
        assert table["index"].between(1000, 1014).all()


def test_running_again_gives_the_same_bytes(tmp_path: Path) -> None:
    model = network(layers=(4, "pool", 3), batch_normalization=True, dropout=0.5)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        check(tmp_path / name, run(tmp_path / name, model), convolutions=2)
    files = sorted(path for path in (tmp_path / "first").rglob("*") if path.is_file())
    for file in files:
        other = tmp_path / "second" / file.relative_to(tmp_path / "first")
        assert file.read_bytes() == other.read_bytes(), file
