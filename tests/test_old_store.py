"""What the code before the packages `digits` and `digits.tracking` has left: its store, its journals."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, Metric, Param, Run, RunTag

from digits.tracking import audit, store
from digits.tracking.__main__ import main
from digits.tracking.digest import md5
from digits.tracking.history import read_history

STATE = "5f1c0a9be27d3468"
JOURNAL = "20250102T030405-evaluate-590b6423861c"
TRAINED = Path("models/mlp.keras")
NESTED = {"mlp": {"accuracy": 0.75, "errors": 1}, "comparison": {"first": "mlp", "both_right": 3}}
# Events as that code wrote them, one per line.
EVENTS = """
{"event": "start", "time": 1735787045000, "stage": "evaluate", "experiment": "mnist", "settings": {"seed": 2024, "evaluate.confidence": 0.95}, "tags": {"stage": "evaluate", "commit": "a6eed2ffe4a882549eafd9c53d345784005d1883", "mlflow.source.git.commit": "a6eed2ffe4a882549eafd9c53d345784005d1883", "dirty": "false"}, "inputs": {"MLP": "models/mlp.keras"}, "data": {"data/prepared/test": "76d25b877f72785184d01ab40d5aecfb.dir"}, "state": {"key": "5f1c0a9be27d3468", "settings": {"seed": 2024, "train-mlp.epochs": 2}}}
{"event": "metrics", "time": 1735787046000, "step": 0, "values": {"system/cpu_utilization_percentage": 99.5}}
{"event": "about", "time": 1735787047000, "md5": "MLP", "values": {"test_accuracy": 0.75, "test_calibrated.brier": 0.2}, "files": "about/MLP"}
{"event": "tags", "time": 1735787048000, "tags": {"output.METRICS": "metrics/evaluate.json", "output.7cc962d86e0cc0688d127e7c2b162a37.dir": "plots/evaluate"}}
{"event": "artifacts", "time": 1735787048100, "files": "plots"}
{"event": "headline", "time": 1735787048200, "values": {"mlp.accuracy": 0.75, "mlp.errors": 1.0, "comparison.both_right": 3.0}}
{"event": "tags", "time": 1735787048300, "tags": {"backend": "tensorflow", "device": "cpu:0"}}
{"event": "end", "time": 1735787048400, "status": "FINISHED"}
"""  # noqa: E501
PREDICTIONS = "image,label,prediction\n0,7,7\n1,2,2\n2,1,1\n3,0,6\n"


@pytest.fixture
def client(workdir: Path) -> MlflowClient:
    """A store with a training, a champion and a pipeline row; a journal of which two events were sent."""
    for name, content in ((TRAINED, "the network"), ("metrics/evaluate.json", json.dumps(NESTED))):
        Path(name).parent.mkdir()
        Path(name).write_text(content)
    client = store.client()
    store.experiment_id(client, "mnist")
    row = new_run(client, "pipeline", {"state": STATE}, {})
    digest = md5(TRAINED)
    tags = {"state": STATE, "mlflow.parentRunId": row, f"output.{digest}": str(TRAINED)}
    trained = new_run(client, "train-mlp", tags, {"val_accuracy": 0.8, "epoch/val_loss": 0.4})
    client.log_text(trained, PREDICTIONS, "test/predictions.csv")
    model = client.create_logged_model(
        experiment(client), name="mlp", source_run_id=trained, tags={"md5": digest}
    )
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(trained, [LoggedModelOutput(model.model_id, step=0)])
    client.create_registered_model("mnist")
    source = f"models:/{model.model_id}"
    client.create_model_version("mnist", source, trained, tags={"md5": digest}, model_id=model.model_id)
    client.set_registered_model_alias("mnist", "champion", "1")
    leave_journal(new_run(client, "evaluate", {"journal": JOURNAL, "state": STATE}, {}, "RUNNING"), row)
    return client


def experiment(client: MlflowClient) -> str:
    return str(client.get_experiment_by_name("mnist").experiment_id)


def new_run(
    client: MlflowClient,
    stage: str,
    tags: dict[str, str],
    metrics: dict[str, float],
    status: str = "FINISHED",
) -> str:
    run = str(client.create_run(experiment(client), run_name=stage, start_time=1735787000000).info.run_id)
    client.log_batch(
        run,
        [Metric(name, value, 1735787000000, 0) for name, value in metrics.items()],
        [Param("seed", "2024")],
        [RunTag(name, value) for name, value in (tags | {"stage": stage}).items()],
    )
    if status != "RUNNING":
        client.set_terminated(run, status)
    return run


def leave_journal(run: str, row: str) -> None:
    """Write the journal of an evaluation of which MLflow has received two events."""
    folder = Path(".journal") / JOURNAL
    events = (
        EVENTS.lstrip().replace("MLP", md5(TRAINED)).replace("METRICS", md5(Path("metrics/evaluate.json")))
    )
    for name, text in {
        "events.jsonl": events,
        "state.json": json.dumps({"sent": 2, "run_id": run, "stage": "evaluate", "pipeline_id": row}),
        f"files/about/{md5(TRAINED)}/test/confusion.png": "drawn",
        "files/plots/mlp/confusion.png": "drawn",
        "files/params.yaml": "seed: 2024",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def the_run(client: MlflowClient, stage: str) -> Run:
    (run,) = client.search_runs([experiment(client)], f"tags.stage = '{stage}'")
    return run


def test_an_old_run_is_found_and_shown(client: MlflowClient, capsys: pytest.CaptureFixture[str]) -> None:
    trained = the_run(client, "train-mlp").info.run_id
    assert main(["which", str(TRAINED)]) == 0
    assert f"run: {trained} (finished)\nstage: train-mlp" in capsys.readouterr().out
    assert main(["show", trained]) == 0
    assert f"  {TRAINED}  {md5(TRAINED)}" in capsys.readouterr().out


def test_an_old_journal_half_sent_is_completed(
    client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sync"]) == 0
    assert capsys.readouterr().out == "Runs sent to MLflow: 1.\n"
    evaluated, row = the_run(client, "evaluate"), the_run(client, "pipeline")
    assert evaluated.info.status == "FINISHED"
    assert evaluated.data.metrics == {"mlp.accuracy": 0.75, "mlp.errors": 1, "comparison.both_right": 3}
    assert row.data.metrics["evaluate.mlp.accuracy"] == 0.75
    assert row.data.tags["run.evaluate"] == evaluated.info.run_id
    trained = the_run(client, "train-mlp")
    assert trained.data.metrics["test_accuracy"] == 0.75
    listed = {item.path for item in client.list_artifacts(trained.info.run_id, "test")}
    assert listed == {"test/predictions.csv", "test/confusion.png"}
    pictures = client.list_artifacts(evaluated.info.run_id, "plots/mlp")
    assert [item.path for item in pictures] == ["plots/mlp/confusion.png"]
    assert not (Path(".journal") / JOURNAL / "files").exists()
    assert main(["sync"]) == 0
    assert capsys.readouterr().out == "Runs sent to MLflow: 0.\n"


def test_nested_metrics_of_an_old_run_are_compared(client: MlflowClient) -> None:
    main(["sync"])
    found = audit.audit(store.Ledger(), read_history(), ["metrics/evaluate.json", "metrics/predictions.csv"])
    assert (found.numbers, found.untracked, found.contradictions) == (3, [], [])


def test_an_old_champion_stays(client: MlflowClient, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promote", "mlp"]) == 0
    assert "these bytes are the champion already (version 1)" in capsys.readouterr().out
    assert client.get_model_version_by_alias("mnist", "champion").tags["md5"] == md5(TRAINED)
