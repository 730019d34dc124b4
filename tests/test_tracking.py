"""Tracking from outside: processes that report to real stores, are killed, or find no server."""

import json
import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from digits.pipeline import processes
from digits.tracking import store
from tests.support.helpers import ROOT
from tests.support.tracked import DEAD_SERVER, STAGE, finish, runs, start
from tools.sandbox import Sandbox


def test_a_run_holds_what_the_stage_said_and_wrote(workdir: Path) -> None:
    finish(start(workdir, "one"))
    run = runs(workdir)["one"]
    assert run.info.status == "FINISHED"
    assert run.data.params == {"block.size": "3"}
    assert run.data.metrics["epoch/loss"] == 0.5
    assert run.data.metrics["epoch/loss _gr__te__ _"] == 0.25
    assert run.data.metrics["net.accuracy"] == 0.75
    assert run.data.tags["output.f97c5d29941bfb1b2fdab0874906ab82"] == "one/out.txt"


@pytest.fixture
def experiments(workdir: Path) -> Sandbox:
    """A repository of DVC's with one stage, which only tracks a run."""
    repository = Sandbox(workdir)
    (workdir / "stage.py").write_text(textwrap.dedent(STAGE))
    (workdir / "dvc.yaml").write_text(
        "stages: {one: {cmd: python stage.py one 0, deps: [stage.py], outs: [one]}}"
    )
    (workdir / ".gitignore").write_text("/one\n/.journal\n/mlruns\n/named*\n")
    repository.git("init", "-q", "-b", "main")
    repository.dvc("init", "-q")
    repository.git("add", "--all")
    repository.git("commit", "-q", "-m", "one stage")
    return repository


@pytest.mark.parametrize(
    "uri",
    [
        "sqlite:///named.db",
        "sqlite+pysqlite:///./named.db",
        "sqlite:///named.db?timeout=30",
        "./named",
        "file:named",
    ],
)
def test_a_relative_store_belongs_to_the_repository_and_not_to_a_copy(experiments: Sandbox, uri: str) -> None:
    environment = {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": uri, "MLFLOW_ALLOW_FILE_STORE": "true"}
    printed = experiments.dvc("exp", "run", "--temp", **environment)
    assert "MLflow has not received" not in printed
    script = """
        import os
        from mlflow import MlflowClient
        client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
        (run,) = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
        print(run.info.status, run.data.metrics["net.accuracy"], run.info.artifact_uri)
    """
    done = experiments.run("python", "-c", textwrap.dedent(script), **environment)
    status, accuracy, artifacts = done.stdout.splitlines()[-1].split()
    assert (status, accuracy) == ("FINISHED", "0.75")
    artifacts = artifacts.removeprefix("file://")
    assert artifacts.startswith((f"{experiments.path}/mlruns/", f"{experiments.path}/named/"))


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:9",
        "databricks",
        "uc",
        "sqlite:////x.db",
        "sqlite://",
        "file:///x",
        "/x",
        "mysql+pymysql://h/d",
    ],
)
def test_a_store_that_is_no_relative_path_is_named_as_given(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert store.tracking_uri() == uri


def test_eight_processes_at_once_on_a_fresh_store_are_all_tracked(workdir: Path) -> None:
    names = list("abcdefgh")
    for process in [start(workdir, name) for name in names]:
        assert finish(process).count("MLflow has not received") == 0
    assert sorted(runs(workdir)) == names


def test_a_dead_server_costs_a_warning_and_the_next_run_sends_what_waited(workdir: Path) -> None:
    began = time.monotonic()
    errors = finish(start(workdir, "waiting", MLFLOW_TRACKING_URI=DEAD_SERVER))
    assert time.monotonic() - began < 100  # MLflow's own defaults wait for more than four minutes
    assert "MLflow has not received this run" in errors
    finish(start(workdir, "next"))
    found = runs(workdir)
    assert sorted(found) == ["next", "waiting"]
    assert found["waiting"].info.status == "FINISHED"
    assert found["waiting"].data.metrics["net.accuracy"] == 0.75


def test_a_journal_that_cannot_be_sent_does_not_hold_up_the_others(workdir: Path) -> None:
    broken = workdir / ".journal" / "19990101T000000-broken-0"
    broken.mkdir(parents=True)
    (broken / "events.jsonl").write_text('{"event": "start", "time": 0}\n')
    finish(start(workdir, "waiting", MLFLOW_TRACKING_URI=DEAD_SERVER))
    errors = finish(start(workdir, "next"))
    assert "has not received an earlier run (19990101T000000-broken-0: KeyError: 'experiment')" in errors
    assert sorted(runs(workdir)) == ["next", "waiting"]


def test_a_killed_run_is_closed_by_the_next_one_and_a_living_one_is_left_alone(workdir: Path) -> None:
    killed, living = start(workdir, "killed", 60), start(workdir, "living", 30)
    for process in (killed, living):
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    finish(start(workdir, "next"))
    found = runs(workdir)
    living.send_signal(signal.SIGKILL)
    living.wait()
    assert found["killed"].info.status == "KILLED"
    assert found["next"].info.status == "FINISHED"
    assert found.get("living") is None or found["living"].info.status == "RUNNING"


def test_a_stage_that_fails_is_tracked_as_failed(workdir: Path) -> None:
    (workdir / "failing").write_text("a file where the stage wants a folder")
    process = start(workdir, "failing")
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert runs(workdir)["failing"].info.status == "FAILED"


def test_sending_again_changes_nothing(workdir: Path) -> None:
    finish(start(workdir, "one"))
    before = runs(workdir)["one"]
    (journal,) = (workdir / ".journal").glob("*-one-*")
    (journal / "state.json").write_text(json.dumps({"sent": 0}))
    finish(start(workdir, "two"))
    client = MlflowClient(f"sqlite:///{workdir}/mlflow.db")
    after = runs(workdir)
    assert sorted(after) == ["one", "two"]
    assert after["one"].data.to_dictionary() == before.data.to_dictionary()
    assert after["one"].info.end_time == before.info.end_time
    assert len(client.get_metric_history(before.info.run_id, "epoch/loss")) == 1


def test_metrics_about_a_model_reach_the_newest_run_that_made_it(workdir: Path) -> None:
    script = """
        from pathlib import Path
        from digits import tracking
        model, plots = Path("model.bin"), Path("plots")
        model.write_text("the model")
        plots.mkdir(exist_ok=True)
        (plots / "picture.txt").write_text("drawn")
        for stage in ("trains", "trains again"):
            with tracking.start(tracking.Entry(stage, "digits", {}, {}, {model: "file"})):
                pass
        with tracking.start(tracking.Entry("evaluates", "digits", {}, {model: "file"}, {})) as run:
            run.about(model, {"test_accuracy": 0.9}, {"test": plots, "test/more.txt": model})
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    processes.run(command, cwd=workdir, env=environment, check=True)
    found = runs(workdir)
    assert "test_accuracy" not in found["trains"].data.metrics
    assert found["trains again"].data.metrics["test_accuracy"] == 0.9
    assert found["trains again"].info.status == "FINISHED"
    assert found["trains again"].info.end_time <= found["evaluates"].info.start_time
    client = MlflowClient(f"sqlite:///{workdir}/mlflow.db")
    items = client.list_artifacts(found["trains again"].info.run_id, "test")
    assert [item.path for item in items] == ["test/more.txt", "test/picture.txt"]
