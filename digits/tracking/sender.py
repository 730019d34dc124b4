"""Sends a journal to MLflow from a thread of its own, so that a slow server costs no training."""

import os
import threading
import time

from digits.tracking.journal import Journal, folder

SAMPLE_SECONDS = 10.0
# At the end of a stage: how long to wait for a server, and for a store on this machine's disk.
SERVER_PATIENCE_SECONDS = 8.0
DISK_PATIENCE_SECONDS = 120.0


class Sender:
    """Replays the journal while the stage writes it, and samples the machine's load into it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._ending = threading.Event()
        self._sampled = float("-inf")
        self._fault = ""
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)
        self._thread.start()

    def close(self) -> str:
        """Send the rest; return a warning if MLflow has not received everything, else nothing."""
        self._ending.set()
        remote = os.environ.get("MLFLOW_TRACKING_URI", "").startswith("http")
        self._thread.join(SERVER_PATIENCE_SECONDS if remote else DISK_PATIENCE_SECONDS)
        if self._thread.is_alive():
            return _warning("this run", "it took too long")
        return self._fault

    def _run(self) -> None:
        try:
            from digits.tracking import replay, system
        except ImportError as error:
            self._fault = _warning("this run", _summary(error))
            return
        try:
            replay.send_all(self._journal)  # first, since this run may have figures for an earlier one
        except ExceptionGroup as group:
            self._fault = _warning("an earlier run", str(group.exceptions[0]))
        except Exception as error:
            self._fault = _warning("earlier runs", _summary(error))
        try:
            monitors = system.monitors()
            while not self._ending.is_set():
                replay.send(self._journal)
                self._ending.wait(1.0 if self._sampled_recently() else 0.0)
                if not self._sampled_recently():
                    self._sampled = time.monotonic()
                    self._journal.append("metrics", step=0, values=system.sample(monitors))
            replay.send(self._journal)
        except Exception as error:  # whatever MLflow raises, the stage goes on
            self._fault = _warning("this run", _summary(error))

    def _sampled_recently(self) -> bool:
        return time.monotonic() - self._sampled < SAMPLE_SECONDS


def _summary(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"


def _warning(what: str, reason: str) -> str:
    return (
        f"MLflow has not received {what} ({reason}). Nothing is lost: it waits in "
        f"{folder().name}/ and is sent by the next stage that reaches MLflow."
    )
