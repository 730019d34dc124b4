"""A small pipeline run that many tests look at, made once: real images, real DVC, real MLflow."""

import os
from pathlib import Path
from typing import Any

import pytest

from digits.pipeline.processes import PREFIX
from tools.sandbox import Sandbox

SMALL: dict[str, dict[str, Any]] = {
    "preprocess": {"train": 800, "val": 100, "test": 100},
    "train-mlp": {"epochs": 2, "batch_size": 32},
    "train-cnn": {"epochs": 2, "batch_size": 32},
    "train-ae": {"epochs": 2, "batch_size": 32, "latent": 8},
    "evaluate": {"logistic_iterations": 20, "bootstrap": 50},
    "filters": {"reference_images": 100, "noise_images": 16, "starts_per_map": 1, "ascent_steps": 2},
    "feature-importance": {"trees": 10, "forests": 2, "attribution_images": 3, "integration_steps": 4},
    "latent-analysis": {
        "tsne_train": 60,
        "tsne_test": 20,
        "mixture_components": 3,
        "generated_images": 40,
        "generator_seeds": 2,
        "neighbour_queries": 10,
        "denoising": {"images": 20, "standard_deviation": [0.3], "dropped": [0.3]},
    },
}

# What a git hook that runs the tests has set would lead the libraries here to the hook's repository.
for inherited in [name for name in os.environ if name.startswith(PREFIX)]:
    del os.environ[inherited]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give the small pipeline run to one of the two processes, and each other file to one of them."""
    shares = "sandbox" in getattr(item, "fixturenames", ())
    item.add_marker(pytest.mark.xdist_group("sandbox" if shares else item.path.stem))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A clone of the working tree in which the whole pipeline has run on 1,000 real images."""
    clone = Sandbox.create(tmp_path_factory.mktemp("clone"), SMALL)
    clone.dvc("repro")
    return clone


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the current one, with no trace of a DVC run around."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("DVC_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    return tmp_path
