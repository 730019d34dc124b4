"""The studies of the latent space, run small, and what they compute against scikit-learn and closed forms."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from digits.analysis.latent import generators, scores
from digits.data.splits import flatten, read_split
from digits.networks.autoencoder.builder import build_autoencoder
from digits.networks.cnn.builder import build_cnn
from digits.networks.common import saved
from digits.networks.common.saved import load_model, predict, save_model
from digits.pipeline import StageError
from studies.latent_spaces import dimension_curve, dimensions
from studies.latent_spaces.autoencoders import change
from tests.support import helpers
from tests.support.studied import COMPUTE, SIDE, results, run, splits, write_inputs

DIMENSIONS = {"generated_images": 12, "generator_seeds": 2, "mixture_components": 2}
MEASURED = {"seed": 3, "compute": COMPUTE, "confidence": 0.95, "dimensions": DIMENSIONS}
NOISE_LEVELS = {"images": 8, "standard_deviation": [0.2, 0.3], "dropped": [0.1, 0.4, 0.5]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with splits, data set and an untrained CNN."""
    path = tmp_path_factory.mktemp("latent")
    write_inputs(path)
    images = read_split(path / "train").images
    save_model(path / "cnn.keras", build_cnn(helpers.cnn(layers=(4,)), images, 3, 1))
    return path


@pytest.fixture(scope="module")
def networks(folder: Path) -> Path:
    """The folder, with autoencoders of the study in it."""
    parameters = {"seed": 3, "compute": COMPUTE, "train-ae": helpers.autoencoder()}
    for net in ("2", "16", "denoising"):
        run(
            "autoencoders",
            parameters,
            {"net": net},
            autoencoders=folder / f"{net}.keras",
            **splits(folder, "train", "val"),
        )
    return folder


def test_networks_differ_from_the_pipeline_s_by_size_or_by_noise() -> None:
    own = helpers.autoencoder()
    assert change(own, "5") == helpers.autoencoder(latent=5)
    assert change(own, "denoising") == helpers.autoencoder(noise={"standard_deviation": 0.3, "dropped": 0.3})


def test_the_denoising_network_was_given_noise(networks: Path) -> None:
    plain, denoising = (load_model(networks / f"{net}.keras") for net in ("2", "denoising"))
    assert plain.count_params() == denoising.count_params()
    assert not all(map(np.array_equal, plain.get_weights(), denoising.get_weights()))


def test_sizes_are_measured_and_drawn(networks: Path, workdir: Path) -> None:
    paths = splits(networks, "train", "test") | {"pipeline": networks / "cnn.keras"}
    for latent in ("2", "16"):
        paths |= {"autoencoders": networks / f"{latent}.keras"}
        run("dimensions", MEASURED, {"latent": latent}, dimensions=workdir / f"tables/{latent}.csv", **paths)
    run("dimension-curve", {}, dimensions=workdir / "tables", **results(workdir))
    means = json.loads((workdir / "metrics.json").read_text())
    test = read_split(networks / "test")
    back = predict(load_model(networks / "16.keras"), test.images)
    error = ((back - test.images / 255) ** 2).mean()
    assert means["autoencoder"]["reconstruction_error"]["16"] == pytest.approx(error, rel=1e-4)
    assert (
        means["components"]["reconstruction_error"]["16"] < means["components"]["reconstruction_error"]["2"]
    )
    summary = pd.read_csv(workdir / "data")
    assert summary.groupby(["latent", "space"]).size().tolist() == [5] * 4
    drawn = summary[summary["score"].str.startswith("frechet")]
    assert ((drawn["low"] <= drawn["mean"]) & (drawn["mean"] <= drawn["high"])).all()
    assert (workdir / "plots" / "scores.png").exists()
    errors: Any = dimension_curve.draw(summary).axes[0].lines[0]
    assert errors.get_xdata().tolist() == [2, 16]
    assert errors.get_ydata()[1] == pytest.approx(error, rel=1e-4)


def test_components_lose_the_variance_of_the_others(folder: Path) -> None:
    noise = read_split(folder / "train")
    train = replace(noise, images=100 + noise.images // 5)  # grey, so that nothing is clipped
    variances = PCA().fit(flatten(train.images).astype(float)).explained_variance_
    space = dimensions.of_components(train, 4)
    codes = space.encode(train.images)
    assert np.allclose(codes.var(axis=0, ddof=1), variances[:4])
    lost = ((space.decode(codes) - train.images / 255) ** 2).mean()
    assert lost == pytest.approx(variances[4:].sum() * (len(train) - 1) / len(train) / SIDE**2)


def test_more_components_than_pixels_lose_nothing(folder: Path) -> None:
    train = read_split(folder / "train")
    space = dimensions.of_components(train, 1000)
    assert space.encode(train.images).shape == (len(train), SIDE**2)
    assert np.allclose(space.decode(space.encode(train.images)), train.images / 255, atol=1e-6)


def test_neighbours_are_scikit_learn_s_and_a_space_that_loses_little_is_close(folder: Path) -> None:
    train, easy = read_split(folder / "train"), read_split(folder / "test")
    test = replace(easy, labels=np.where(np.arange(len(easy)) % 4 == 0, 0, easy.labels))
    space = dimensions.of_components(train, 1000)
    cnn, settings = load_model(folder / "cnn.keras"), dimensions.Dimensions.model_validate(DIMENSIONS)
    compared = {"all": space, "one": dimensions.of_components(train, 1)}
    table = dimensions.measure(compared, (train, test), cnn, settings, 3, 0.95)
    bounds = table[["low", "mean", "high"]].to_numpy(float).tolist()
    scores = dict(zip(zip(table["space"], table["score"], strict=True), bounds, strict=True))
    voters = KNeighborsClassifier(10).fit(space.encode(train.images), train.labels)
    low, share, high = scores["all", "knn"]
    assert low < share == voters.score(space.encode(test.images), test.labels) < high
    assert scores["all", "reconstruction_error"][1] < 1e-12
    assert scores["all", "frechet_reconstructed"][1] < scores["one", "frechet_reconstructed"][1]


def test_each_distance_is_of_its_own_vectors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = read_split(folder / "train"), read_split(folder / "test")
    cnn, settings = load_model(folder / "cnn.keras"), dimensions.Dimensions.model_validate(DIMENSIONS)
    monkeypatch.setattr(generators, "sample_gaussian", lambda _, n, rng: np.full((n, 1), 2.0))
    monkeypatch.setattr(generators, "sample_mixture", lambda _, n, rng: np.full((n, 1), 3.0))
    monkeypatch.setattr(saved, "predict", lambda _, images: images.reshape(len(images), -1) / 255)
    monkeypatch.setattr(scores, "frechet_distance", lambda drawn, _: float(drawn.mean[0]))
    space = dimensions.Space(
        lambda images: np.linspace(0, 1, len(images))[:, None],
        lambda vectors: np.broadcast_to(vectors[:, :, None, None], (len(vectors), SIDE, SIDE, 1)),
    )
    table = dimensions.measure({"a": space}, parts, cnn, settings, 3, 0.95)
    means = dict(zip(table["score"], table["mean"], strict=True))
    assert means["frechet_normal"] == pytest.approx(2)
    assert means["frechet_mixture"] == pytest.approx(3)
    assert 0 <= means["frechet_reconstructed"] <= 1


def test_a_latent_space_of_two_dimensions_is_a_map(folder: Path, workdir: Path) -> None:
    images = read_split(folder / "test").images
    network = build_autoencoder(helpers.autoencoder(), images, 1)
    save_model(workdir / "ae.keras", network)
    paths = splits(folder, "test") | {"dataset": folder / "dataset.json"}
    paths |= results(workdir)
    run("latent-map", {"compute": COMPUTE}, autoencoders=workdir / "ae.keras", **paths)
    vectors, places = (pd.read_csv(workdir / "data" / f"{name}.csv") for name in ("vectors", "places"))
    (left, top), (right, bottom) = places.iloc[0].tolist(), places.iloc[-1].tolist()
    assert vectors["first"].between(left, right).mean() > 0.9
    assert vectors["second"].between(bottom, top).mean() > 0.9
    assert (workdir / "plots" / "map.png").exists()
    save_model(workdir / "deep.keras", build_autoencoder(helpers.autoencoder(latent=3), images, 1))
    with pytest.raises(StageError, match="has 3 latent dimensions; a map needs 2"):
        run("latent-map", {"compute": COMPUTE}, autoencoders=workdir / "deep.keras", **paths)


def test_methods_against_noise_stand_beside_each_other(networks: Path, workdir: Path) -> None:
    paths = {"pipeline": networks / "2.keras", "autoencoders": networks / "denoising.keras"}
    settings = {"seed": 3, "compute": COMPUTE, "latent-analysis.denoising": NOISE_LEVELS}
    run("denoising", settings, **splits(networks, "test"), **paths, **results(workdir))
    gains = json.loads((workdir / "metrics.json").read_text())
    methods = ["median filter", "trained on noise", "trained to copy"]
    assert {kind: sorted(found) for kind, found in gains.items()} == {
        "standard_deviation": methods,
        "dropped": methods,
    }
    table = pd.read_csv(workdir / "data" / "denoising.csv")
    assert table.groupby("method").size().tolist() == [5] * 4
    wide = table.pivot(index=["noise", "level"], columns="method", values="psnr")
    gain = (wide["trained on noise"] - wide["noisy"]).groupby("noise").mean()
    assert gains["dropped"]["trained on noise"] == pytest.approx(gain["dropped"], abs=1e-5)
    assert sorted(path.name for path in (workdir / "plots").iterdir()) == [
        "denoising.png",
        "denoising_images.png",
    ]
