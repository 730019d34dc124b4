"""What a stage logs of its run, sent to MLflow from another thread: a slow server costs no training."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digits.pipeline.declaration import Kind
from digits.pipeline.settings import PARAMS, flatten
from digits.tracking import provenance
from digits.tracking.digest import OUTPUT, digests, files, md5
from digits.tracking.journal import Journal, folder

if TYPE_CHECKING:
    import numpy as np

DETAILS = "details.json"  # a stage's many numbers, beside the few in metrics/
SAMPLE_SECONDS = 10.0
# At the end of a stage: how long to wait for a server, and for a store on this machine's disk.
SERVER_PATIENCE_SECONDS = 8.0
DISK_PATIENCE_SECONDS = 120.0


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
        journal.keep(entry.params, PARAMS.name)
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


class Run:
    """The running stage's side of the tracking. No method waits for MLflow."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Log the metrics of one epoch of training, counted from 1, as `epoch/NAME`.

        They are not those in metrics/, which belong to the epoch whose weights were kept.
        """
        self._journal.append("metrics", step=epoch, values={f"epoch/{name}": v for name, v in values.items()})

    def metrics(self, values: Mapping[str, float]) -> None:
        """Log metrics of the whole run that are in no file of metrics/."""
        self._journal.append("metrics", step=0, values=dict(values))

    def note(self, key: str, value: str) -> None:
        """Set a tag: a fact that may differ from run to run and so cannot be in a file that DVC tracks."""
        self._journal.append("tags", tags={key: value})

    def model(self, path: Path, example: "np.ndarray") -> None:
        """Log a saved Keras model, with a batch of inputs that gives its signature."""
        self._journal.keep(path, path.name)
        self._journal.append("model", file=path.name, md5=md5(path), example=example.tolist())

    def about(self, model: Path, metrics: Mapping[str, float], files: Mapping[str, Path]) -> None:
        """Log metrics, and files or folders by their artifact paths, on the run that trained the model."""
        kept = f"about/{md5(model)}"
        for name, path in files.items():
            self._journal.keep(path, f"{kept}/{name}")
        self._journal.append("about", md5=md5(model), values=dict(metrics), files=kept)


@contextmanager
def start(entry: Entry) -> Iterator[Run]:
    """Track the stage that runs in this block: its end, outputs, metrics and pictures too.

    The block's exceptions pass through; a fault of MLflow is a warning and never an exception.
    """
    journal = begin(entry)
    sender = Sender(journal)
    status = "FAILED"
    try:
        yield Run(journal)
        append_results(journal, entry)
        status = "FINISHED"
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        journal.append("tags", tags=provenance.device())
        journal.append("end", status=status)
        if warning := sender.close():
            print(f"{entry.stage}: {warning}", file=sys.stderr)


class Sender:
    """Replays the journal while the stage writes it, and samples the machine's load into it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._ending = threading.Event()
        self._fault = ""
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)
        self._thread.start()

    def close(self) -> str:
        """Send the rest; return a warning if MLflow has not received everything, else nothing."""
        self._ending.set()
        remote = os.environ.get("MLFLOW_TRACKING_URI", "").startswith("http")
        self._thread.join(SERVER_PATIENCE_SECONDS if remote else DISK_PATIENCE_SECONDS)
        fault = "this run (it took too long)" if self._thread.is_alive() else self._fault
        return fault and (
            f"MLflow has not received {fault}. Nothing is lost: it waits in "
            f"{folder().name}/ and is sent by the next stage that reaches MLflow."
        )

    def _run(self) -> None:
        try:
            self._replay()
        except Exception as error:  # whatever MLflow raises, the stage goes on
            reason = str(error).partition("\n")[0][:200]
            self._fault = f"this run ({type(error).__name__}: {reason})"

    def _replay(self) -> None:
        from digits.tracking import replay  # importing MLflow takes a second

        _, faults = replay.send_all(
            self._journal
        )  # first, since this run may have metrics for an earlier one
        if faults:
            self._fault = f"an earlier run ({faults[0]})"
        load, sampled = provenance.load(), float("-inf")
        while not self._ending.is_set():
            replay.send(self._journal)
            if time.monotonic() - sampled >= SAMPLE_SECONDS:
                sampled = time.monotonic()
                self._journal.append("metrics", step=0, values=next(load))
            self._ending.wait(1.0)
        replay.send(self._journal)
