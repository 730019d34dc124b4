"""How tests run a study: its own code, small, on noise that can be learned."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from digits.data.splits import write_split
from tests import helpers

CLASSES = ["cat", "dog", "cow"]
SIDE = 6
COMPUTE = {"threads": 1, "instruction_set": "avx2"}


class Recorded:
    """Stands in for the record, of which the studies use one method."""

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


def run(study: str, settings: dict[str, Any], **paths: Any) -> None:
    """Run a study's main with these settings and paths."""
    module = helpers.code(study)
    parameters = module.Parameters.model_validate_json(json.dumps(settings, default=_dump))
    module.main(parameters, module.Paths(**paths), Recorded())


def _dump(block: Any) -> Any:
    return block.model_dump(mode="json", by_alias=True)
