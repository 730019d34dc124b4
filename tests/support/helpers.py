"""Small settings and images that several test files use."""

import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from digits.data.splits import Split
from digits.networks.autoencoder.settings import Autoencoder
from digits.networks.cnn.settings import CNN
from digits.networks.mlp.settings import MLP
from digits.pipeline.declaration import read_pipeline
from digits.training.settings import Augmentation, Optimizer, Schedule
from tools.dependencies import entry_module

ROOT = Path(__file__).resolve().parents[2]
PARAMS = ROOT / "params.yaml"
STAGES, STUDIES = (tuple(read_pipeline(folder)["stages"]) for folder in (ROOT, ROOT / "studies"))


def module_name(stage: str) -> str:
    """Return the NAME of `python -m NAME`, which runs a stage of the pipeline or of the studies."""
    file = entry_module("studies" if stage in STUDIES else "stages", stage).relative_to(ROOT).with_suffix("")
    return ".".join(file.parts).removesuffix(".__main__")


def code(stage: str) -> Any:
    """Return the module that runs a stage."""
    name = module_name(stage)
    spec = importlib.util.find_spec(name)
    assert spec
    return importlib.import_module(f"{name}.__main__" if spec.submodule_search_locations else name)


def params() -> dict[str, Any]:
    """Return what params.yaml holds, unchecked."""
    return dict(YAML(typ="safe").load(PARAMS))


def changed(block: str, key: str, value: Any) -> str:
    """Return params.yaml with one setting changed, as JSON, which is YAML too."""
    document = params()
    document[block][key] = value
    return json.dumps(document)


def augmentation(shift: float = 0, rotation: float = 0, zoom: float = 0, shear: float = 0) -> Augmentation:
    return Augmentation(shift=shift, rotation=rotation, zoom=zoom, shear=shear)


def optimizer(
    name: str = "sgd",
    rate: float = 0.1,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    schedule: str = "constant",
    decay: float = 0.0,
    warmup_epochs: int = 0,
) -> Optimizer:
    course = Schedule.model_validate({"name": schedule, "decay": decay, "warmup_epochs": warmup_epochs})
    settings = {"name": name, "learning_rate": rate, "momentum": momentum, "weight_decay": weight_decay}
    return Optimizer.model_validate(settings | {"schedule": course})


def _training() -> dict[str, Any]:
    return {
        "epochs": 3,
        "batch_size": 8,
        "monitor": "val_loss",
        "patience": 3,
        "optimizer": optimizer(),
        "activation": "relu",
    }


def mlp(**changes: Any) -> MLP:
    own = {"hidden": (6,), "loss": "categorical_crossentropy", "scaling": "unit"}
    return MLP.model_validate(_training() | own | changes)


def cnn(**changes: Any) -> CNN:
    own = {"layers": (4, "pool", 5), "dense": 6, "scaling": "unit"}
    return CNN.model_validate(_training() | own | changes)


def autoencoder(**changes: Any) -> Autoencoder:
    own = {"layers": (), "hidden": (6,), "latent": 2}
    return Autoencoder.model_validate(_training() | own | changes)


def random_images(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def random_split(n: int, n_classes: int = 3, side: int = 6, seed: int = 0) -> Split:
    """Return images of noise in which the rows of number `label` are bright, so that it can be learned."""
    labels = (np.arange(n) % n_classes).astype(np.uint8)
    images = random_images(n, side, side, 1, seed=seed) // 2
    images[np.arange(n), labels] += 120
    return Split(images, labels, np.arange(n, dtype=np.int32))
