"""What goes wrong from outside: kills, full disks, missing rights, broken stores. See docs/faults.md."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from ruamel.yaml import YAML

from digits.pipeline import processes
from digits.pipeline.declaration import read_pipeline
from digits.tracking.__main__ import main as tracking
from digits.tracking.digest import md5
from tests.support.helpers import ROOT
from tests.support.tracked import finish, runs, start
from tools.sandbox import Sandbox

# Long enough to be killed in the middle three times.
LONG: dict[str, dict[str, Any]] = {
    "preprocess": {"train": 800, "val": 100, "test": 100},
    "train-mlp": {"hidden": [32], "epochs": 60, "patience": 60, "batch_size": 32, "dropout": 0.4},
}
MODEL = Path("models") / "mlp.keras"


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} has not come about in {seconds} s"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A clone with a small data set and an MLP whose training nothing disturbed."""
    clone = Sandbox.create(tmp_path_factory.mktemp("trained"), LONG)
    clone.dvc("repro", "train-mlp")
    return clone


@pytest.fixture
def clone(trained: Sandbox, tmp_path: Path) -> Sandbox:
    """A copy of it to be disturbed, with a store of its own."""
    without = shutil.ignore_patterns("mlflow.db", "mlruns", ".journal")
    shutil.copytree(trained.path, tmp_path / "clone", symlinks=True, ignore=without)
    return Sandbox(tmp_path / "clone")


def by_hand(stage: str) -> list[str]:
    """Return the command that dvc.yaml has for the stage, in words."""
    return [sys.executable, *read_pipeline(ROOT)["stages"][stage]["cmd"].split()[1:]]


def child(dvc: "subprocess.Popen[bytes]") -> int:
    """Return the process in which DVC trains."""
    words = ["pgrep", "-P", str(dvc.pid), "-f", "stages.train_mlp"]
    return int(processes.run(words, capture_output=True, check=True).stdout.split()[0])


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def reached(clone: Sandbox, epoch: int) -> bool:
    """Whether the newest journal of the training holds so many epochs."""
    journals = sorted(clone.path.glob(".journal/*train-mlp*/events.jsonl"), key=os.path.getmtime)
    return bool(journals) and journals[-1].read_text().count('"epoch/val_loss"') >= epoch


def forget(clone: Sandbox, stage: str) -> None:
    """Leave DVC no trace that the stage has run, so that it must run."""
    yaml = YAML()
    lock = yaml.load(clone.path / "dvc.lock")
    del lock["stages"][stage]
    yaml.dump(lock, clone.path / "dvc.lock")
    shutil.rmtree(clone.path / ".dvc/cache/runs")
    (clone.path / MODEL).unlink()


def test_a_training_killed_again_and_again_resumes_with_the_same_bytes(
    trained: Sandbox, clone: Sandbox
) -> None:
    forget(clone, "train-mlp")
    kills = [("stage", signal.SIGKILL, 5), ("dvc", signal.SIGKILL, 18), ("dvc", signal.SIGTERM, 30)]
    for victim, number, epoch in kills:
        dvc = processes.start(
            [sys.executable, "-m", "dvc", "repro", "train-mlp"],
            cwd=clone.path,
            env=clone.environment(),
            own=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(partial(reached, clone, epoch), 120, f"epoch {epoch}")
        stage = child(dvc)
        os.kill(stage if victim == "stage" else dvc.pid, number)
        dvc.wait(60)
        wait_until(partial(gone, stage), 20, "the end of the orphan")
        assert not (clone.path / MODEL).exists()
    clone.dvc("repro", "train-mlp")
    assert md5(clone.path / MODEL) == md5(trained.path / MODEL)
    client = MlflowClient(f"sqlite:///{clone.path}/mlflow.db")
    experiment = client.get_experiment_by_name("mnist").experiment_id
    order = ["attributes.start_time"]
    found = client.search_runs([experiment], "tags.stage = 'train-mlp'", order_by=order)
    assert [run.info.status for run in found] == ["KILLED", "KILLED", "KILLED", "FINISHED"]
    resumed = [int(run.data.tags["resumed_after_epoch"]) for run in found[1:]]
    assert all(after >= epoch - 1 for after, (_, _, epoch) in zip(resumed, kills, strict=True))
    assert len(client.get_metric_history(found[-1].info.run_id, "epoch/val_loss")) == 60
    assert list((clone.path / ".checkpoints").glob("[!.]*")) == []
    assert [path.name for path in (clone.path / "models").glob(".*")] == []


def truncate(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()  # it may be a link into DVC's cache
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("file", "named", "stage"),
    [
        ("data/prepared/train/images.npy", "data/prepared/train", "train-mlp"),
        ("models/mlp.keras", "models/mlp.keras", "evaluate"),
    ],
)
def test_an_input_with_other_bytes_is_refused_and_dvc_brings_it_back(
    clone: Sandbox, file: str, named: str, stage: str
) -> None:
    before = md5(clone.path / named)
    truncate(clone.path / file)
    done = clone.run(*by_hand(stage))
    assert done.returncode == 1
    assert f"{stage}: {named} has the MD5 {md5(clone.path / named)}; dvc.lock names {before}." in done.stdout
    assert "Traceback" not in done.stdout
    clone.dvc("checkout", "--force", named)
    assert md5(clone.path / named) == before


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[list[str]]:
    """Yield the beginning of a command that sees `folder` as a tmpfs of that size."""
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size={megabytes}m tmpfs {folder} && "
    probe = processes.run([*prefix, f"{mount} true"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"this machine lets nobody mount a tmpfs: {probe.stderr.strip()}")
    yield [*prefix, f'{mount} exec "$@"', "sh"]


def test_a_full_disk_is_named_and_leaves_nothing_half_written(clone: Sandbox) -> None:
    clone.set({"train-mlp": {"hidden": [800], "epochs": 1}})
    with small_disk(clone.path / "models", 1) as prefix:
        script = f"{' '.join(by_hand('train-mlp'))}; echo exit $?; ls -A models"
        done = clone.run(*prefix, "sh", "-c", script)
    *_, message, code = done.stdout.splitlines()
    assert message.startswith("train-mlp: ")
    assert "No space left on device. Make room on that disk" in message
    assert code == "exit 1"


def test_a_folder_without_the_right_to_write_is_named(trained: Sandbox, tmp_path: Path) -> None:
    clone = Sandbox(tmp_path / "clone")
    shutil.copytree(trained.path, clone.path, symlinks=True)
    clone.set({"train-mlp": {"epochs": 1}})
    (clone.path / "data/train-mlp").chmod(0o555)
    bound = ["setpriv", "--bounding-set=-dac_override"] if os.getuid() == 0 else []  # root may write anywhere
    done = clone.run(*bound, *by_hand("train-mlp"))
    assert done.returncode == 1
    assert "Permission denied. Give yourself the right to write there, and run it again." in done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mlflow_server(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a real server on the folder's store, and end all its processes."""
    server = processes.start(
        [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/server.db"),
            *("--artifacts-destination", str(folder / "artifacts")),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers, 90, "the server")
        yield server
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def test_a_server_that_dies_in_the_middle_costs_a_warning_and_sync_enters_the_run(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    with mlflow_server(workdir, port):
        stage = start(workdir, "interrupted", 12, MLFLOW_TRACKING_URI=uri)
        client = MlflowClient(uri)
        wait_until(lambda: client.get_experiment_by_name("digits"), 60, "the run's experiment")
    errors = finish(stage)
    assert "MLflow has not received this run" in errors
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{workdir}/server.db")  # what it would serve again
    assert tracking(["sync"]) == 0
    served = MlflowClient()
    (run,) = served.search_runs([served.get_experiment_by_name("digits").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["net.accuracy"] == 0.75


def test_a_locked_store_costs_a_warning_and_sync_enters_the_run(workdir: Path) -> None:
    finish(start(workdir, "first"))
    with sqlite3.connect(workdir / "mlflow.db") as holder:
        holder.execute("BEGIN EXCLUSIVE")
        errors = finish(start(workdir, "second"))
        holder.rollback()
    assert "MLflow has not received this run" in errors
    assert "database is locked" in errors
    assert tracking(["sync"]) == 0
    assert {name: run.info.status for name, run in runs(workdir).items()} == {
        "first": "FINISHED",
        "second": "FINISHED",
    }


def test_a_store_half_migrated_costs_a_warning_and_sync_enters_the_run(workdir: Path) -> None:
    finish(start(workdir, "first"))
    with sqlite3.connect(workdir / "mlflow.db") as database:
        ((revision,),) = database.execute("SELECT version_num FROM alembic_version").fetchall()
        database.execute("UPDATE alembic_version SET version_num = 'halfway'")
    errors = finish(start(workdir, "second"))
    assert "MLflow has not received this run" in errors
    with sqlite3.connect(workdir / "mlflow.db") as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    assert tracking(["sync"]) == 0
    assert sorted(runs(workdir)) == ["first", "second"]


def test_every_fault_of_the_documents_has_its_test() -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "faults.md").read_text())
    code = "".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    assert named
    assert [name for name in named if f"def {name}(" not in code] == []
