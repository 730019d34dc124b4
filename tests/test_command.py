"""The command line of the stages, from outside, with every heavy package a trap."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digits.pipeline import processes
from digits.pipeline import stage as command
from digits.pipeline.stage import Input, Item, Output
from tests.helpers import ROOT, STAGES, changed, code, module_name, params

HEAVY = ("keras", "matplotlib", "mlflow", "numpy", "pandas", "scipy", "sklearn", "tensorflow")
OPTIONS = [f"--{name}={name}" for name in ("train", "val", "dataset", "model", "history", "metrics")]


def python(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run Python where every heavy package is a trap, so that whoever imports one shows it."""
    traps = Path("traps")
    traps.mkdir(exist_ok=True)
    for name in HEAVY:
        (traps / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')")
    environment = os.environ | {"PYTHONPATH": f"{traps.resolve()}{os.pathsep}{ROOT}", "COLUMNS": "200"}
    return processes.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("stage", [*STAGES, "features"])
def test_help_names_every_path_without_loading_anything_heavy(workdir: Path, stage: str) -> None:
    done = python("-m", module_name(stage), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.sub(r"\s+", " ", done.stdout)
    for name, field in code(stage).Paths.model_fields.items():
        mark = next(item for item in field.metadata if isinstance(item, (Input, Output, Item)))
        direction = {Input: "read: ", Output: "written: ", Item: ""}[type(mark)]
        assert f"--{name.replace('_', '-')} {name.upper()} {direction}{mark.meaning}" in shown


def test_a_wrong_setting_ends_the_stage_at_once_and_leaves_nothing(workdir: Path) -> None:
    Path("bad.yaml").write_text(changed("train-mlp", "epochs", 0))
    done = python("-m", "stages.train_mlp", "--params", "bad.yaml", *OPTIONS)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "train-mlp: bad.yaml has settings that cannot be used:\n"
        "  train-mlp.epochs = 0: should be greater than or equal to 1 (epochs at most)\n"
    )
    assert sorted(path.name for path in workdir.iterdir()) == ["bad.yaml", "traps"]


def test_a_missing_dataset_is_told_in_a_sentence(workdir: Path) -> None:
    document = params()
    del document["dataset"]
    Path("bad.yaml").write_text(json.dumps(document))
    done = python("-m", "stages.train_mlp", "--params", "bad.yaml", *OPTIONS)
    assert done.returncode == 1
    assert done.stderr == (
        "train-mlp: bad.yaml has settings that cannot be used:\n  dataset: missing (name of the data set)\n"
    )


def test_old_halves_of_checkpoints_are_swept_and_those_being_written_are_not(workdir: Path) -> None:
    folder = workdir / ".checkpoints"
    folder.mkdir()
    for name, age in ((".dead.npz.a.npz", 7200), (".living.npz.b.npz", 0), ("whole.npz", 7200)):
        (folder / name).touch()
        written = time.time() - age
        os.utime(folder / name, (written, written))
    command._sweep(command.Paths())
    assert sorted(path.name for path in folder.iterdir()) == [".living.npz.b.npz", "whole.npz"]
