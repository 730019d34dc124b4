"""What a stage logs of its run, sent to MLflow from another thread: a slow server costs no training."""

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from digits.tracking import provenance
from digits.tracking.digest import md5
from digits.tracking.entry import Entry, append_results, begin
from digits.tracking.journal import Journal, folder

if TYPE_CHECKING:
    import numpy as np

SAMPLE_SECONDS = 10.0
# At the end of a stage: how long to wait for a server, and for a store on this machine's disk.
SERVER_PATIENCE_SECONDS = 8.0
DISK_PATIENCE_SECONDS = 120.0


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
        return _warning("this run", "it took too long") if self._thread.is_alive() else self._fault

    def _run(self) -> None:
        try:
            self._replay()
        except Exception as error:  # whatever MLflow raises, the stage goes on
            self._fault = _warning("this run", _summary(error))

    def _replay(self) -> None:
        from digits.tracking import replay  # importing MLflow takes a second

        try:
            replay.send_all(self._journal)  # first, since this run may have metrics for an earlier one
        except ExceptionGroup as group:
            self._fault = _warning("an earlier run", str(group.exceptions[0]))
        except Exception as error:
            self._fault = _warning("earlier runs", _summary(error))
        load, sampled = provenance.load(), float("-inf")
        while not self._ending.is_set():
            replay.send(self._journal)
            if time.monotonic() - sampled >= SAMPLE_SECONDS:
                sampled = time.monotonic()
                self._journal.append("metrics", step=0, values=next(load))
            self._ending.wait(1.0)
        replay.send(self._journal)


def _summary(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"


def _warning(what: str, reason: str) -> str:
    return (
        f"MLflow has not received {what} ({reason}). Nothing is lost: it waits in "
        f"{folder().name}/ and is sent by the next stage that reaches MLflow."
    )
