"""Where MLflow keeps the record: a sqlite store at the repository's root, or MLFLOW_TRACKING_URI."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow import MlflowClient

from digits.tracking.journal import folder, root

# MLflow's own defaults wait for more than four minutes on a dead server.
IMPATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}


def client() -> MlflowClient:
    """Return a client of the store, which is created where there is none."""
    for name, value in IMPATIENCE.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with alone():
        # Two processes that create a fresh sqlite store at once would break it for good.
        made = MlflowClient(tracking_uri())
        made.search_experiments(max_results=1)
    return made


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, or the sqlite file that `mlflow ui` opens at the repository's root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root().resolve() / 'mlflow.db'}"


def experiment_id(client: MlflowClient, name: str) -> str:
    """Return the id of the experiment of this name, which is created where there is none."""
    with alone():
        experiment = client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        local = tracking_uri().startswith("sqlite:")
        location = (root().resolve() / "mlruns" / name).as_uri() if local else None
        return str(client.create_experiment(name, artifact_location=location))


@contextmanager
def alone() -> Iterator[None]:
    """Keep this repository's other processes from creating the same thing in the store at once."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "store.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
