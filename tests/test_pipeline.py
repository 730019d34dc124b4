"""The whole pipeline on 1,000 real images in a clone of its own: what it writes, tracks and runs again."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread
from mlflow import MlflowClient
from mlflow.entities import Run
from ruamel.yaml import YAML

from digits.pipeline.declaration import is_code
from tests.support.helpers import STAGES
from tools.results import plain, results
from tools.sandbox import Sandbox

TRAINED = {"mlp": "train-mlp", "cnn": "train-cnn", "ae": "train-ae"}
METRICS = {
    "train-mlp": {"mlp_val"},
    "train-cnn": {"cnn_val"},
    "train-ae": {"ae_val"},
    "evaluate": {"cnn", "mlp", "logistic", "ae", "ae_pca"},
    "feature-importance": {"pixels", "pixels_random"},
    "latent-analysis": {"frechet"},
}
DRAWING = {"preprocess", "evaluate", "filters", "feature-importance", "latent-analysis"}
EDITS = {  # what a changed line in a file or folder makes DVC run again, apart from the stages after that
    "digits/pipeline/settings.py": set(),
    "digits/tracking": set(),
    "digits/drawing": DRAWING,
    "digits/training/augmentation.py": {*TRAINED.values(), "feature-importance"},
    "digits/networks/cnn": {"train-cnn"},
    "digits/analysis/latent": {"latent-analysis"},
}


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> MlflowClient:
    return MlflowClient(f"sqlite:///{sandbox.path}/mlflow.db")


@pytest.fixture(scope="module")
def runs(client: MlflowClient) -> dict[str, Run]:
    experiment = client.get_experiment_by_name("mnist")
    return {run.data.tags["stage"]: run for run in client.search_runs([experiment.experiment_id])}


@pytest.fixture(scope="module")
def lock(sandbox: Sandbox) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(sandbox.path / "dvc.lock")["stages"])


def artifacts(client: MlflowClient, run: Run, folder: str) -> list[str]:
    found: list[str] = []
    for item in client.list_artifacts(run.info.run_id, folder):
        found += artifacts(client, run, item.path) if item.is_dir else [item.path]
    return found


def metrics(sandbox: Sandbox, stage: str) -> dict[str, Any]:
    return dict(json.loads((sandbox.path / "metrics" / f"{stage}.json").read_text()))


def edit(repository: Sandbox, place: str) -> None:
    """Append a comment to a file, or to the first module of a folder."""
    path = repository.path / place
    file = path if path.is_file() else sorted(path.rglob("*.py"))[0]
    file.write_text(f"{file.read_text(encoding='utf-8')}\n# another line\n", encoding="utf-8")


def test_the_small_run_draws_the_committed_pictures(sandbox: Sandbox) -> None:
    """A picture that is new or gone is listed by git as such."""
    changes = sandbox.git(
        "diff", "--name-status", "--no-renames", "HEAD~", "HEAD", "--", "plots"
    ).splitlines()
    assert [change for change in changes if not change.startswith("M")] == []


def test_plots_has_only_pictures_of_a_readable_size(sandbox: Sandbox) -> None:
    files = [path for path in (sandbox.path / "plots").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".png", ".gif"}
    assert [path.name for path in files if min(imread(path).shape[:2]) <= 150] == []


def test_metrics_are_few_and_flat(sandbox: Sandbox) -> None:
    found = {
        path.stem: set(metrics(sandbox, path.stem)) for path in (sandbox.path / "metrics").glob("*.json")
    }
    found.pop("fingerprint")
    assert found == METRICS


def test_metrics_are_plausible_on_a_thousand_images(sandbox: Sandbox) -> None:
    evaluate = metrics(sandbox, "evaluate")
    assert 0.5 < evaluate["mlp"] <= 1
    assert 0.5 < evaluate["logistic"] <= 1
    assert 0 < evaluate["ae_pca"] < 0.1
    assert 0 < evaluate["ae"] < 0.2
    importance = metrics(sandbox, "feature-importance")
    assert 0.2 < importance["pixels"] <= 1
    assert 0 < importance["pixels_random"] <= 1
    assert metrics(sandbox, "latent-analysis")["frechet"] > 0


def test_the_results_of_a_run_can_be_shown(sandbox: Sandbox) -> None:
    shown = plain(results(sandbox.path))
    assert shown.startswith("on 100 test images")
    cnn = next(value for name, value, _ in results(sandbox.path).accuracies if name == "CNN")
    assert cnn == pytest.approx(metrics(sandbox, "evaluate")["cnn"])


def test_every_stage_has_a_finished_run(runs: dict[str, Run]) -> None:
    assert sorted(runs) == sorted([*STAGES, "pipeline"])
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_the_state_of_the_pipeline_is_one_row(
    sandbox: Sandbox, client: MlflowClient, runs: dict[str, Run]
) -> None:
    row = runs["pipeline"]
    assert row.data.params["train-cnn.epochs"] == "2"
    assert row.data.params["preprocess.train"] == "800"
    assert row.data.metrics["evaluate.cnn"] == metrics(sandbox, "evaluate")["cnn"]
    assert row.data.metrics["train-ae.ae_val"] == metrics(sandbox, "train-ae")["ae_val"]
    for stage in STAGES:
        assert row.data.tags[f"run.{stage}"] == runs[stage].info.run_id
        assert runs[stage].data.tags["mlflow.parentRunId"] == row.info.run_id
    assert "params.yaml" in artifacts(client, row, "")


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_has_the_digests_of_dvc_lock(runs: dict[str, Run], lock: dict[str, Any], stage: str) -> None:
    tags = runs[stage].data.tags
    for out in lock[stage]["outs"]:
        assert tags[f"output.{out['md5']}"] == out["path"]
    for dependency in lock[stage].get("deps", []):
        if not is_code(dependency["path"]):
            assert tags[f"input.{dependency['md5']}"] == dependency["path"]


def test_a_run_has_its_settings_and_its_commit(sandbox: Sandbox, runs: dict[str, Run]) -> None:
    run = runs["train-cnn"]
    assert run.data.params["train-cnn.epochs"] == "2"
    assert run.data.params["train-cnn.optimizer.name"] == "adam"
    assert run.data.params["compute.instruction_set"] == "avx2"
    assert run.data.tags["commit"] == sandbox.git("rev-parse", "HEAD~").strip()
    assert run.data.tags["dirty"] == "false"
    assert (run.data.tags["backend"], run.data.tags["device"]) == ("tensorflow", "cpu:0")


def test_a_training_has_metrics_of_every_epoch(
    sandbox: Sandbox, client: MlflowClient, runs: dict[str, Run]
) -> None:
    for stage in TRAINED.values():
        history = client.get_metric_history(runs[stage].info.run_id, "epoch/val_loss")
        assert [point.step for point in history] == [1, 2]
        (kept,) = metrics(sandbox, stage).values()
        name = "epoch/val_loss" if stage == "train-ae" else "epoch/val_accuracy"
        epochs = client.get_metric_history(runs[stage].info.run_id, name)
        assert min(abs(point.value - kept) for point in epochs) < 1e-6


def test_a_training_has_its_data_and_the_load_of_the_machine(runs: dict[str, Run]) -> None:
    run = runs["train-mlp"]
    contexts = {tag.value for each in run.inputs.dataset_inputs for tag in each.tags}
    assert contexts == {"train", "val"}
    assert run.data.metrics["system/cpu_utilization_percentage"] >= 0


def test_a_trained_model_can_be_loaded_from_mlflow(
    client: MlflowClient, runs: dict[str, Run], lock: dict[str, Any]
) -> None:
    for net, stage in TRAINED.items():
        (output,) = runs[stage].outputs.model_outputs
        model = client.get_logged_model(output.model_id)
        assert (model.name, model.status) == (net, "READY")
        assert model.tags["md5"] == next(
            o["md5"] for o in lock[stage]["outs"] if o["path"].endswith(".keras")
        )
        folder = Path(model.artifact_location.removeprefix("file://"))
        description = YAML(typ="safe").load(folder / "MLmodel")
        assert json.loads(description["signature"]["inputs"])[0]["tensor-spec"]["shape"] == [-1, 28, 28, 1]
        assert "keras==" in (folder / "requirements.txt").read_text()
        assert description["saved_input_example_info"]


@pytest.mark.parametrize("net", ["mlp", "cnn"])
def test_the_run_that_trained_has_the_test_result(
    sandbox: Sandbox, client: MlflowClient, runs: dict[str, Run], net: str
) -> None:
    run = runs[TRAINED[net]]
    assert run.data.metrics["test_accuracy"] == metrics(sandbox, "evaluate")[net]
    assert "test/confusion.png" in artifacts(client, run, "test")
    assert run.info.end_time <= runs["evaluate"].info.start_time


def test_the_run_that_drew_pictures_has_them(client: MlflowClient, runs: dict[str, Run]) -> None:
    drawn = {stage: artifacts(client, runs[stage], "plots") for stage in ("evaluate", "latent-analysis")}
    assert "plots/mlp/confusion.png" in drawn["evaluate"]
    assert "plots/pca.png" in drawn["latent-analysis"]


def test_again_runs_nothing(sandbox_copy: Sandbox) -> None:
    assert "Data and pipelines are up to date." in sandbox_copy.dvc("repro")
    assert sandbox_copy.git("status", "--porcelain") == ""


@pytest.mark.parametrize("place", EDITS)
def test_an_edit_runs_only_what_it_can_change(sandbox_copy: Sandbox, place: str) -> None:
    edit(sandbox_copy, place)
    status = json.loads(sandbox_copy.run("python", "-m", "dvc", "status", "--json", "dvc.yaml").stdout)
    changed = {
        stage for stage, changes in status.items() if any("changed deps" in change for change in changes)
    }
    assert changed == EDITS[place]


def test_an_edit_of_the_drawing_trains_nothing(sandbox_copy: Sandbox) -> None:
    """Preprocess runs again and writes the same bytes."""
    edit(sandbox_copy, "digits/drawing")
    printed = sandbox_copy.dvc("repro", *TRAINED.values())
    assert "Running stage 'preprocess'" in printed
    assert "Running stage 'train" not in printed


def test_there_and_back_between_settings_runs_nothing(sandbox_copy: Sandbox) -> None:
    """The MLP feeds every analysis but the filters; all of them come from DVC's run cache."""
    there = {file: file.read_bytes() for file in (sandbox_copy.path / "metrics").glob("*.json")}
    settings = (sandbox_copy.path / "params.yaml").read_text()
    sandbox_copy.set({"train-mlp": {"hidden": [8]}})
    ran = sandbox_copy.dvc("repro")
    assert all(f"Running stage '{stage}'" in ran for stage in ("train-mlp", "evaluate", "latent-analysis"))
    assert there != {file: file.read_bytes() for file in there}
    (sandbox_copy.path / "params.yaml").write_text(settings)
    assert "Running stage" not in sandbox_copy.dvc("repro")
    assert there == {file: file.read_bytes() for file in there}
    assert sandbox_copy.git("status", "--porcelain", "plots", "metrics", "dvc.lock") == ""


def test_an_experiment_in_a_temporary_copy_reaches_the_same_store(sandbox_copy: Sandbox) -> None:
    sandbox_copy.dvc("exp", "run", "--temp", "--name", "short", "-S", "train-mlp.epochs=1", "train-mlp")
    client = MlflowClient(f"sqlite:///{sandbox_copy.path}/mlflow.db")
    experiment = client.get_experiment_by_name("mnist").experiment_id
    (run,) = client.search_runs([experiment], "tags.experiment = 'short' and tags.stage = 'train-mlp'")
    assert run.data.params["train-mlp.epochs"] == "1"
    assert run.info.status == "FINISHED"
    assert sandbox_copy.git("status", "--porcelain") == ""


def test_a_wrong_setting_stops_the_stage_with_a_message(sandbox_copy: Sandbox) -> None:
    sandbox_copy.set({"train-mlp": {"dropout": 1.5}})
    done = sandbox_copy.run("python", "-m", "dvc", "repro", "train-mlp")
    assert done.returncode != 0
    assert "train-mlp.dropout = 1.5: should be less than 1" in done.stdout


def test_a_mirror_with_a_flipped_byte_is_refused(sandbox_copy: Sandbox, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(sandbox_copy.path / "data" / "raw", mirror)
    labels = mirror / "t10k-labels-idx1-ubyte"
    content = bytearray(labels.read_bytes())
    content[100] ^= 1
    labels.chmod(0o644)
    labels.write_bytes(content)
    printed = sandbox_copy.dvc("repro", "--force", "--single-item", "download", MNIST_MIRROR=str(mirror))
    assert "t10k-labels-idx1-ubyte" in printed
    assert "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2" in printed
    assert "Data and pipelines are up to date." in sandbox_copy.dvc("repro", "preprocess")
