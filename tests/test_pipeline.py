"""The whole pipeline on 1,000 real images in a clone of its own: what it writes and what it records."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread
from mlflow import MlflowClient
from mlflow.entities import Run
from ruamel.yaml import YAML

from tests.helpers import STAGES
from tools.sandbox import Sandbox

OF_A_CLASSIFIER = (
    "history",
    "confusion",
    "confusion_counts",
    "confusion_columns",
    "confusion_errors",
    "worst_pairs",
    "calibration",
    "roc",
    "precision_recall",
    "true_positives",
    "false_positives",
    "false_negatives",
    "first_predictions",
    "first_probabilities",
    "nearest",
)
PICTURES = [
    "preprocess/label_counts.png",
    "preprocess/pixel_values.png",
    "preprocess/images.png",
    "preprocess/class_means.png",
    "evaluate/comparison.png",
    *(f"evaluate/{network}/{name}.png" for network in ("mlp", "cnn") for name in OF_A_CLASSIFIER),
    "evaluate/ae/history.png",
    "evaluate/ae/reconstructions.png",
    "evaluate/disagreement.png",
    "evaluate/doubtful.png",
    "evaluate/robustness.png",
    "evaluate/robustness_images.png",
    *(f"filters/{name}.png" for name in ("layers", "receptive_fields", "kernels", "class_maps", "features")),
    *(f"filters/convolution_{n}/{name}.png" for n in (1, 2, 3) for name in ("maps", "patterns")),
    "feature-importance/importance_map.png",
    "feature-importance/network_maps.png",
    "feature-importance/rank_correlations.png",
    "feature-importance/class_attributions.png",
    "feature-importance/image_attributions.png",
    "feature-importance/activations.png",
    "feature-importance/pixel_pairs.png",
    "feature-importance/chosen_pixels.png",
    "latent-analysis/pca.png",
    "latent-analysis/scree.png",
    "latent-analysis/tsne.png",
    "latent-analysis/latent_axes.png",
    "latent-analysis/histograms.png",
    "latent-analysis/latent_correlation.png",
    "latent-analysis/pairs.png",
    "latent-analysis/lengths.png",
    "latent-analysis/sweep.png",
    "latent-analysis/mahalanobis.png",
    "latent-analysis/normality.png",
    "latent-analysis/generated.png",
    "latent-analysis/scores.png",
    "latent-analysis/walks.png",
    "latent-analysis/interpolation.png",
    "latent-analysis/denoising.png",
    "latent-analysis/denoising_images.png",
]
TRAINED = {"mlp": "train-mlp", "cnn": "train-cnn", "ae": "train-ae"}


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


@pytest.mark.parametrize("picture", PICTURES)
def test_draws_the_picture(sandbox: Sandbox, picture: str) -> None:
    pixels = imread(sandbox.path / "plots" / picture)
    assert min(pixels.shape[:2]) > 150
    assert pixels[..., :3].std() > 0.02


def test_draws_no_picture_that_is_not_listed_here(sandbox: Sandbox) -> None:
    plots = sandbox.path / "plots"
    drawn = {
        p.relative_to(plots).as_posix() for p in plots.rglob("*.png") if plots / "studies" not in p.parents
    }
    assert sorted(PICTURES) == sorted(drawn)


def test_figures_are_plausible_on_a_thousand_images(sandbox: Sandbox) -> None:
    evaluate = metrics(sandbox, "evaluate")
    assert evaluate["majority"]["accuracy"] < 0.2 < 0.5 < evaluate["mlp"]["accuracy"] <= 1
    assert evaluate["mlp"]["accuracy_low"] < evaluate["mlp"]["accuracy"] < evaluate["mlp"]["accuracy_high"]
    assert 0 < evaluate["ae"]["pca_mse"] < 0.1
    assert 0 < evaluate["ae"]["mse"] < 0.2
    importance = metrics(sandbox, "feature-importance")
    assert 0.2 < importance["forest_70"]["accuracy"] <= 1
    assert 0 < importance["random_70"]["accuracy"] <= 1


def test_every_stage_has_a_finished_run(runs: dict[str, Run]) -> None:
    assert sorted(runs) == sorted([*STAGES, "pipeline"])
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_the_state_of_the_pipeline_is_one_row(
    sandbox: Sandbox, client: MlflowClient, runs: dict[str, Run]
) -> None:
    row = runs["pipeline"]
    assert row.data.params["train-cnn.epochs"] == "2"
    assert row.data.params["preprocess.train"] == "800"
    assert row.data.metrics["evaluate.cnn.accuracy"] == metrics(sandbox, "evaluate")["cnn"]["accuracy"]
    assert row.data.metrics["train-ae.val_loss"] == metrics(sandbox, "train-ae")["val_loss"]
    for stage in STAGES:
        assert row.data.tags[f"run.{stage}"] == runs[stage].info.run_id
        assert runs[stage].data.tags["mlflow.parentRunId"] == row.info.run_id
    assert "params.yaml" in artifacts(client, row, "")


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_names_the_bytes_of_dvc_lock(runs: dict[str, Run], lock: dict[str, Any], stage: str) -> None:
    tags = runs[stage].data.tags
    for out in lock[stage]["outs"]:
        assert tags[f"output.{out['md5']}"] == out["path"]
    for dependency in lock[stage].get("deps", []):
        if not dependency["path"].startswith("stages/"):
            assert tags[f"input.{dependency['md5']}"] == dependency["path"]


def test_a_run_names_its_settings_and_its_code(sandbox: Sandbox, runs: dict[str, Run]) -> None:
    run = runs["train-cnn"]
    assert run.data.params["train-cnn.epochs"] == "2"
    assert run.data.params["train-cnn.optimizer.name"] == "adam"
    assert run.data.params["compute.instruction_set"] == "avx2"
    assert run.data.tags["commit"] == sandbox.git("rev-parse", "HEAD").strip()
    assert run.data.tags["dirty"] == "false"
    assert (run.data.tags["backend"], run.data.tags["device"]) == ("tensorflow", "cpu:0")


def test_a_training_has_a_figure_for_every_epoch(
    sandbox: Sandbox, client: MlflowClient, runs: dict[str, Run]
) -> None:
    for stage in TRAINED.values():
        history = client.get_metric_history(runs[stage].info.run_id, "epoch/val_loss")
        assert [point.step for point in history] == [1, 2]
        kept = metrics(sandbox, stage)
        assert runs[stage].data.metrics["val_loss"] == kept["val_loss"]
        assert history[kept["best_epoch"] - 1].value == pytest.approx(kept["val_loss"], abs=1e-6)


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
def test_test_figures_and_pictures_stand_on_the_run_that_trained(
    sandbox: Sandbox, client: MlflowClient, runs: dict[str, Run], net: str
) -> None:
    run = runs[TRAINED[net]]
    assert run.data.metrics["test_accuracy"] == metrics(sandbox, "evaluate")[net]["accuracy"]
    assert "test/confusion.png" in artifacts(client, run, "test")
    assert run.info.end_time <= runs["evaluate"].info.start_time


def test_pictures_stand_on_the_run_that_drew_them(client: MlflowClient, runs: dict[str, Run]) -> None:
    drawn = {stage: artifacts(client, runs[stage], "plots") for stage in ("evaluate", "latent-analysis")}
    assert "plots/mlp/confusion.png" in drawn["evaluate"]
    assert "plots/pca.png" in drawn["latent-analysis"]


def test_again_does_nothing(sandbox: Sandbox) -> None:
    sandbox.git("add", "--all")
    sandbox.git("commit", "-q", "-m", "results")
    assert "Data and pipelines are up to date." in sandbox.dvc("repro")
    assert sandbox.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("touched", "changed"),
    [
        ("digits/tracking/replay.py", set()),
        ("digits/pipeline/stage.py", set()),
        (
            "digits/drawing/style.py",
            {"preprocess", "evaluate", "filters", "feature-importance", "latent-analysis"},
        ),
        ("stages/train_cnn.py", {"train-cnn"}),
    ],
)
def test_a_change_concerns_only_what_it_can_change(sandbox: Sandbox, touched: str, changed: set[str]) -> None:
    file = sandbox.path / touched
    text = file.read_text()
    file.write_text(text + "\n# another line\n")
    try:
        status = json.loads(sandbox.run("python", "-m", "dvc", "status", "--json").stdout)
    finally:
        file.write_text(text)
    assert {stage for stage in status if ":" not in stage} == changed  # the studies have not been run


def test_a_change_of_figures_gives_preprocess_the_same_bytes_and_trains_nothing(sandbox: Sandbox) -> None:
    file = sandbox.path / "digits/drawing/style.py"
    text = file.read_text()
    file.write_text(text + "\n# another line\n")
    try:
        printed = sandbox.dvc("repro", "train-mlp", "train-cnn", "train-ae")
    finally:
        file.write_text(text)
    assert "Running stage 'preprocess'" in printed
    assert "Running stage 'train" not in printed


def test_an_experiment_in_a_temporary_copy_reaches_the_same_record(
    sandbox: Sandbox, client: MlflowClient
) -> None:
    sandbox.git("checkout", "-q", ".")
    sandbox.dvc("exp", "run", "--temp", "--name", "short", "-S", "train-mlp.epochs=1", "train-mlp")
    experiment = client.get_experiment_by_name("mnist").experiment_id
    (run,) = client.search_runs([experiment], "tags.experiment = 'short' and tags.stage = 'train-mlp'")
    assert run.data.params["train-mlp.epochs"] == "1"
    assert run.info.status == "FINISHED"
    assert sandbox.git("status", "--porcelain") == ""


def test_a_wrong_setting_stops_the_stage_with_a_message(sandbox: Sandbox) -> None:
    text = (sandbox.path / "params.yaml").read_text()
    sandbox.set({"train-mlp": {"dropout": 1.5}})
    try:
        done = sandbox.run("python", "-m", "dvc", "repro", "train-mlp")
    finally:
        (sandbox.path / "params.yaml").write_text(text)
        sandbox.dvc("checkout", "dvc.yaml")
    assert done.returncode != 0
    assert "train-mlp.dropout = 1.5: should be less than 1" in done.stdout


def test_a_mirror_with_a_flipped_byte_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(sandbox.path / "data" / "raw", mirror)
    labels = mirror / "t10k-labels-idx1-ubyte"
    content = bytearray(labels.read_bytes())
    content[100] ^= 1
    labels.chmod(0o644)
    labels.write_bytes(content)
    printed = sandbox.dvc("repro", "--force", "--single-item", "download", MNIST_MIRROR=str(mirror))
    assert "t10k-labels-idx1-ubyte" in printed
    assert "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2" in printed
    assert "Data and pipelines are up to date." in sandbox.dvc("repro", "preprocess")
