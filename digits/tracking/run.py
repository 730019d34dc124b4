"""What a stage says about its run; everything else is read off its declared inputs and outputs."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digits.pipeline.declaration import Kind
from digits.pipeline.settings import flatten
from digits.tracking import provenance
from digits.tracking.digest import digests, md5
from digits.tracking.journal import PARAMS, Journal
from digits.tracking.sender import Sender
from digits.tracking.state import read_state

if TYPE_CHECKING:
    import numpy as np


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


class Run:
    """The running stage's side of the record. No method waits for MLflow."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Record the figures of one epoch of training, counted from 1.

        They stand apart from those in metrics/, which are of the epoch whose weights were kept.
        """
        self._journal.append("metrics", step=epoch, values={f"epoch/{name}": v for name, v in values.items()})

    def metrics(self, values: Mapping[str, float]) -> None:
        """Record numbers of the run as a whole that stand in no file below metrics/."""
        self._journal.append("metrics", step=0, values=dict(values))

    def note(self, key: str, value: str) -> None:
        """Record a fact that may differ from run to run, so that it can stand in no tracked file."""
        self._journal.append("tags", tags={key: value})

    def model(self, path: Path, example: "np.ndarray") -> None:
        """Record a saved Keras model, with a batch of inputs that gives its signature."""
        self._journal.keep(path, path.name)
        self._journal.append("model", file=path.name, md5=md5(path), example=example.tolist())

    def about(self, model: Path, metrics: Mapping[str, float], files: Mapping[str, Path]) -> None:
        """Record figures, and files or folders by their place there, on the run that trained the model."""
        kept = f"about/{md5(model)}"
        for name, path in files.items():
            self._journal.keep(path, f"{kept}/{name}")
        self._journal.append("about", md5=md5(model), values=dict(metrics), files=kept)


@contextmanager
def start(entry: Entry) -> Iterator[Run]:
    """Record the stage that runs in this block: its end, outputs, figures and pictures too.

    The block's exceptions pass through; a fault of MLflow is a warning and never an exception.
    """
    journal = Journal.create(entry.stage)
    _append_start(journal, entry)
    sender = Sender(journal)
    status = "FAILED"
    try:
        yield Run(journal)
        _append_results(journal, entry)
        status = "FINISHED"
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        journal.append("tags", tags=provenance.device())
        journal.append("end", status=status)
        if warning := sender.close():
            print(f"{entry.stage}: {warning}", file=sys.stderr)


def _append_start(journal: Journal, entry: Entry) -> None:
    state = read_state(entry.params) if entry.params else None
    if entry.params:
        journal.keep(entry.params, PARAMS)
    journal.append(
        "start",
        stage=entry.stage,
        experiment=entry.experiment,
        settings=dict(entry.settings),
        tags={"stage": entry.stage, **provenance.tags()},
        inputs=digests(list(entry.inputs)),
        data={str(path): md5(path) for path, kind in entry.inputs.items() if kind == "data"},
        state=asdict(state) if state else None,
    )


def _append_results(journal: Journal, entry: Entry) -> None:
    found = digests(list(entry.outputs))
    journal.append("tags", tags={f"output.{digest}": path for digest, path in found.items()})
    for path, kind in entry.outputs.items():
        if kind == "metrics":
            journal.append("headline", values=numbers(path))
        if kind == "plots":
            journal.keep(path, "plots")
            journal.append("artifacts", files="plots")


def numbers(file: Path) -> dict[str, float]:
    """Return the numbers of a JSON file by dotted names; lists and words are left out."""
    values = flatten(json.loads(file.read_text(encoding="utf-8")))
    return {key: float(value) for key, value in values if type(value) in (int, float)}
