"""The stage feature-importance on small awkward data: a class absent, odd sizes, long names, colours."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from digits.analysis.saliency.permutation import number_blocks, sum_blocks
from matplotlib.figure import Figure

from digits.analysis.saliency.attribution import mean_by_class
from digits.data.splits import Split
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import save_model
from digits.networks.mlp.builder import build_mlp
from digits.pipeline import StageError
from stages.feature_importance import figures, forest, network_figures, networks, node_figures, nodes, pairs
from stages.feature_importance.settings import Parameters
from tests import helpers

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
def parameters() -> Parameters:
    """The committed settings, made small."""
    document = helpers.params()
    small = {"trees": 5, "seeds": 2, "pixels": 20, "images": 20, "attribution_images": 2, "steps": 8}
    chosen = {key: document[key] for key in ("seed", "compute", "train-mlp")}
    chosen["feature-importance"] = document["feature-importance"] | small
    return Parameters.model_validate_json(json.dumps(chosen))


@pytest.fixture(scope="module")
def forests(splits: tuple[Split, Split, Split], parameters: Parameters) -> forest.Forests:
    return forest.measure(splits, BLOCKS, parameters)


@pytest.fixture(scope="module")
def models(splits: tuple[Split, Split, Split], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, images = tmp_path_factory.mktemp("models"), splits[0].images
    save_model(folder / "mlp.keras", build_mlp(helpers.mlp(hidden=(9,)), images, len(CLASSES), seed=1))
    save_model(folder / "cnn.keras", build_cnn(helpers.cnn(padding="same"), images, len(CLASSES), seed=1))
    return {name: folder / f"{name}.keras" for name in ("mlp", "cnn")}


@pytest.fixture(scope="module")
def chosen(splits: tuple[Split, Split, Split]) -> Split:
    return networks.choose_images(splits[1], 2)


@pytest.fixture(scope="module")
def views(
    splits: tuple[Split, Split, Split], models: dict[str, Path], chosen: Split, parameters: Parameters
) -> dict[str, networks.View]:
    settings = parameters.feature_importance
    return {
        name: networks.view(path, splits[1], chosen, BLOCKS, settings, seed=1)
        for name, path in models.items()
    }


def texts(figure: Figure) -> str:
    figure.canvas.draw()
    found = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    return "\n".join(artist.get_text() for artist in found)  # type: ignore[attr-defined]


def test_the_maps_of_the_forests_have_the_shapes_of_image_and_blocks(forests: forest.Forests) -> None:
    assert forests.flat.shape == (7 * 9 * 3,)
    assert forests.flat.sum() == pytest.approx(1)
    assert forests.impurity.shape == forests.impurity_sd.shape == forests.permutation.shape == (7, 9)
    assert forests.block_permutation.shape == forests.block_permutation_sd.shape == (2, 3)
    assert forests.impurity == pytest.approx(forests.flat.reshape(7, 9, 3).sum(axis=-1))


def test_the_forests_find_the_left_and_ignore_the_paper(forests: forest.Forests) -> None:
    assert forests.figures["accuracy"] > 0.8
    assert forests.block_permutation[:, 0].sum() > 3 * forests.block_permutation[:, 1:].sum()
    assert not forests.permutation[0].any()
    assert not forests.impurity[0].any()
    assert forests.block_permutation_sd.max() > 0


def test_the_same_seed_gives_the_same_forests(
    forests: forest.Forests, splits: tuple[Split, Split, Split], parameters: Parameters
) -> None:
    threads = parameters.compute.model_copy(update={"threads": 1})
    again = forest.measure(splits, BLOCKS, parameters.model_copy(update={"compute": threads}))
    assert np.array_equal(again.flat, forests.flat)
    assert np.array_equal(again.permutation, forests.permutation)
    assert np.array_equal(again.block_permutation_sd, forests.block_permutation_sd)
    other = forest.measure(splits, BLOCKS, parameters.model_copy(update={"seed": parameters.seed + 1}))
    assert not np.array_equal(other.flat, forests.flat)


def test_the_table_of_pixels_names_their_blocks(forests: forest.Forests) -> None:
    table = forests.table(BLOCKS)
    last = table.iloc[-1]
    assert (last["row"], last["column"], last["block"]) == (6, 8, 5)
    assert table.columns.tolist() == [
        "row", "column", "impurity", "rank", "impurity_sd", "permutation", "permutation_sd", "block",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_what_a_network_sees_has_the_shapes_of_blocks_and_images(
    views: dict[str, networks.View], name: str
) -> None:
    view = views[name]
    assert all(each.shape == (2, 3) for each in view.block_maps.values())
    assert view.shares.shape == (6, 7, 9)  # two images of each class present
    assert not view.shares[:, 0].any()
    assert view.integrated_gradients.sum() == pytest.approx(np.abs(view.shares).sum(axis=(1, 2)).mean())
    difference = view.probabilities[:, 0] - view.probabilities[:, 1]
    missing = np.abs(view.shares.sum(axis=(1, 2)) - difference).mean()
    assert view.completeness_error == pytest.approx(missing)
    assert missing < 0.01


def test_the_blank_image_has_one_probability_for_each_class(
    views: dict[str, networks.View], chosen: Split
) -> None:
    assert chosen.labels.tolist() == [0, 0, 1, 1, 3, 3]
    blank = views["cnn"].probabilities[:, 1]
    assert blank[::2] == pytest.approx(blank[1::2])


def test_a_block_is_named_by_its_upper_left_pixel() -> None:
    table = networks.tabulate_blocks({"flat": np.arange(6.0).reshape(2, 3)}, side=4)
    assert table["row"].tolist() == [0, 0, 0, 4, 4, 4]
    assert table["column"].tolist() == [0, 4, 8, 0, 4, 8]
    assert table["flat"].tolist() == [0, 1, 2, 3, 4, 5]


def test_nodes_are_those_of_the_layer(models: dict[str, Path], splits: tuple[Split, Split, Split]) -> None:
    described = nodes.describe(models["mlp"], "hidden_1", splits[0], CLASSES)
    assert described.ratios.shape == (9,)
    assert set(described.table["class"]) == set(CLASSES) - {CLASSES[ABSENT]}
    best = described.table[described.table["node"] == described.best]
    assert len(best) == 3


@pytest.mark.parametrize("layer", ["hidden_7", "pixels"])
def test_a_layer_that_is_no_row_of_nodes_is_refused(
    models: dict[str, Path], splits: tuple[Split, Split, Split], layer: str
) -> None:
    with pytest.raises(StageError, match=rf"hidden_layer is '{layer}'.*hidden_1.*probabilities"):
        nodes.describe(models["mlp"], layer, splits[0], CLASSES)


def test_pairs_have_ink_and_the_informative_one_tells_most(
    splits: tuple[Split, Split, Split], forests: forest.Forests
) -> None:
    found = pairs.choose(splits[0], forests.flat, 20, np.random.default_rng(1))
    assert found["informative"].information >= found["forest"].information > 0
    for pair in found.values():
        assert pair.pixels[0] < pair.pixels[1]
        assert min(pair.pixels) >= 9 * 3  # the first row is paper
        values = splits[0].images.reshape(90, -1)[:, list(pair.pixels)]
        assert pair.without_ink == pytest.approx((values.max(axis=1) == 0).mean())


def test_a_sample_holds_the_values_of_each_pair(splits: tuple[Split, Split, Split]) -> None:
    found = {"random": pairs.Pair((30, 100), 0.0, 0.0)}
    sample = pairs.sample(splits[0], found, CLASSES, 1000, np.random.default_rng(1))
    assert len(sample) == 90  # no more than there are
    assert sample["random_2"].tolist() == splits[0].images.reshape(90, -1)[:, 100].tolist()
    assert sample["class"].tolist() == [CLASSES[label] for label in splits[0].labels]


def test_the_map_of_the_forests_states_their_number_and_the_correlation(forests: forest.Forests) -> None:
    shown = texts(figures.importance_map(forests, sum_blocks(forests.impurity, BLOCKS)))
    assert "2 random forests" in shown
    assert "rank correlation" in shown


def test_the_table_of_correlations_is_drawn_with_its_numbers() -> None:
    values = [[1.0, 0.25], [0.25, 1.0]]
    names = ["forest_impurity", "mlp_integrated_gradients"]
    shown = texts(figures.rank_correlations(pd.DataFrame(values, index=names, columns=names)))
    assert shown.count("0.25") == 2
    assert "MLP: integrated gradients" in shown


def test_networks_are_drawn_though_a_class_is_absent(views: dict[str, networks.View], chosen: Split) -> None:
    assert "CNN: occlusion" in texts(network_figures.network_maps(views))
    means = {name: mean_by_class(view.shares, chosen.labels, len(CLASSES)) for name, view in views.items()}
    assert "Ankle\nboot" in texts(network_figures.class_attributions(means, CLASSES, 2))
    gallery = texts(network_figures.attribution_gallery(chosen, views, np.array([0, 2, 4]), CLASSES))
    blank, seen = views["mlp"].probabilities[2, 1], views["mlp"].probabilities[2, 0]
    assert f"{blank:.2f} to {seen:.2f}" in gallery


def test_nodes_are_drawn_with_their_share_of_zeros(
    models: dict[str, Path], splits: tuple[Split, Split, Split]
) -> None:
    described = nodes.describe(models["mlp"], "hidden_1", splits[0], CLASSES)
    shown = texts(node_figures.activations(described, "hidden_1"))
    assert f"node {described.best}, rank 1: eta squared {described.ratios.max():.2f}" in shown
    best = described.table[described.table["node"] == described.best]
    assert all(f"{share:.0%}" in shown for share in best["share_of_zeros"])


def test_pairs_are_drawn_with_places_and_shares(splits: tuple[Split, Split, Split]) -> None:
    found = {
        "random": pairs.Pair((0, 1), 1.0, 0.0),
        "forest": pairs.Pair((30, 100), 0.25, 0.5),
        "informative": pairs.Pair((31, 101), 0.0, 0.75),
    }
    rng = np.random.default_rng(1)
    sample = pairs.sample(splits[0], found, CLASSES, 40, rng)
    shown = texts(node_figures.pixel_pairs(sample, found, SHAPE, CLASSES, rng))
    assert "row 3, column 6, channel 1" in shown  # 100 = (3 * 9 + 6) * 3 + 1
    assert "both 0 in 25.0%" in shown
    assert "0.75 bits" in shown
    assert "40 training images" in shown
