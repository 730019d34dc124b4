"""How tests run a study: its own code on a few small images that can be learned."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from digits.data.splits import write_split
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from tests.support import helpers

CLASSES = ["cat", "dog", "cow"]
SIDE = 6
COMPUTE = {"backend": "tensorflow", "instruction_set": "avx2"}


class Recorded:
    """Stands in for the tracked run, of which the studies use one method."""

    def epoch(self, epoch: int, values: dict[str, float]) -> None:
        assert all(0 <= value <= 1 for value in values.values())


def write_inputs(path: Path) -> None:
    """Write splits, data set and importances into a folder."""
    for number, (name, n) in enumerate({"train": 90, "val": 30, "test": 30}.items()):
        write_split(path / name, helpers.random_split(n, seed=number))
    (path / "dataset.json").write_text(json.dumps({"classes": CLASSES}))
    importances = np.random.default_rng(0).random((2, SIDE * SIDE))
    table = pd.DataFrame({"impurity": importances[0], "permutation": importances[1]})
    table.to_csv(path / "importances.csv", index=False)


def splits(folder: Path, *names: str) -> dict[str, Path]:
    """Return the paths of these splits."""
    return {name: folder / name for name in names}


def results(folder: Path) -> dict[str, Path]:
    """Return the paths of data, pictures and metrics that a study is to write into a folder."""
    return {"data": folder / "data", "plots": folder / "plots", "metrics": folder / "metrics.json"}


def run(study: str, settings: dict[str, Any], items: dict[str, str] | None = None, /, **paths: Path) -> None:
    """Run a study's main with these settings, items of its matrix, and paths by their names in dvc.yaml."""
    main = helpers.code(study).main
    model = stage.settings_model(main, items or {})
    parameters = model.model_validate_json(json.dumps(settings, default=dump))
    main(Paths(study, paths, items), Recorded(), **dict(parameters))


def dump(block: Any) -> Any:
    """Return a block of settings as params.yaml would hold it."""
    return block.model_dump(mode="json", by_alias=True)
