"""Lets the artifacts in MLflow's sqlite store follow the project's folder when it is renamed or copied.

MLflow keeps the absolute location of every artifact folder, and makes a folder anew where it is gone.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

ARTIFACTS = "mlruns"
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
FILE = "file://"
# Locations are absolute paths, plain or as a URI; all others (models:/..., s3://...) follow no folder.
ELSEWHERE = " UNION ALL ".join(
    f"SELECT '{table}', '{column}', rowid, {column} FROM {table} WHERE instr({column}, '/{ARTIFACTS}/')"
    f" AND ({column} LIKE '{FILE}/%' OR {column} LIKE '/%')"
    f" AND substr({column}, 1, length(:uri)) <> :uri AND substr({column}, 1, length(:path)) <> :path"
    for table, column in COLUMNS
)


def follow(store: Path) -> None:
    """Lead every location under another root's mlruns/ to the mlruns/ beside the store, in one transaction.

    What can be read only where it lay stays there: files that are not under this root but still under the
    old one. Raises sqlite3.Error where the store cannot be read or written.
    """
    root = store.parent
    here = {"uri": f"{root.as_uri()}/{ARTIFACTS}/", "path": f"{root}/{ARTIFACTS}/"}
    with closing(sqlite3.connect(store)) as database:
        moves = list(_moves(database.execute(ELSEWHERE, here).fetchall(), here))
        if moves:
            with database:
                for table, column, row, location in moves:
                    database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (location, row))


def _moves(
    found: list[tuple[str, str, int, str]], here: dict[str, str]
) -> Iterator[tuple[str, str, int, str]]:
    for table, column, row, location in found:
        old, _, rest = location.rpartition(f"/{ARTIFACTS}/")
        moved = here["uri" if location.startswith(FILE) else "path"] + rest
        # New runs must not go on writing into the folder that this one was copied from.
        writes_on = table == "experiments" and (_path(old) / "mlflow.db").exists()
        if writes_on or _path(moved).exists() or not _path(location).exists():
            yield table, column, row, moved


def _path(location: str) -> Path:
    return Path(unquote(location.removeprefix(FILE)) if location.startswith(FILE) else location)
