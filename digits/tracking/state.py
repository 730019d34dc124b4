"""The state of the pipeline that a stage runs in: all settings and all code, under one key."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from digits.pipeline.settings import flatten, read
from digits.tracking.digest import digests

PIPELINE = Path("dvc.yaml")
# Dependencies that begin so are code, the others follow from settings and code.
CODE = ("digits/", "stages/", "studies/")


@dataclass(frozen=True)
class State:
    """One state: its key, and the settings of its stages by dotted names.

    The raw data need no place of their own in the key: the setting `dataset` and the code name them
    by SHA-256.
    """

    key: str
    settings: dict[str, Any]


def read_state(params: Path) -> State:
    """Return the state of the working tree; the key changes with any declared setting or line of code."""
    stages = _stages()
    declared = {key for stage in stages for key in stage.get("params", [])}
    document = {key: value for key, value in read(params).items() if not stages or key in declared}
    settings = dict(flatten(document))
    paths = {dep for stage in stages for dep in stage.get("deps", []) if dep.startswith(CODE)}
    code = digests([Path(path) for path in sorted(paths)])
    content = json.dumps([settings, sorted((path, md5) for md5, path in code.items())], sort_keys=True)
    return State(hashlib.sha256(content.encode()).hexdigest()[:16], settings)


def _stages() -> list[dict[str, Any]]:
    """Return the stages of the pipeline, none where there is no dvc.yaml."""
    return list(YAML(typ="safe").load(PIPELINE)["stages"].values()) if PIPELINE.exists() else []
