"""Where MLflow keeps the record: a sqlite store at the repository's root, or MLFLOW_TRACKING_URI."""

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from digits.tracking import relocation
from digits.tracking.journal import folder, given, root

# MLflow's own defaults wait for more than four minutes on a dead server.
IMPATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
# What may stand before a path on this machine; without a scheme there are only paths and MLflow's own names.
BEFORE_PATH = re.compile(r"sqlite(\+\w+)?:///|file:(?!//)|(?![\w+.-]+:)")
NO_PATH = re.compile(r"/|:memory:|file:|(databricks|databricks-uc|uc)$")
DATABASE = re.compile(r"(sqlite|postgresql|mysql|mssql)[+:]")


def client() -> MlflowClient:
    """Return a client of the store, which is created where there is none."""
    for name, value in IMPATIENCE.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with alone():
        # Two processes that create a fresh sqlite store at once would break it for good.
        made = MlflowClient(tracking_uri())
        made.search_experiments(max_results=1)
        _follow()
    return made


def _follow() -> None:
    """Let the artifacts of the project's own store follow its folder; what a user has named is let be."""
    own = given("mlflow.db")
    if tracking_uri() == f"sqlite:///{own}":
        try:
            relocation.follow(own)
        except sqlite3.Error as error:
            raise MlflowException(f"{own}: {error}") from error


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, or the sqlite file that `mlflow ui` opens at the repository's root.

    A relative path in it starts at the original repository: DVC removes its temporary copies, and what
    they hold.
    """
    chosen = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    before = BEFORE_PATH.match(chosen)
    if before is None or NO_PATH.match(chosen, before.end()):
        return chosen
    return f"{before[0]}{given(chosen[before.end() :])}"


def experiment_id(client: MlflowClient, name: str) -> str:
    """Return the id of the experiment of this name, which is created where there is none."""
    with alone():
        experiment = client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        # A database keeps no artifacts; MLflow would put them into the current folder, perhaps a copy.
        bare = DATABASE.match(tracking_uri())
        location = (root().resolve() / "mlruns" / name).as_uri() if bare else None
        return str(client.create_experiment(name, artifact_location=location))


@contextmanager
def alone() -> Iterator[None]:
    """Keep this repository's other processes from creating the same thing in the store at once."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "store.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
