"""The studies as a DVC repository of their own: commands in the project's folder never include them."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from digits.pipeline.declaration import read_pipeline
from tools.dependencies import ROOT, code, entry_module
from tools.sandbox import Sandbox

PIPELINE = """
stages:
  copy:
    cmd: cp params.yaml copied.yaml && grep -w seed params.yaml > seed.yaml
    deps: [params.yaml]
    outs: [copied.yaml]
    metrics: [seed.yaml: {cache: false}]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A copy of the working tree, studies and all, whose pipeline is one small stage that has run."""
    copy = Sandbox.create(tmp_path_factory.mktemp("project"), {})
    (copy.path / "dvc.yaml").write_text(PIPELINE)
    copy.git("rm", "-q", "dvc.lock")
    copy.dvc("repro")
    copy.git("add", "--all")
    copy.git("commit", "-q", "-m", "run")
    return copy


@pytest.mark.slow
def test_dvc_in_the_project_never_meets_the_studies(project: Sandbox, tmp_path: Path) -> None:
    said = [project.dvc("exp", "run", "--name", "other", "-S", "seed=3")]
    project.git("checkout", "-q", ".")
    said += [project.dvc(*command.split()) for command in ("checkout", "status", "metrics show", "exp show")]
    said += [project.dvc("exp", "apply", "other"), project.dvc("status")]
    project.git("checkout", "-q", ".")
    project.dvc("checkout")
    project.dvc("remote", "add", "--local", "--default", "storage", str(tmp_path / "remote"))
    said.append(project.dvc("push"))
    shutil.rmtree(project.path / ".dvc" / "cache")
    (project.path / "copied.yaml").unlink()
    said.append(project.dvc("pull"))
    assert (project.path / "copied.yaml").exists()
    assert [text for text in said if "studies" in text] == []


@pytest.mark.slow
def test_a_study_runs_in_its_own_repository(project: Sandbox) -> None:
    studies = project.path / "studies"
    (studies / "data" / "published").mkdir(parents=True)
    trainings = {"net": ["1", "1"], "seed": [1, 2], "accuracy": [0.3, 0.4], "parameters": [805, 805]}
    pd.DataFrame(trainings).to_csv(studies / "data" / "published" / "1.csv", index=False)
    curve = {"source": ["forest"], "features": [70], "mean": [0.5], "min": [0.4], "max": [0.6], "count": [3]}
    pd.DataFrame(curve).to_csv(studies / "data" / "feature-curve.csv", index=False)
    project.dvc("--cd", "studies", "repro", "--single-item", "published-table")
    written = {path.name for path in (studies / "data" / "published-table").iterdir()}
    assert written == {"summary.csv", "comparison.csv"}
    compiled = project.path / "digits" / "data" / "__pycache__" / "files.pyc"
    compiled.parent.mkdir(exist_ok=True)
    compiled.write_bytes(b"a compiled module is no change of the code")
    status = project.dvc("--cd", "studies", "status", "published-table")
    assert "up to date" in status, status
    assert "studies" not in project.dvc("status")


@pytest.mark.slow
def test_a_temporary_copy_of_the_studies_is_refused(project: Sandbox) -> None:
    command = ("python", "-m", "studies.published.published_table")
    done = project.run(*command, DVC_ROOT="/somewhere/else/studies")
    assert done.returncode == 1
    assert "a temporary copy does not have: run `dvc exp run` without --temp and --queue" in done.stdout


@pytest.mark.parametrize("net", ["mlp", "cnn"])
def test_a_network_is_trained_again_only_for_its_own_code_and_settings(net: str) -> None:
    entry = read_pipeline(ROOT / "studies")["stages"]["other-seeds"]
    assert ".code/digits/networks/${item.net}" in entry["deps"]
    assert (ROOT / "studies" / ".code" / "digits" / "networks" / net / "builder.py").exists()
    own, shared = entry["params"]
    assert own == "other-seeds.${item.net}"
    assert shared == {"../params.yaml": ["seed", "compute", "train-${item.net}"]}
    assert not [path for path in code("studies", "other-seeds") if path.endswith(("/mlp", "/cnn"))]
    assert entry_module("studies", "other-seeds") == ROOT / "studies" / "seeds" / "other_seeds.py"
