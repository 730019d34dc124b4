"""MLflow's store, a sqlite file in the project's folder or MLFLOW_TRACKING_URI, and the runs in it."""

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from digits.tracking.digest import OUTPUT
from digits.tracking.journal import folder, given, root

DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # MLflow's own wait more than four minutes for a dead server
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "GIT_PYTHON_REFRESH": "quiet",
}
# What may precede a path on this machine; without a scheme there are only paths and MLflow's own names.
BEFORE_PATH = re.compile(r"sqlite(\+\w+)?:///|file:(?!//)|(?![\w+.-]+:)")
NO_PATH = re.compile(r"/|:memory:|file:|(databricks|databricks-uc|uc)$")
DATABASE = re.compile(r"(sqlite|postgresql|mysql|mssql)[+:]")
STAGES = "tags.stage LIKE '%'"
ARTIFACTS = "mlruns"
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
FILE = "file://"


class Ledger:
    """The runs of all experiments: from bytes to the runs that made them."""

    def __init__(self) -> None:
        self.client: MlflowClient = client()

    @cached_property
    def runs(self) -> list[Run]:
        """All runs that have a stage, newest first."""
        experiments = [experiment.experiment_id for experiment in self.client.search_experiments()]
        page = self.client.search_runs(experiments, STAGES)
        found = list(page)
        while page.token:
            page = self.client.search_runs(experiments, STAGES, page_token=page.token)
            found += page
        return sorted(found, key=lambda run: run.info.start_time, reverse=True)

    def makers(self, *md5s: str) -> list[Run]:
        """Return the finished runs that have an output of each MD5, newest first."""
        wanted = {f"{OUTPUT}{md5}" for md5 in md5s}
        return [run for run in self.runs if wanted <= run.data.tags.keys() and run.info.status == "FINISHED"]


def tagged(run: Run, prefix: str) -> dict[str, str]:
    """Return MD5 by path for the run's tags `output.` or `input.`, sorted by path."""
    pairs = {path: tag.removeprefix(prefix) for tag, path in run.data.tags.items() if tag.startswith(prefix)}
    return dict(sorted(pairs.items()))


def outputs(run: Run) -> dict[str, str]:
    """Return MD5 by path for the outputs as dvc.yaml declares them, without the files within folders."""
    paths = tagged(run, OUTPUT)
    folders = tuple(f"{path}/" for path, md5 in paths.items() if md5.endswith(".dir"))
    return {path: md5 for path, md5 in paths.items() if not path.startswith(folders)}


def client() -> MlflowClient:
    """Return a client of the store, which is created where there is none."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    own = given("mlflow.db")
    with alone():
        # Two processes that create a fresh sqlite store at once would break it for good.
        made = MlflowClient(tracking_uri())
        made.search_experiments(max_results=1)
        if tracking_uri() == f"sqlite:///{own}":
            try:
                follow(own)
            except sqlite3.Error as error:
                raise MlflowException(f"{own}: {error}") from error
    return made


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, or the sqlite file that `mlflow ui` opens in the project's folder.

    A relative path in it starts at the project's own folder: DVC removes its temporary copies with all
    that is in them.
    """
    chosen = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    before = BEFORE_PATH.match(chosen)
    if before is None or NO_PATH.match(chosen, before.end()):
        return chosen
    return f"{before[0]}{given(chosen[before.end() :])}"


def experiment_id(client: MlflowClient, name: str) -> str:
    """Return the id of the experiment of this name, which is created where there is none."""
    with alone():
        if experiment := client.get_experiment_by_name(name):
            return str(experiment.experiment_id)
        # A database keeps no artifacts; MLflow would put them into the current folder, perhaps a copy.
        bare = DATABASE.match(tracking_uri())
        location = (root().resolve() / "mlruns" / name).as_uri() if bare else None
        return str(client.create_experiment(name, artifact_location=location))


@contextmanager
def alone() -> Iterator[None]:
    """Keep this project's other processes from creating the same thing in the store at once."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "store.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def follow(store: Path) -> None:
    """Let the artifacts in the project's store follow its folder when that was renamed or copied.

    MLflow keeps the absolute location of every artifact folder. In one transaction, all locations under
    another folder's mlruns/ change to the mlruns/ beside the store, except those of files that exist only
    in the old place. Raises sqlite3.Error where the store cannot be read or written.
    """
    with closing(sqlite3.connect(store)) as database, database:
        for table, column in COLUMNS:
            query = f"SELECT rowid, {column} FROM {table} WHERE instr({column}, '/{ARTIFACTS}/')"
            for row, location in database.execute(query).fetchall():
                moved = _moved(location, store.parent, writes=table == "experiments")
                if moved != location:
                    database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (moved, row))


def _moved(location: str, root: Path, writes: bool) -> str:
    """Return the location that belongs to a store in `root`; writes: whether new runs write below it.

    Locations are absolute paths, plain or as a URI; others (models:/..., s3://...) stay as they are.
    """
    old, _, rest = location.rpartition(f"/{ARTIFACTS}/")
    here = f"{root.as_uri() if location.startswith(FILE) else root}/{ARTIFACTS}/"
    if location.startswith(here) or not location.startswith(("/", f"{FILE}/")):
        return location
    # New runs must not write into the folder that this one was copied from.
    writes_on = writes and (_local(old) / "mlflow.db").exists()
    return (
        here + rest
        if writes_on or _local(here + rest).exists() or not _local(location).exists()
        else location
    )


def _local(location: str) -> Path:
    return Path(unquote(location.removeprefix(FILE)) if location.startswith(FILE) else location)
