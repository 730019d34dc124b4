"""The command line of the stages, from outside, with every heavy package a trap."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from digits.pipeline import processes
from digits.pipeline import stage as command
from digits.pipeline.declaration import declare, describe, read_pipeline
from tests.support.helpers import ROOT, STAGES, module_name, params

HEAVY = ("keras", "matplotlib", "mlflow", "numpy", "pandas", "scipy", "sklearn", "tensorflow")


@pytest.fixture
def project(workdir: Path) -> Path:
    """A folder with the project's dvc.yaml and params.yaml and nothing else, as the current one."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, workdir)
    return workdir


def python(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run Python with every heavy package replaced by a trap that reports its import."""
    traps = Path("traps")
    traps.mkdir(exist_ok=True)
    for name in HEAVY:
        (traps / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')")
    environment = os.environ | {"PYTHONPATH": f"{traps.resolve()}{os.pathsep}{ROOT}", "COLUMNS": "200"}
    return processes.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)


def write_params(document: dict[str, Any]) -> None:
    YAML().dump(document, Path("params.yaml"))


@pytest.mark.parametrize("stage", STAGES)
def test_help_names_every_path_and_loads_nothing_heavy(project: Path, stage: str) -> None:
    done = python("-m", module_name(stage), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    entry = read_pipeline(ROOT)["stages"][stage]
    assert entry["desc"] in re.sub(r"\s+", " ", done.stdout)
    assert f"settings, in params.yaml: {', '.join(entry['params'])}" in done.stdout
    assert "${" not in done.stdout
    _, inputs, outputs = declare(stage, {}, ROOT)
    for path in (*inputs, *outputs):
        assert re.search(rf" {re.escape(path.relative_to(ROOT).as_posix())}(,|$)", done.stdout, re.MULTILINE)


def test_the_help_of_a_study_names_its_own_settings_and_the_shared_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    lines = describe("stability", Path("studies")).splitlines()
    assert lines[0] == "What studies/dvc.yaml declares:"
    assert lines[1].startswith("  reads: data/prepared/test, ")
    assert lines[2].endswith("studies/metrics/stability_NET.json, studies/plots/stability/NET")
    assert lines[-2:] == [
        "  settings, in studies/params.yaml: stability",
        "  settings, in params.yaml: seed, confidence",
    ]


def test_a_stage_started_outside_the_project_says_so(workdir: Path) -> None:
    done = python("-m", "stages.train_mlp")
    assert done.returncode == 1
    assert done.stderr == ("train-mlp: dvc.yaml has no such stage. Run this from the project's own folder.\n")


def test_a_path_on_the_command_line_is_refused(project: Path) -> None:
    done = python("-m", "stages.train_mlp", "--model", "other.keras")
    assert done.returncode == 2
    assert "unrecognized arguments: --model other.keras" in done.stderr


def test_a_wrong_setting_ends_the_stage_and_leaves_nothing(project: Path) -> None:
    document = params()
    document["train-mlp"]["epochs"] = 0
    write_params(document)
    done = python("-m", "stages.train_mlp")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "train-mlp: params.yaml has settings that cannot be used:\n"
        "  train-mlp.epochs = 0: should be greater than or equal to 1"
    )
    assert sorted(path.name for path in project.iterdir()) == ["dvc.yaml", "params.yaml", "traps"]


def test_a_missing_dataset_is_named(project: Path) -> None:
    document = params()
    del document["dataset"]
    write_params(document)
    done = python("-m", "stages.train_mlp")
    assert done.returncode == 1
    assert done.stderr == (
        "train-mlp: params.yaml has settings that cannot be used:\n"
        "  dataset: missing (name of the data set)\n"
    )


def test_a_missing_input_is_named_with_the_commands_that_help(project: Path) -> None:
    done = python("-m", "stages.train_mlp")
    assert done.returncode == 1
    assert done.stderr == (
        "train-mlp: data/prepared/train is not there. `dvc checkout` brings it back, `dvc repro` makes it.\n"
    )


def test_old_halves_of_checkpoints_are_removed_and_new_ones_are_not(workdir: Path) -> None:
    folder = workdir / ".checkpoints"
    folder.mkdir()
    for name, age in ((".dead.npz.a.npz", 7200), (".living.npz.b.npz", 0), ("whole.npz", 7200)):
        (folder / name).touch()
        written = time.time() - age
        os.utime(folder / name, (written, written))
    command._sweep([])
    assert sorted(path.name for path in folder.iterdir()) == [".living.npz.b.npz", "whole.npz"]
