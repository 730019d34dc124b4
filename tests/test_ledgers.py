"""Files, git and MLflow as two ledgers that agree: queried, completed, audited, in a real small pipeline."""

import json
import shlex
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from ruamel.yaml import YAML

from digits.tracking.__main__ import main
from digits.tracking.digest import md5
from tests.support.helpers import STAGES
from tools.sandbox import Sandbox


@pytest.fixture
def repository(sandbox: Sandbox, workdir: Path) -> Sandbox:
    """A copy of the small pipeline, its results committed, as the current folder; the store is its own."""
    shutil.copytree(sandbox.path, workdir, symlinks=True, dirs_exist_ok=True)
    with sqlite3.connect(workdir / "mlflow.db") as database:
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("logged_models", "artifact_location"),
        ):
            database.execute(
                f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(sandbox.path), str(workdir))
            )
    copy = Sandbox(workdir)
    copy.git("add", "--all")
    copy.git("commit", "-q", "--allow-empty", "-m", "results")
    return copy


def runs(repository: Sandbox, **tags: str) -> list[Run]:
    client = MlflowClient(f"sqlite:///{repository.path}/mlflow.db")
    experiment = client.get_experiment_by_name("mnist")
    query = " and ".join(f"tags.{name} = '{value}'" for name, value in tags.items())
    return list(client.search_runs([experiment.experiment_id], query))


def the_run(repository: Sandbox, stage: str) -> Run:
    (run,) = runs(repository, stage=stage)
    return run


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(list(words))
    return code, capsys.readouterr().out


def forget_runs() -> None:
    """Leave results without runs, as a clone that pulled them has them."""
    Path("mlflow.db").unlink()
    for folder in ("mlruns", ".journal"):
        shutil.rmtree(folder)


def test_which_names_run_commit_settings_and_inputs(repository: Sandbox) -> None:
    done = repository.run("python", "-m", "digits.tracking", "which", "models/cnn.keras")
    assert done.returncode == 0, done.stdout
    run = the_run(repository, "train-cnn")
    assert f"models/cnn.keras has the MD5 {md5(Path('models/cnn.keras'))}." in done.stdout
    assert f"run: {run.info.run_id} (finished)" in done.stdout
    assert f"commit: {run.data.tags['commit']}\n" in done.stdout
    assert "  train-cnn.epochs = 2" in done.stdout
    assert f"  data/prepared/train  {md5(Path('data/prepared/train'))}" in done.stdout


def test_which_knows_a_renamed_copy_and_a_file_within_a_folder(
    repository: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy("plots/evaluate/cnn/confusion.png", "copy.png")
    code, answer = asked(capsys, "which", "copy.png")
    assert code == 0
    assert the_run(repository, "evaluate").info.run_id in answer


def test_which_says_so_when_no_run_made_the_bytes(
    repository: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("other.txt").write_text("no stage writes this")
    code, answer = asked(capsys, "which", "other.txt")
    assert code == 1
    assert "No run in MLflow has made these bytes" in answer


def test_show_prints_commands_that_restore_the_bytes(
    repository: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    run = the_run(repository, "train-cnn")
    before = {path: md5(Path(path)) for path in ("models/cnn.keras", "data/train-cnn/history.csv")}
    code, answer = asked(capsys, "show", run.info.run_id[:12])
    assert code == 0
    for path in before:
        Path(path).unlink()
    commands = answer.split("to restore them:\n")[1].splitlines()
    assert len(commands) == 3
    for command in commands:
        repository.run(*shlex.split(command, comments=True))
    assert {path: md5(Path(path)) for path in before} == before


def test_two_states_stand_in_mlflow_after_there_and_back(
    repository: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    there = md5(Path("models/mlp.keras"))
    repository.set({"train-mlp": {"dropout": 0.2}})
    repository.dvc("repro", "train-mlp")
    repository.set({"train-mlp": {"dropout": 0.1}})
    assert "Running stage" not in repository.dvc("repro")
    assert md5(Path("models/mlp.keras")) == there
    assert main(["sync"]) == 0
    states = runs(repository, stage="pipeline")
    assert sorted(run.data.params["train-mlp.dropout"] for run in states) == ["0.1", "0.2"]
    back = next(run for run in states if run.data.params["train-mlp.dropout"] == "0.1")
    assert {f"run.{stage}" for stage in STAGES} <= set(back.data.tags)
    first = min(runs(repository, stage="train-mlp"), key=lambda run: run.info.start_time)
    assert first.info.run_id in asked(capsys, "which", "models/mlp.keras")[1]


def test_sync_enters_results_that_came_without_runs_once(
    repository: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_runs()
    assert asked(capsys, "audit")[0] == 1
    code, answer = asked(capsys, "sync")
    entered_stages = answer.splitlines()[1].removeprefix("Entered as restored: ").rstrip(".").split(", ")
    assert (code, sorted(entered_stages)) == (0, sorted(STAGES))
    entered = runs(repository)
    assert len(entered) == len(STAGES) + 1
    evaluate = the_run(repository, "evaluate")
    assert evaluate.data.tags["restored"] == "true"
    metrics = json.loads(Path("metrics/evaluate.json").read_text())
    assert evaluate.data.metrics == metrics
    assert the_run(repository, "train-mlp").data.params["train-mlp.epochs"] == "2"
    row = the_run(repository, "pipeline")
    assert row.data.metrics["evaluate.cnn"] == metrics["cnn"]
    assert asked(capsys, "sync") == (0, "Runs sent to MLflow: 0.\n")
    assert [run.to_dictionary() for run in runs(repository)] == [run.to_dictionary() for run in entered]


def test_sync_leaves_out_what_the_settings_no_longer_ask_for(
    repository: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_runs()
    repository.set({"latent-analysis": {"neighbour_queries": 5}})
    code, answer = asked(capsys, "sync")
    assert code == 0
    assert "Left out, since `dvc status` finds them changed or missing: latent-analysis." in answer
    assert runs(repository, stage="latent-analysis") == []


def test_audit_finds_that_the_ledgers_agree(repository: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = asked(capsys, "audit")
    assert code == 0, answer
    outputs = sum(len(stage["outs"]) for stage in lock(repository).values())
    assert f"Tracked outputs: {outputs} committed, 0 of experiments, 0 of runs never committed." in answer
    assert answer.endswith("The two ledgers agree.\n")


def test_audit_lists_a_number_that_differs_in_mlflow(
    repository: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    run = the_run(repository, "evaluate")
    MlflowClient(f"sqlite:///{repository.path}/mlflow.db").log_metric(run.info.run_id, "cnn", 2.0)
    code, answer = asked(capsys, "audit")
    assert code == 1
    assert f"run {run.info.run_id} says 2.0" in answer


def test_audit_lists_runs_that_made_other_bytes_of_the_same(
    repository: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    run = the_run(repository, "preprocess")
    client = MlflowClient(f"sqlite:///{repository.path}/mlflow.db")
    tags = {name: value for name, value in run.data.tags.items() if not name.startswith("output.")}
    twin = client.create_run(run.info.experiment_id, tags=tags | {f"output.{'0' * 32}": "data/preprocess"})
    client.set_terminated(twin.info.run_id)
    code, answer = asked(capsys, "audit")
    assert code == 1
    assert "preprocess: data/preprocess has other bytes" in answer
    assert "1 of runs never committed" in answer


def test_promotion_takes_the_first_and_then_only_the_better(
    repository: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = json.loads(Path("metrics/evaluate.json").read_text())
    worse, better = sorted(("mlp", "cnn"), key=lambda name: float(metrics[name]))
    assert f"{worse} is now champion: the first of mnist" in asked(capsys, "promote", worse)[1]
    assert (
        f"{worse} does not become champion: these bytes are the champion already"
        in asked(capsys, "promote", worse)[1]
    )
    assert f"{better} is now champion: better: accuracy" in asked(capsys, "promote", better)[1]
    assert f"{worse} does not become champion: " in asked(capsys, "promote", worse)[1]
    client = MlflowClient(f"sqlite:///{repository.path}/mlflow.db")
    champion = client.get_model_version_by_alias("mnist", "champion")
    assert champion.tags["md5"] == md5(Path(f"models/{better}.keras"))


def test_promotion_says_what_is_missing(repository: Sandbox) -> None:
    Path("models/cnn.keras").write_bytes(b"other")
    with pytest.raises(
        SystemExit, match=r"^tracking: no run has made models/cnn\.keras \(MD5 [0-9a-f]{32}\)\."
    ):
        main(["promote", "cnn"])


def lock(repository: Sandbox) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(repository.path / "dvc.lock")["stages"])


def test_the_doctor_finds_no_fault_and_then_each(repository: Sandbox) -> None:
    healthy = repository.run("python", "-m", "tools.doctor")
    assert healthy.returncode == 0, healthy.stdout
    assert "pipeline: all results belong to the current settings and code" in healthy.stdout
    assert "journal: all sent" in healthy.stdout
    assert "GPU: " in healthy.stdout
    with Path("params.yaml").open("a") as file:
        file.write("\nlost: {setting: 1}\n")
    Path(".journal/19990101T000000-evaluate-0").mkdir()
    Path(".journal/19990101T000000-evaluate-0/events.jsonl").write_text('{"event": "start", "time": 0}\n')
    ill = repository.run("python", "-m", "tools.doctor", MLFLOW_TRACKING_URI="sqlite:////dev/null/mlflow.db")
    assert ill.returncode == 1
    assert "FAULT  settings: no stage depends on lost" in ill.stdout
    assert "FAULT  MLflow: sqlite:////dev/null/mlflow.db does not open" in ill.stdout
    assert "note   journal: 1 runs are not sent yet, the oldest is 19990101T000000-evaluate-0" in ill.stdout
    assert "-> python -m digits.tracking sync" in ill.stdout
