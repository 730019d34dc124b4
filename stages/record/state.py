"""The state of the pipeline that a stage runs in: all settings and all code, under one key."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from stages.record.digest import digests
from stages.shared.parameters import flatten, read

PIPELINE = Path("dvc.yaml")
CODE = "stages"  # dependencies that begin with this are code, the others follow from settings and code


@dataclass(frozen=True)
class State:
    """One state: its key, and all settings of params.yaml by dotted names.

    The raw data need no place of their own in the key: the setting `dataset` and the code name them
    by SHA-256.
    """

    key: str
    settings: dict[str, Any]


def read_state(params: Path) -> State:
    """Return the state of the working tree; the key changes with any setting or line of declared code."""
    settings = dict(flatten(read(params)))
    code = digests(sorted({Path(path) for path in _code()}))
    content = json.dumps([settings, sorted((path, md5) for md5, path in code.items())], sort_keys=True)
    return State(hashlib.sha256(content.encode()).hexdigest()[:16], settings)


def _code() -> Iterator[str]:
    pipeline = YAML(typ="safe").load(PIPELINE) if PIPELINE.exists() else {}
    for stage in pipeline.get("stages", {}).values():
        yield from (dep for dep in stage.get("deps", []) if dep.startswith(CODE))
