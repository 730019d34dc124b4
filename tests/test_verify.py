"""The comparison of a new run with the committed results: it names every difference that matters."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from digits.networks.common.saved import save_model
from digits.tracking.digest import md5
from tools import verify

LOCK = """
schema: '2.0'
stages:
  train-cnn:
    cmd: train
    outs:
    - {path: models/cnn.keras, hash: md5, md5: %s, size: 3}
    - {path: data/history.csv, hash: md5, md5: aa, size: 3}
"""


def repository(folder: Path, md5: str, accuracy: float, mse: float = 0.1) -> Path:
    (folder / "metrics").mkdir(parents=True)
    (folder / "dvc.yaml").write_text("stages: {train-cnn: {cmd: train}}")
    (folder / "dvc.lock").write_text(LOCK % md5)
    (folder / "metrics" / "evaluate.json").write_text(json.dumps({"cnn": accuracy, "ae": mse}))
    (folder / "metrics" / "fingerprint.json").write_text(json.dumps({"machine": md5}))
    return folder


def compare(tmp_path: Path, md5: str, accuracy: float, mse: float, machine: list[str]) -> int:
    ours = repository(tmp_path / "ours", "aa", 0.99)
    theirs = repository(tmp_path / "theirs", md5, accuracy, mse)
    unlike = list(verify.compare_bytes(ours, theirs))
    metrics = list(verify.compare_metrics(ours / "metrics", theirs / "metrics"))
    return verify.report(unlike, "where it is", metrics, machine)


def test_same_bytes_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(tmp_path, "aa", 0.99, 0.1, []) == 0
    assert "Same bytes" in capsys.readouterr().out


def test_different_bytes_on_the_recorded_machine_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tmp_path, "bb", 0.99, 0.1, []) == 1
    printed = capsys.readouterr().out
    assert "train-cnn: models/cnn.keras" in printed
    assert "history.csv" not in printed


def test_another_machine_passes_within_the_tolerance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tmp_path, "bb", 0.991, 0.11, ["vendor: recorded A, here B"]) == 0
    printed = capsys.readouterr().out
    assert "vendor: recorded A, here B" in printed
    assert "within the tolerance" in printed


@pytest.mark.parametrize(("accuracy", "mse"), [(0.98, 0.1), (0.99, 0.2)])
def test_another_machine_fails_beyond_the_tolerance(tmp_path: Path, accuracy: float, mse: float) -> None:
    assert compare(tmp_path, "bb", accuracy, mse, ["vendor: recorded A, here B"]) == 1


def test_a_missing_metric_is_beyond_any_tolerance(tmp_path: Path) -> None:
    ours, theirs = (repository(tmp_path / name, "aa", 0.99) for name in ("ours", "theirs"))
    (theirs / "metrics" / "evaluate.json").write_text("{}")
    assert list(verify.compare_metrics(ours / "metrics", theirs / "metrics")) == [
        "evaluate: ae is None, recorded 0.1",
        "evaluate: cnn is None, recorded 0.99",
    ]


def model_in_cache(folder: Path, weights: float, layer: str = "dense") -> str:
    """Save a network of one layer as DVC's cache would hold it; return its MD5."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name=layer)])
    network.layers[0].set_weights([np.full((2, 3), weights, np.float32), np.zeros(3, np.float32)])
    save_model(folder / "models" / "cnn.keras", network)
    digest = md5(folder / "models" / "cnn.keras")
    cached = folder / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
    cached.parent.mkdir(parents=True)
    shutil.copy(folder / "models" / "cnn.keras", cached)
    return digest


@pytest.mark.parametrize(
    ("weights", "layer", "where"),
    [
        (0.75, "dense", "largest difference in dense/kernel: 0.25"),
        (0.5, "other", "which has equal weights: the configuration differs"),
    ],
)
def test_the_tensor_that_differs_is_named(tmp_path: Path, weights: float, layer: str, where: str) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    recorded, found = model_in_cache(ours, 0.5), model_in_cache(theirs, weights, layer)
    unlike = verify.Unlike("train-cnn", "models/cnn.keras", recorded, found)
    assert verify.pinpoint(ours, theirs, unlike) == f"models/cnn.keras, {where}"


def test_the_first_file_of_a_folder_that_differs_is_named(tmp_path: Path) -> None:
    listings = {"ours": {"a.npy": "1", "b.npy": "2"}, "theirs": {"a.npy": "1", "b.npy": "3", "c.npy": "4"}}
    for name, files in listings.items():
        cached = tmp_path / name / ".dvc" / "cache" / "files" / "md5" / "ff" / "0.dir"
        cached.parent.mkdir(parents=True)
        cached.write_text(json.dumps([{"relpath": file, "md5": digest} for file, digest in files.items()]))
        (tmp_path / name / "data").mkdir()
    unlike = verify.Unlike("preprocess", "data", "ff0.dir", "ff0.dir")
    assert verify.pinpoint(tmp_path / "ours", tmp_path / "theirs", unlike) == "data/b.npy"


def test_differences_are_in_the_order_of_the_stages(tmp_path: Path) -> None:
    for name, digest in (("ours", "aa"), ("theirs", "bb")):
        folder = tmp_path / name
        folder.mkdir()
        outputs = {"z-first": "second.json", "a-second": "first.json"}
        (folder / "dvc.yaml").write_text(json.dumps({"stages": {stage: {} for stage in outputs}}))
        stages = {stage: {"outs": [{"path": path, "md5": digest}]} for stage, path in outputs.items()}
        (folder / "dvc.lock").write_text(json.dumps({"stages": stages}))
    unlike = verify.compare_bytes(tmp_path / "ours", tmp_path / "theirs")
    assert [str(each) for each in unlike] == ["z-first: second.json", "a-second: first.json"]
