"""The comparison of a new run with the committed results: never silent, never lenient by accident."""

import json
from pathlib import Path

import pytest

from tools import verify

LOCK = """
schema: '2.0'
stages:
  train-cnn:
    cmd: train
    outs:
    - {path: models/cnn.keras, hash: md5, md5: %s, size: 3}
    - {path: plots/history.csv, hash: md5, md5: aa, size: 3}
"""


def repository(folder: Path, md5: str, accuracy: float, loss: float = 0.1) -> Path:
    (folder / "metrics").mkdir(parents=True)
    (folder / "dvc.yaml").write_text("stages: {train-cnn: {cmd: train}}")
    (folder / "dvc.lock").write_text(LOCK % md5)
    figures = {"cnn": {"accuracy": accuracy, "log_loss": loss}, "best_epoch": 3}
    (folder / "metrics" / "evaluate.json").write_text(json.dumps(figures))
    return folder


def compare(tmp_path: Path, md5: str, accuracy: float, loss: float, machine: list[str]) -> int:
    ours = repository(tmp_path / "ours", "aa", 0.99)
    theirs = repository(tmp_path / "theirs", md5, accuracy, loss)
    unlike = list(verify.compare_bytes(ours, theirs))
    numbers = list(verify.compare_numbers(ours / "metrics", theirs / "metrics"))
    return verify.report(unlike, "where it is", numbers, machine)


def test_same_bytes_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(tmp_path, "aa", 0.99, 0.1, []) == 0
    assert "Same bytes" in capsys.readouterr().out


def test_other_bytes_on_the_recorded_machine_fail_and_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tmp_path, "bb", 0.99, 0.1, []) == 1
    printed = capsys.readouterr().out
    assert "train-cnn: models/cnn.keras" in printed
    assert "history.csv" not in printed


def test_another_machine_passes_within_the_tolerance_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tmp_path, "bb", 0.991, 0.11, ["vendor: recorded A, here B"]) == 0
    printed = capsys.readouterr().out
    assert "vendor: recorded A, here B" in printed
    assert "within the tolerance" in printed


@pytest.mark.parametrize(("accuracy", "loss"), [(0.98, 0.1), (0.99, 0.2)])
def test_another_machine_fails_beyond_the_tolerance(tmp_path: Path, accuracy: float, loss: float) -> None:
    assert compare(tmp_path, "bb", accuracy, loss, ["vendor: recorded A, here B"]) == 1


def test_a_number_that_is_gone_is_beyond_any_tolerance(tmp_path: Path) -> None:
    ours, theirs = (repository(tmp_path / name, "aa", 0.99) for name in ("ours", "theirs"))
    (theirs / "metrics" / "evaluate.json").write_text('{"best_epoch": 3}')
    assert list(verify.compare_numbers(ours / "metrics", theirs / "metrics")) == [
        "evaluate: cnn.accuracy is None, recorded 0.99",
        "evaluate: cnn.log_loss is None, recorded 0.1",
    ]
