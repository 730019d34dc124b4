"""The store follows the project's folder: renamed, copied, with or without its artifacts."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.tracking._tracking_service import utils

from digits.tracking import store
from digits.tracking.store import ARTIFACTS, COLUMNS

NEW_NAMES = ["new", "new name, größer", "mlruns"]


@pytest.fixture
def old(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose store has a run, a logged model and a registered version, each with an artifact."""
    folder = workdir / "old name"
    folder.mkdir()
    monkeypatch.chdir(folder)
    client = store.client()
    run = new_run(client, "first")
    model = client.create_logged_model(experiment(client), name="net", source_run_id=run)
    (workdir / "net").mkdir()
    (workdir / "net" / "weights.txt").write_text("weights")
    client.log_model_artifacts(model.model_id, str(workdir / "net"))
    client.finalize_logged_model(model.model_id, "READY")
    client.create_registered_model("digits")
    client.create_model_version("digits", f"models:/{model.model_id}", run, model_id=model.model_id)
    client.create_model_version("digits", client.get_run(run).info.artifact_uri, run)
    utils._artifact_repos_cache.clear()  # MLflow remembers locations within a process; a later one knows none
    return folder


def experiment(client: MlflowClient) -> str:
    return store.experiment_id(client, "digits")


def new_run(client: MlflowClient, name: str) -> str:
    run = client.create_run(experiment(client), run_name=name).info.run_id
    client.log_text(run, name, "name.txt")
    return run


def names(client: MlflowClient, target: Path) -> list[str]:
    """What the artifacts of all runs hold."""
    shutil.rmtree(target, ignore_errors=True)
    found = []
    for run in client.search_runs([experiment(client)]):
        folder = target / run.info.run_id
        folder.mkdir(parents=True)
        found.append(Path(client.download_artifacts(run.info.run_id, "name.txt", str(folder))).read_text())
    return sorted(found)


def locations(folder: Path) -> list[str]:
    """Every absolute location in the store."""
    with sqlite3.connect(folder / "mlflow.db") as database:
        rows = [database.execute(f"SELECT {column} FROM {table}").fetchall() for table, column in COLUMNS]
    return [value for row in rows for (value,) in row if value and not value.startswith("models:")]


def outside(folder: Path) -> list[str]:
    """Those locations that do not lie in the folder."""
    own = (f"{folder.as_uri()}/{ARTIFACTS}/", f"{folder}/{ARTIFACTS}/")
    return [value for value in locations(folder) if not value.startswith(own)]


@pytest.mark.parametrize("name", NEW_NAMES)
def test_a_renamed_folder_keeps_its_artifacts_and_takes_new_ones(
    old: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert len(locations(old)) == 7  # in every column of COLUMNS
    new = old.rename(workdir / name)
    monkeypatch.chdir(new)
    client = store.client()
    new_run(client, "second")
    assert names(client, workdir / "read") == ["first", "second"]
    assert outside(new) == []
    assert not old.exists()
    (model,) = client.search_logged_models([experiment(client)])
    assert [item.path for item in client.list_logged_model_artifacts(model.model_id)] == ["weights.txt"]
    for version in client.search_model_versions("name = 'digits'"):
        assert client.get_model_version_download_uri("digits", version.version).startswith(
            (new.as_uri(), str(new))
        )


def test_a_copied_folder_leaves_the_first_one_alone(
    old: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = Path(shutil.copytree(old, workdir / "new"))
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    monkeypatch.chdir(new)
    client = store.client()
    new_run(client, "second")
    assert outside(new) == []
    assert {path: path.read_bytes() for path in old.rglob("*") if path.is_file()} == before
    shutil.rmtree(old)
    assert names(client, workdir / "read") == ["first", "second"]


def test_a_store_copied_without_its_artifacts_reads_the_old_ones_and_writes_its_own(
    old: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = workdir / "new"
    new.mkdir()
    shutil.copyfile(old / "mlflow.db", new / "mlflow.db")
    before = sorted((old / ARTIFACTS).rglob("*"))
    monkeypatch.chdir(new)
    client = store.client()
    new_run(client, "second")
    assert names(client, workdir / "read") == ["first", "second"]
    assert sorted((old / ARTIFACTS).rglob("*")) == before


def test_a_folder_of_artifacts_that_the_user_chose_stays_theirs(old: Path, workdir: Path) -> None:
    chosen = workdir / "shared" / ARTIFACTS / "chosen"
    chosen.mkdir(parents=True)
    number = store.client().create_experiment("chosen", artifact_location=chosen.as_uri())
    assert store.client().get_experiment(number).artifact_location == chosen.as_uri()


def test_a_store_that_the_user_named_is_not_rewritten(
    old: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = old.rename(workdir / "named")
    before = locations(named)
    (workdir / "new").mkdir()
    monkeypatch.chdir(workdir / "new")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{named}/mlflow.db")
    store.client()
    assert locations(named) == before


def test_a_store_at_its_place_is_not_written(old: Path) -> None:
    before = (old / "mlflow.db").read_bytes()
    store.client()
    assert (old / "mlflow.db").read_bytes() == before
