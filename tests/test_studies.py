"""The studies, run small: each one's own code on noise that can be learned, in the order of their graph."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from digits.data.splits import read_split
from digits.networks.cnn.builder import build_cnn
from digits.networks.common.saved import load_model, predict, save_model
from digits.networks.mlp.builder import build_mlp
from digits.pipeline import StageError
from studies import training
from tests import helpers
from tests.studied import COMPUTE, SIDE, run, splits, write_inputs

STABILITY = {"mlp": 3, "cnn": 2, "bootstrap": 20, "cells": 4, "images": 20, "repeats": 2}


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
        run("features", settings, source=source, table=table, **paths)
        rows = pd.read_csv(table)
        assert rows["features"].tolist() == ([2] if source == "clusters" else [2, 9, 9])
        assert rows["seed"].nunique() == (1 if source == "clusters" else 2)
        assert rows["accuracy"].between(0, 1).all()
    run(
        "feature-curve",
        {},
        tables=workdir / "tables",
        summary=workdir / "summary.csv",
        plots=workdir / "plots",
        metrics=workdir / "metrics.json",
    )
    means = json.loads((workdir / "metrics.json").read_text())
    forest = pd.read_csv(workdir / "tables" / "forest.csv")
    assert means["forest"]["9"] == pytest.approx(forest["accuracy"][1:].mean(), abs=1e-6)
    assert imread(workdir / "plots" / "accuracy.png").std() > 0.01


def test_published_networks_stand_beside_their_figures(folder: Path, workdir: Path) -> None:
    published = {
        "seeds": 2,
        "repeated": ["1", "blog-cnn"],
        "notebook": helpers.mlp(),
        "blog-mlp": helpers.mlp(),
        "blog-cnn": helpers.cnn(layers=(4,)),
    }
    settings = {"seed": 3, "compute": COMPUTE, "published": published}
    for net in ("1", "8", "blog-cnn"):
        table = workdir / "tables" / f"{net}.csv"
        run("published", settings, net=net, table=table, **inputs(folder, "train", "val", "test"))
        assert len(pd.read_csv(table)) == (1 if net == "8" else 2)
    with pytest.raises(
        StageError, match="--net blog: expected a number of nodes, or one of blog-mlp, blog-cnn"
    ):
        run("published", settings, net="blog", table=table, **inputs(folder, "train", "val", "test"))
    features = {"source": ["forest"], "features": [70], "mean": 0.5, "min": 0.4, "max": 0.6, "count": 3}
    pd.DataFrame(features).to_csv(workdir / "features.csv", index=False)
    run(
        "published-table",
        {},
        tables=workdir / "tables",
        features=workdir / "features.csv",
        published=helpers.ROOT / "studies" / "published_figures.csv",
        summary=workdir / "summary.csv",
        plots=workdir / "plots",
        metrics=workdir / "metrics.json",
    )
    comparison = pd.read_csv(workdir / "plots" / "comparison.csv", dtype={"net": str})
    parameters = comparison[(comparison["net"] == "1") & (comparison["what"] == "parameters")]
    assert parameters["mean"].item() == SIDE * SIDE + 1 + 2 * 3
    forest = comparison[comparison["net"] == "forest-70"]
    assert (forest["low"].item(), forest["mean"].item()) == (0.923, 0.5)
    assert imread(workdir / "plots" / "nodes.png").std() > 0.01


@pytest.mark.parametrize("net", ["mlp", "cnn"])
def test_another_seed_makes_another_network(folder: Path, workdir: Path, net: str) -> None:
    settings = {
        "seed": 3,
        "compute": COMPUTE,
        "stability": STABILITY,
        "train-mlp": helpers.mlp(),
        "train-cnn": helpers.cnn(layers=(4,)),
    }
    build: Any = build_mlp if net == "mlp" else build_cnn
    parts = read_split(folder / "train"), read_split(folder / "val")
    own = helpers.mlp() if net == "mlp" else helpers.cnn(layers=(4,))
    save_model(workdir / "own.keras", training.train(build, own, parts, 3, 3)[0])
    run(
        "other-seeds",
        settings,
        net=net,
        model=workdir / "own.keras",
        twin=workdir / "twin.keras",
        predictions=workdir / "predictions.npy",
        **inputs(folder, "train", "val", "test"),
    )
    run(
        "stability",
        {"seed": 3, "stability": STABILITY},
        net=net,
        predictions=workdir / "predictions.npy",
        cells=workdir / "cells.csv",
        plots=workdir / "plots",
        metrics=workdir / "metrics.json",
        **inputs(folder, "test"),
    )
    n = {"mlp": 3, "cnn": 2}[net]
    predictions, images = np.load(workdir / "predictions.npy"), read_split(folder / "test").images
    networks = [load_model(workdir / f"{name}.keras") for name in ("own", "twin")]
    for expected, network in zip(predictions, networks, strict=False):
        assert np.array_equal(predict(network, images).argmax(axis=1), expected)
    again = training.train(build, own, parts, 3, training.seeds(3, n)[1])[0]
    assert all(map(np.array_equal, again.get_weights(), networks[1].get_weights()))
    assert not all(map(np.array_equal, networks[0].get_weights(), networks[1].get_weights()))
    assert json.loads((workdir / "metrics.json").read_text())["trainings"] == n == len(predictions)


def test_twins_are_matched_and_a_network_is_its_own_twin(folder: Path, workdir: Path) -> None:
    settings = {"seed": 3, "compute": COMPUTE, "stability": STABILITY}
    images = helpers.random_images(4, SIDE, SIDE, 1)
    for name, seed in (("own", 1), ("other", 2)):
        save_model(workdir / f"{name}.keras", build_cnn(helpers.cnn(layers=(4, 5)), images, 3, seed))
    for twin in ("own", "other"):
        run(
            "twins",
            settings,
            test=folder / "test",
            model=workdir / "own.keras",
            twin=workdir / f"{twin}.keras",
            pairs=workdir / "pairs.csv",
            plots=workdir / twin,
            metrics=workdir / f"{twin}.json",
        )
    own, other = (json.loads((workdir / f"{name}.json").read_text()) for name in ("own", "other"))
    assert own["kernels"]["matched_cosine"] == pytest.approx(1)
    assert own["convolution_2"]["cka"] == pytest.approx(1)
    assert own["convolution_1"]["matched_by_chance"] < own["convolution_1"]["matched_correlation"]
    assert other["kernels"]["matched_cosine"] < 0.999
    pairs = pd.read_csv(workdir / "pairs.csv")
    assert pairs.groupby("layer")["twin_map"].nunique().tolist() == [4, 5]
    assert imread(workdir / "other" / "layers.png").std() > 0.01


def test_label_suspects_are_listed_and_shown(folder: Path, workdir: Path) -> None:
    suspects = {"folds": 2, "epochs": 2, "flipped": 0.1, "gallery": 5}
    settings = {
        "seed": 3,
        "compute": COMPUTE,
        "train-cnn": helpers.cnn(layers=(4,)),
        "label-suspects": suspects,
    }
    arrays = {
        name: workdir / f"{name}.npy" for name in ("probabilities", "flipped_labels", "flipped_probabilities")
    }
    run("out-of-fold", settings, **arrays, **inputs(folder, "train", "val"))
    run(
        "label-suspects",
        {"label-suspects": suspects},
        suspects=workdir / "suspects.csv",
        plots=workdir / "plots",
        metrics=workdir / "metrics.json",
        **arrays,
        **inputs(folder, "train"),
    )
    assert np.allclose(np.load(arrays["probabilities"]).sum(axis=1), 1, atol=1e-5)
    found = json.loads((workdir / "metrics.json").read_text())
    assert found["found_again"]["flipped"] == 9
    assert found["suspects"] == len(pd.read_csv(workdir / "suspects.csv"))
