"""A run as its stage declares it, and the journal's events for how it began and what it made."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits.pipeline.declaration import SPLITS, Kind
from digits.pipeline.settings import flatten
from digits.tracking import provenance
from digits.tracking.digest import OUTPUT, STUDIES, digests, files, md5
from digits.tracking.journal import PARAMS, Journal

DETAILS = "details.json"  # a stage's many numbers, beside the few in metrics/


@dataclass(frozen=True)
class Entry:
    """A run as its stage declares it: settings flat ("block.key"), paths with their kinds.

    params: the file of all settings; without it the run belongs to no state of the pipeline.
    """

    stage: str
    experiment: str
    settings: Mapping[str, Any]
    inputs: Mapping[Path, Kind]
    outputs: Mapping[Path, Kind]
    params: Path | None = None


def begin(entry: Entry, **tags: str) -> Journal:
    """Create the journal of a run, write its start, and return it locked."""
    journal = Journal.create(entry.stage)
    if entry.params:
        journal.keep(entry.params, PARAMS)
    journal.append(
        "start",
        stage=entry.stage,
        experiment=entry.experiment,
        settings=dict(entry.settings),
        tags={"stage": entry.stage, **tags, **provenance.tags()},
        inputs=digests(entry.inputs),
        data={path.as_posix(): md5(path) for path, kind in entry.inputs.items() if kind == "data"},
        state=provenance.read_state(entry.params) if entry.params else None,
    )
    return journal


def append_results(journal: Journal, entry: Entry) -> None:
    """Write the MD5s of a run's outputs and its metrics; keep its pictures and its detailed numbers."""
    journal.append("tags", tags={f"{OUTPUT}{md5}": path for md5, path in digests(entry.outputs).items()})
    for path, kind in entry.outputs.items():
        if kind == "metrics":
            journal.append("headline", values=read_metrics(path))
        if kind == "plots":
            journal.keep(path, "plots")
            journal.append("artifacts", files="plots")
        for file in files(path) if kind == "file" else []:
            if file.name == DETAILS:
                journal.keep(file, f"data/{DETAILS}")
                journal.append("artifacts", files="data")


def read_metrics(file: Path) -> dict[str, float]:
    """Return the numbers of a JSON file by dotted names; lists and words are left out."""
    values = flatten(json.loads(file.read_text(encoding="utf-8")))
    return {key: float(value) for key, value in values if type(value) in (int, float)}


def kind_of(path: Path) -> Kind:
    """Return the kind of a path in dvc.lock, which names none: its first folder says it."""
    folder = path.relative_to(STUDIES).parts[0] if path.is_relative_to(STUDIES) else path.parts[0]
    if path.name in SPLITS:
        return "data"
    if folder == "metrics" and path.suffix == ".json":
        return "metrics"
    return "plots" if folder == "plots" and not path.suffix else "file"
