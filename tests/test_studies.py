"""The studies, run small: each one's own code on noise that can be learned, in the order of their graph."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from digits.data.splits import read_split
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import load_model, predict, save_model
from digits.networks.mlp.builder import build_mlp
from digits.training import repeated
from studies import feature_curve
from studies.published import published_table
from tests.support import helpers
from tests.support.studied import COMPUTE, SIDE, dump, results, run, splits, write_inputs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with splits, data set and importances."""
    path = tmp_path_factory.mktemp("studies")
    write_inputs(path)
    return path


def inputs(folder: Path, *names: str) -> dict[str, Path]:
    return splits(folder, *names) | {"dataset": folder / "dataset.json"}


def test_features_are_counted_and_drawn(folder: Path, workdir: Path) -> None:
    settings = {
        "seed": 3,
        "compute": COMPUTE,
        "train-mlp": helpers.mlp(),
        "features": {
            "counts": [2, 9],
            "clusters": [2],
            "repeated": [9],
            "seeds": 2,
            "epochs": 2,
            "dropout": 0.0,
            "augmentation": helpers.augmentation(),
        },
    }
    sources = ["forest", "permutation", "mutual-information", "random", "components", "clusters"]
    for source in sources:
        table = workdir / "tables" / f"{source}.csv"
        paths = inputs(folder, "train", "val", "test") | {"importances": folder / "importances.csv"}
        run("features", settings, {"source": source}, features=table, **paths)
        rows = pd.read_csv(table)
        assert rows["features"].tolist() == ([2] if source == "clusters" else [2, 9, 9])
        assert rows["seed"].nunique() == (1 if source == "clusters" else 2)
        assert rows["accuracy"].between(0, 1).all()
    paths = {"features": workdir / "tables", "feature_curve": workdir / "summary.csv"}
    run("feature-curve", {}, **paths, **results(workdir))
    means = json.loads((workdir / "metrics.json").read_text())
    forest = pd.read_csv(workdir / "tables" / "forest.csv")
    assert means["forest"]["9"] == pytest.approx(forest["accuracy"][1:].mean(), abs=1e-6)
    assert (workdir / "plots" / "accuracy.png").exists()
    curves: Any = feature_curve.draw(pd.read_csv(workdir / "summary.csv")).axes[0].containers
    assert [curve.get_label() for curve in curves] == list(feature_curve.SOURCES.values())
    assert curves[2].lines[0].get_ydata()[1] == pytest.approx(1 - means["forest"]["9"], abs=1e-6)


def test_published_networks_stand_beside_their_figures(folder: Path, workdir: Path) -> None:
    networks = {
        "1": dump(helpers.mlp(hidden=(1,))) | {"seeds": 2},
        "8": helpers.mlp(hidden=(8,)),
        "blog-cnn": dump(helpers.cnn(layers=(4,))) | {"seeds": 2},
    }
    for net, network in networks.items():
        table = workdir / "tables" / f"{net}.csv"
        settings = {"seed": 3, "compute": COMPUTE, f"published.{net}": network}
        run("published", settings, {"net": net}, published=table, **inputs(folder, "train", "val", "test"))
        assert len(pd.read_csv(table)) == (1 if net == "8" else 2)
    features = {"source": ["forest"], "features": [70], "mean": 0.5, "min": 0.4, "max": 0.6, "count": 3}
    pd.DataFrame(features).to_csv(workdir / "features.csv", index=False)
    literature = helpers.ROOT / "studies" / "published" / "literature.csv"
    paths = {"published": workdir / "tables", "feature_curve": workdir / "features.csv"}
    run("published-table", {}, literature=literature, **paths, **results(workdir))
    comparison = pd.read_csv(workdir / "data" / "comparison.csv", dtype={"net": str})
    parameters = comparison[(comparison["net"] == "1") & (comparison["what"] == "parameters")]
    assert parameters["mean"].item() == SIDE * SIDE + 1 + 2 * 3
    forest = comparison[comparison["net"] == "forest-70"]
    assert (forest["low"].item(), forest["mean"].item()) == (0.923, 0.5)
    assert json.loads((workdir / "metrics.json").read_text())["forest-70"]["accuracy"]["max"] == 0.6
    assert (workdir / "plots" / "units.png").exists()
    tables = (pd.read_csv(file, dtype={"net": str}) for file in (workdir / "data/summary.csv", literature))
    figure = published_table.draw(*tables)
    containers: Any = figure.axes[0].containers
    ours, theirs = containers
    assert ours.lines[0].get_xdata().tolist() == [1, 8]
    assert theirs.lines[0].get_xdata().tolist() == [1, 1, 2, 10, 20, 32, 64, 128, 256]


@pytest.mark.parametrize("net", ["mlp", "cnn"])
def test_another_seed_makes_another_network(folder: Path, workdir: Path, net: str) -> None:
    n = {"mlp": 3, "cnn": 2}[net]
    build: Any = build_mlp if net == "mlp" else build_cnn
    parts = read_split(folder / "train"), read_split(folder / "val")
    own = helpers.mlp() if net == "mlp" else helpers.cnn(layers=(4,))
    settings = {"seed": 3, "compute": COMPUTE, f"other-seeds.{net}": n, f"train-{net}": own}
    save_model(workdir / "own.keras", repeated.train(build, own, parts, 3, 3).model)
    run(
        "other-seeds",
        settings,
        {"net": net},
        pipeline=workdir / "own.keras",
        twins=workdir / "twin.keras",
        predictions=workdir / "predictions.npy",
        **inputs(folder, "train", "val", "test"),
    )
    run(
        "stability",
        {"seed": 3, "confidence": 0.9, "stability": {"bootstrap": 20}},
        {"net": net},
        predictions=workdir / "predictions.npy",
        **inputs(folder, "test"),
        **results(workdir),
    )
    predictions, images = np.load(workdir / "predictions.npy"), read_split(folder / "test").images
    networks = [load_model(workdir / f"{name}.keras") for name in ("own", "twin")]
    for expected, network in zip(predictions, networks, strict=False):
        assert np.array_equal(predict(network, images).argmax(axis=1), expected)
    again = repeated.train(build, own, parts, 3, repeated.seeds(3, n)[1]).model
    assert all(map(np.array_equal, again.get_weights(), networks[1].get_weights()))
    assert not all(map(np.array_equal, networks[0].get_weights(), networks[1].get_weights()))
    assert json.loads((workdir / "metrics.json").read_text())["trainings"] == n == len(predictions)


def test_twins_are_matched_and_a_network_is_its_own_twin(folder: Path, workdir: Path) -> None:
    settings = {"seed": 3, "compute": COMPUTE, "twins": {"images": 20, "repeats": 2}}
    images = helpers.random_images(4, SIDE, SIDE, 1)
    for name, seed in (("own", 1), ("other", 2)):
        save_model(workdir / f"{name}.keras", build_cnn(helpers.cnn(layers=(4, 5)), images, 3, seed))
    for twin in ("own", "other"):
        paths = {"pipeline": workdir / "own.keras", "twins": workdir / f"{twin}.keras"}
        run("twins", settings, **splits(folder, "test"), **paths, **results(workdir / twin))
    own, other = (json.loads((workdir / name / "metrics.json").read_text()) for name in ("own", "other"))
    assert own["kernels"]["matched_cosine"] == pytest.approx(1)
    assert own["convolution_2"]["cka"] == pytest.approx(1)
    assert own["convolution_1"]["matched_by_chance"] < own["convolution_1"]["matched_correlation"]
    assert other["kernels"]["matched_cosine"] < 0.999
    pairs = pd.read_csv(workdir / "other" / "data" / "pairs.csv")
    assert pairs.groupby("layer")["twin_map"].nunique().tolist() == [4, 5]
    assert {path.name for path in (workdir / "other" / "plots").iterdir()} == {"layers.png", "kernels.png"}


def test_label_suspects_are_listed_and_shown(folder: Path, workdir: Path) -> None:
    settings = {"seed": 3, "compute": COMPUTE, "train-cnn": helpers.cnn(layers=(4,))}
    settings["out-of-fold"] = {"folds": 2, "epochs": 2, "flipped": 0.1}
    arrays = {"out_of_fold": workdir / "arrays"}
    run("out-of-fold", settings, **arrays, **inputs(folder, "train", "val"))
    run("label-suspects", {}, **arrays, **inputs(folder, "train"), **results(workdir))
    assert np.allclose(np.load(workdir / "arrays" / "probabilities.npy").sum(axis=1), 1, atol=1e-5)
    found = json.loads((workdir / "metrics.json").read_text())
    assert found["found_again"]["flipped"] == 9
    assert found["suspects"] == len(pd.read_csv(workdir / "data"))
