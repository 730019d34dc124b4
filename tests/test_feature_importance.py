"""The stage feature-importance on small unusual data: an absent class, odd sizes, long names, colours."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from digits.analysis.saliency.attribution import first_of_each_class, mean_by_class
from digits.analysis.saliency.importance import number_blocks, sum_blocks
from digits.compute import CORES
from digits.data.splits import Split
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import save_model
from digits.networks.mlp.builder import build_mlp
from digits.pipeline import StageError
from stages.feature_importance import forests as forest
from stages.feature_importance import hidden_units, networks, pixel_pairs, retraining
from tests.support import helpers

CLASSES = ["Ankle boot", "T-shirt/top", "Bag", "Coat"]
ABSENT = 2
SHAPE = (7, 9, 3)
BLOCKS = number_blocks(SHAPE[:2], 4)


def split(n: int, seed: int) -> Split:
    """Return images in colour, the brighter on the left the higher the label, one of which is absent."""
    labels = np.array([0, 1, 3] * n, dtype=np.uint8)[:n]
    images = helpers.random_images(n, *SHAPE, seed=seed) // 2
    images[:, :, :4] += (labels * 40)[:, None, None, None]
    images[:, 0] = 0
    return Split(images, labels, np.arange(n, dtype=np.int32) + 1000)


@pytest.fixture(scope="module")
def splits() -> tuple[Split, Split, Split]:
    return split(90, 1), split(30, 2), split(30, 3)


@pytest.fixture(scope="module")
def forests(splits: tuple[Split, Split, Split]) -> forest.Forests:
    return forest.measure(splits, BLOCKS, trees=5, n=2, seed=1)


@pytest.fixture(scope="module")
def models(splits: tuple[Split, Split, Split], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, images = tmp_path_factory.mktemp("models"), splits[0].images
    save_model(folder / "mlp.keras", build_mlp(helpers.mlp(hidden=(9,)), images, len(CLASSES), seed=1))
    save_model(folder / "cnn.keras", build_cnn(helpers.cnn(padding="same"), images, len(CLASSES), seed=1))
    return {name: folder / f"{name}.keras" for name in ("mlp", "cnn")}


@pytest.fixture(scope="module")
def chosen(splits: tuple[Split, Split, Split]) -> Split:
    return splits[1].take(first_of_each_class(splits[1].labels, 2))


@pytest.fixture(scope="module")
def measured(
    splits: tuple[Split, Split, Split], models: dict[str, Path], chosen: Split
) -> dict[str, networks.NetworkImportance]:
    first = splits[1].take(slice(20))
    return {
        name: networks.measure(path, first, chosen, BLOCKS, steps=8, seed=1) for name, path in models.items()
    }


def texts(figure: Figure) -> str:
    figure.canvas.draw()
    found = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    return "\n".join(artist.get_text() for artist in found)  # type: ignore[attr-defined]


def test_maps_of_the_forests_have_the_shapes_of_image_and_blocks(forests: forest.Forests) -> None:
    assert forests.flat.shape == (7 * 9 * 3,)
    assert forests.flat.sum() == pytest.approx(1)
    assert forests.impurity.shape == forests.impurity_sd.shape == forests.permutation.shape == (7, 9)
    assert forests.block_permutation.shape == forests.block_permutation_sd.shape == (2, 3)
    assert forests.impurity == pytest.approx(forests.flat.reshape(7, 9, 3).sum(axis=-1))


def test_the_forests_find_the_left_and_ignore_blank_pixels(forests: forest.Forests) -> None:
    assert forests.metrics["accuracy"] > 0.8
    assert forests.block_permutation[:, 0].sum() > 3 * forests.block_permutation[:, 1:].sum()
    assert not forests.permutation[0].any()
    assert not forests.impurity[0].any()
    assert forests.block_permutation_sd.max() > 0


def test_the_same_seed_gives_the_same_forests_on_any_number_of_cores(
    forests: forest.Forests, splits: tuple[Split, Split, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CORES, "1")
    again = forest.measure(splits, BLOCKS, trees=5, n=2, seed=1)
    assert np.array_equal(again.flat, forests.flat)
    assert np.array_equal(again.permutation, forests.permutation)
    assert np.array_equal(again.block_permutation_sd, forests.block_permutation_sd)
    other = forest.measure(splits, BLOCKS, trees=5, n=2, seed=2)
    assert not np.array_equal(other.flat, forests.flat)


def test_the_table_of_pixels_names_their_blocks(forests: forest.Forests) -> None:
    table = forests.tabulate(BLOCKS)
    last = table.iloc[-1]
    assert (last["row"], last["column"], last["block"]) == (6, 8, 5)
    assert table.columns.tolist() == [
        "row", "column", "impurity", "rank", "impurity_sd", "permutation", "permutation_sd", "block",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_maps_of_a_network_have_the_shapes_of_blocks_and_images(
    measured: dict[str, networks.NetworkImportance], name: str
) -> None:
    view = measured[name]
    maps = networks.block_maps({name: view})
    assert [each.shape for each in maps.values()] == [(2, 3)] * 3
    assert view.attributions.shape == (6, 7, 9)  # two images of each class present
    assert not view.attributions[:, 0].any()
    assert view.integrated_gradients.sum() == pytest.approx(np.abs(view.attributions).sum(axis=(1, 2)).mean())
    difference = view.probabilities[:, 0] - view.probabilities[:, 1]
    missing = np.abs(view.attributions.sum(axis=(1, 2)) - difference).mean()
    assert view.completeness_error == pytest.approx(missing)
    assert missing < 0.01


def test_the_blank_image_has_one_probability_for_each_class(
    measured: dict[str, networks.NetworkImportance], chosen: Split
) -> None:
    assert chosen.labels.tolist() == [0, 0, 1, 1, 3, 3]
    blank = measured["cnn"].probabilities[:, 1]
    assert blank[::2] == pytest.approx(blank[1::2])


def test_units_are_those_of_the_layer(models: dict[str, Path], splits: tuple[Split, Split, Split]) -> None:
    activations = hidden_units.read_activations(models["mlp"], "hidden_1", splits[0].images)
    assert activations.shape == (90, 9)
    table = hidden_units.describe_activations(activations, splits[0].labels, CLASSES)
    assert set(table["class"]) == set(CLASSES) - {CLASSES[ABSENT]}
    assert table["unit"].value_counts().tolist() == [3] * 9


@pytest.mark.parametrize("layer", ["hidden_7", "pixels"])
def test_a_layer_without_a_vector_of_units_is_refused(
    models: dict[str, Path], splits: tuple[Split, Split, Split], layer: str
) -> None:
    with pytest.raises(StageError, match=rf"hidden_layer is '{layer}'.*hidden_1.*probabilities"):
        hidden_units.read_activations(models["mlp"], layer, splits[0].images)


def test_pairs_have_ink_and_the_informative_one_tells_most(
    splits: tuple[Split, Split, Split], forests: forest.Forests
) -> None:
    found = pixel_pairs.choose(splits[0], forests.flat, 20, np.random.default_rng(1))
    assert found["informative"].information >= found["forest"].information > 0
    for pair in found.values():
        assert pair.pixels[0] < pair.pixels[1]
        assert min(pair.pixels) >= 9 * 3  # the first row is blank
        values = splits[0].images.reshape(90, -1)[:, list(pair.pixels)]
        assert pair.both_blank == pytest.approx((values.max(axis=1) == 0).mean())


def test_a_sample_holds_the_values_of_each_pair(splits: tuple[Split, Split, Split]) -> None:
    found = {"random": pixel_pairs.PixelPair((30, 100), 0.0, 0.0)}
    sample = pixel_pairs.sample(splits[0], found, CLASSES, np.random.default_rng(1))
    assert len(sample) == 90  # no more than there are
    assert sample["random_2"].tolist() == splits[0].images.reshape(90, -1)[:, 100].tolist()
    assert sample["class"].tolist() == [CLASSES[label] for label in splits[0].labels]


def drawn(figure: Figure, axes: int) -> list[np.ndarray]:
    """Return the data of the images on one of the figure's axes, nan where there is no value."""
    return [np.ma.asarray(image.get_array()).filled(np.nan) for image in figure.axes[axes].images]


def test_importances_of_the_forests_are_drawn(forests: forest.Forests) -> None:
    figure = forest.draw(forests, sum_blocks(forests.impurity, BLOCKS))
    maps = ["impurity", "impurity_sd", "permutation", "block_permutation", "block_permutation_sd"]
    for number, values in enumerate(getattr(forests, name) for name in maps):
        assert np.array_equal(drawn(figure, number)[0], values)
    assert len(np.asarray(figure.axes[5].collections[0].get_offsets())) == 6  # blocks
    assert "2 random forests" in texts(figure)


def test_rank_correlations_are_drawn_with_numbers_and_a_scale() -> None:
    values = [[1.0, 0.25], [0.25, 1.0]]
    names = ["forest_impurity", "mlp_integrated_gradients"]
    figure = networks.draw_rank_correlations(pd.DataFrame(values, index=names, columns=names))
    assert drawn(figure, 0)[0].tolist() == values
    assert figure.axes[0].images[0].get_clim() == (0, 1)
    shown = texts(figure)
    assert shown.count("0.25") == 4  # two cells, and from least to most in the title
    assert "MLP: integrated gradients" in shown


def test_block_maps_of_both_networks_are_drawn(measured: dict[str, networks.NetworkImportance]) -> None:
    figure = networks.draw_block_maps(measured)
    for number, values in enumerate(networks.block_maps(measured).values()):
        assert np.array_equal(drawn(figure, number)[0], values)
    assert "CNN: occlusion" in texts(figure)


def test_mean_attributions_are_drawn_though_a_class_is_absent(
    measured: dict[str, networks.NetworkImportance], chosen: Split
) -> None:
    means = {
        name: mean_by_class(each.attributions, chosen.labels, len(CLASSES)) for name, each in measured.items()
    }
    figure = networks.draw_class_attributions(means, CLASSES, 6)
    for shown, expected in zip(drawn(figure, 0), [*means["mlp"], *means["cnn"]], strict=True):
        assert shown == pytest.approx(expected, nan_ok=True)
    assert "Ankle\nboot" in texts(figure)
    table = networks.tabulate_class_attributions(means, CLASSES)
    assert table["cnn_Coat"].to_numpy() == pytest.approx(means["cnn"][3].ravel())
    assert table["mlp_Bag"].isna().all()


def test_single_attributions_are_drawn_below_their_images(
    measured: dict[str, networks.NetworkImportance], chosen: Split
) -> None:
    positions = first_of_each_class(chosen.labels, 1)
    assert positions.tolist() == [0, 2, 4]
    figure = networks.draw_attributions(chosen, measured, positions, CLASSES)
    images = drawn(figure, 0)
    assert images[0] == pytest.approx(chosen.images[0] / 255)
    assert images[3:6] == pytest.approx(measured["mlp"].attributions[positions])
    blank, seen = measured["mlp"].probabilities[2, 1], measured["mlp"].probabilities[2, 0]
    assert f"{blank:.2f} to {seen:.2f}" in texts(figure)
    table = networks.tabulate_attributions(chosen, measured, positions)
    column = table[f"cnn_{chosen.indices[2]}"].to_numpy()
    assert column == pytest.approx(measured["cnn"].attributions[2].ravel())


def test_hidden_units_are_drawn_with_quartiles_and_zeros(
    models: dict[str, Path], splits: tuple[Split, Split, Split]
) -> None:
    activations = hidden_units.read_activations(models["mlp"], "hidden_1", splits[0].images)
    table = hidden_units.describe_activations(activations, splits[0].labels, CLASSES)
    ratios = hidden_units.correlation_ratios(activations, splits[0].labels)
    figure = hidden_units.draw(table, ratios, "hidden_1")
    shown = texts(figure)
    assert f"Unit {ratios.argmax()}, rank 1: eta squared {ratios.max():.2f}" in shown
    best = table[table["unit"] == ratios.argmax()]
    assert all(f"{zeros:.0%}" in shown for zeros in best["fraction_of_zeros"])
    lines = [np.asarray(line.get_ydata()) for line in figure.axes[0].lines]
    assert all(any((line == median).all() for line in lines) for median in best["median"])


def test_pixel_pairs_are_drawn_near_their_values(splits: tuple[Split, Split, Split]) -> None:
    found = {
        "random": pixel_pairs.PixelPair((0, 1), 1.0, 0.0),
        "forest": pixel_pairs.PixelPair((30, 100), 0.25, 0.5),
        "informative": pixel_pairs.PixelPair((31, 101), 0.0, 0.75),
    }
    rng = np.random.default_rng(1)
    sample = pixel_pairs.sample(splits[0], found, CLASSES, rng)
    figure = pixel_pairs.draw(sample, found, SHAPE, CLASSES, rng)
    points = np.asarray(figure.axes[1].collections[0].get_offsets())
    assert points == pytest.approx(sample[["forest_1", "forest_2"]].to_numpy(), abs=pixel_pairs.JITTER)
    shown = texts(figure)
    assert "row 3, column 6, channel 1" in shown  # 100 = (3 * 9 + 6) * 3 + 1
    assert "both blank in 25.0%" in shown
    assert "0.75 bits" in shown
    assert "90 training images" in shown


def test_retraining_takes_the_most_important_and_random_pixels() -> None:
    chosen = retraining.choose(np.arange(50.0), 20, np.random.default_rng(1))
    assert chosen["forest"].tolist() == list(range(30, 50))
    assert len(set(chosen["random"])) == 20
    assert (np.diff(chosen["random"]) > 0).all()


def test_retraining_gives_an_interval_of_the_given_confidence(
    splits: tuple[Split, Split, Split],
) -> None:
    pixels = np.arange(50, 120)
    wide, narrow = (
        retraining.measure(pixels, splits, 4, helpers.mlp(), seed=1, confidence=confidence)
        for confidence in (0.95, 0.5)
    )
    assert wide["accuracy"] == narrow["accuracy"] > 1 / 3
    assert wide["accuracy_low"] < narrow["accuracy_low"] < wide["accuracy"]


def test_chosen_pixels_are_marked_in_their_places() -> None:
    accuracy = {"accuracy": 0.5, "accuracy_low": 0.4, "accuracy_high": 0.6}
    pixels = {"forest": np.array([0, 100]), "random": np.array([30])}
    figure = retraining.draw(pixels, dict.fromkeys(pixels, accuracy), np.zeros(SHAPE))
    marked = np.asarray(figure.axes[0].collections[0].get_offsets())
    assert marked.tolist() == [[0, 0], [6, 3]]  # column, row
    assert "test accuracy 50.00% (40.00% to 60.00%)" in texts(figure)
