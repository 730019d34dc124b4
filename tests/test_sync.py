"""Pipeline and studies as two DVC repositories in one project: one journal, one store, one history."""

import shlex
import shutil
import textwrap
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from digits.tracking import provenance
from digits.tracking.__main__ import main
from digits.tracking.digest import locked_outputs, md5
from digits.tracking.journal import root
from tests.support.helpers import ROOT
from tools.sandbox import Sandbox

CODE = """
    import sys
    from pathlib import Path
    from digits import tracking

    name, folder = sys.argv[1], Path(sys.argv[2])
    out, metrics = folder / "data" / name, folder / "metrics" / f"{name}.json"
    plots = folder / "plots" / name
    outputs = {out: "file", metrics: "metrics", plots: "plots"}
    with tracking.start(tracking.Entry(name, "digits", {"seed": 1}, %s, outputs, %s)):
        for path in (out, plots, metrics.parent):
            path.mkdir(parents=True, exist_ok=True)
        (out / "table.csv").write_text(name)
        (out / "details.json").write_text('{"many": {"numbers": 1.5}}')
        (plots / "picture.txt").write_text(f"drawn by {name}")
        metrics.write_text('{"%s": 0.75}')
"""
PIPELINE = """
    stages:
      one:
        cmd: python stages/one.py one .
        params: [seed, dataset]
        deps: [stages/one.py]
        outs: [data/one]
        metrics: [metrics/one.json: {cache: false}]
        plots: [plots/one: {cache: false}]
"""
STUDIES = """
    stages:
      two:
        cmd: cd .. && python studies/two.py two studies
        params: [{../params.yaml: [seed]}]
        deps: [two.py, ../data/one]
        outs: [data/two]
        metrics: [metrics/two.json: {cache: false}]
        plots: [plots/two: {cache: false}]
"""
IGNORED = "/data\n/studies/data\n/.journal\n/mlruns\n/mlflow.db*\n"
ENVIRONMENT = {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A committed project whose pipeline and studies have run."""
    project = Sandbox(tmp_path_factory.mktemp("made"))
    files = {
        "stages/one.py": CODE % ("{}", "Path('params.yaml')", "acc"),
        "studies/two.py": CODE % ("{Path('data/one'): 'file'}", "None", "study_acc"),
        "dvc.yaml": PIPELINE,
        "studies/dvc.yaml": STUDIES,
        "params.yaml": "dataset: digits\nseed: 1\n",
        ".gitignore": IGNORED,
    }
    for name, text in files.items():
        (project.path / name).parent.mkdir(exist_ok=True)
        (project.path / name).write_text(textwrap.dedent(text))
    project.git("init", "-q", "-b", "main")
    project.dvc("init", "-q")
    project.dvc("--cd", "studies", "init", "-q", "--subdir")
    project.git("add", "--all")
    project.git("commit", "-q", "-m", "code")
    project.dvc("repro", **ENVIRONMENT)
    project.dvc("--cd", "studies", "repro", **ENVIRONMENT)
    return project


def copied(made: Sandbox, target: Path, monkeypatch: pytest.MonkeyPatch, *without: str) -> Sandbox:
    """Return a copy as the current folder, its results committed."""
    shutil.copytree(made.path, target, symlinks=True, ignore=shutil.ignore_patterns(*without))
    monkeypatch.chdir(target)
    copy = Sandbox(target)
    copy.git("add", "--all")
    copy.git("commit", "-q", "-m", "results")
    return copy


@pytest.fixture
def project(made: Sandbox, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A copy of the project with its runs, as the current folder."""
    return copied(made, workdir / "project", monkeypatch)


@pytest.fixture
def pulled(made: Sandbox, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A copy of the project with its results but no runs, as the current folder."""
    return copied(made, workdir / "pulled", monkeypatch, "mlflow.db", "mlruns", ".journal")


def runs(folder: Path) -> dict[str, Run]:
    """Return the newest run of each name."""
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("digits")
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])[::-1]}


def logged(run: Run) -> dict[str, float]:
    """Return the metrics that a stage logged, without the machine's load."""
    return {name: value for name, value in run.data.metrics.items() if not name.startswith("system/")}


def artifacts(run: Run) -> set[str]:
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(list(words))
    return code, capsys.readouterr().out


@pytest.mark.parametrize("named", [".", "studies"])
def test_the_project_is_found_from_each_dvc_repository(
    project: Sandbox, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(project.path / named))
    (project.path / "copy").mkdir()
    monkeypatch.chdir(project.path / "copy")
    assert root() == project.path


def test_pipeline_and_studies_share_journal_and_store(project: Sandbox) -> None:
    found = runs(project.path)
    assert {name: run.info.status for name, run in found.items()} == dict.fromkeys(found, "FINISHED")
    assert set(found) == {"one", "two", "pipeline"}
    assert found["two"].data.tags[f"output.{md5(Path('studies/data/two'))}"] == "studies/data/two"
    assert [path.name for path in Path("studies").glob("*.db")] == []
    assert not Path("studies/.journal").exists()
    assert locked_outputs() == {
        path: md5(Path(path))
        for name, folder in (("one", ""), ("two", "studies/"))
        for path in (f"{folder}data/{name}", f"{folder}metrics/{name}.json", f"{folder}plots/{name}")
    }


def test_few_numbers_are_metrics_and_the_many_an_artifact(project: Sandbox) -> None:
    found = runs(project.path)
    assert logged(found["one"]) == {"acc": 0.75}
    assert found["pipeline"].data.metrics == {"one.acc": 0.75}
    assert artifacts(found["one"]) == {"data/details.json", "plots/picture.txt"}


def test_a_temporary_copy_reports_to_the_project(project: Sandbox) -> None:
    project.dvc("exp", "run", "--temp", "--name", "other", "-S", "seed=2", **ENVIRONMENT)
    client = MlflowClient(f"sqlite:///{project.path}/mlflow.db")
    experiment = client.get_experiment_by_name("digits").experiment_id
    found = client.search_runs([experiment], "tags.experiment = 'other'")
    assert sorted(run.data.tags["stage"] for run in found) == ["one", "pipeline"]


def test_sync_enters_a_run_as_the_stage_would_have(
    made: Sandbox, pulled: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(capsys, "sync") == (0, "Runs sent to MLflow: 0.\nEntered as restored: one, two.\n")
    before, after = runs(made.path), runs(pulled.path)
    for name in ("one", "two", "pipeline"):
        kept = [
            {k: v for k, v in run.data.tags.items() if k.startswith(("output.", "input.", "state"))}
            for run in (before[name], after[name])
        ]
        assert kept[0] == kept[1]
        assert artifacts(after[name]) >= artifacts(before[name])
        assert after[name].data.metrics == logged(before[name])
    assert after["two"].data.tags[f"input.{md5(Path('data/one'))}"] == "data/one"
    assert after["two"].data.params == {"seed": "1"}
    code, answer = asked(capsys, "audit")
    assert code == 0, answer
    assert "Numbers in metrics/ compared with MLflow: 2." in answer
    assert asked(capsys, "sync") == (0, "Runs sent to MLflow: 0.\n")


def test_a_study_is_found_and_restored(project: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert "stage: two" in asked(capsys, "which", "studies/data/two")[1]
    answer = asked(capsys, "show", runs(project.path)["two"].info.run_id)[1]
    before = {path: md5(Path(path)) for path in ("studies/data/two", "studies/metrics/two.json")}
    for folder in ("data", "metrics"):
        shutil.rmtree(f"studies/{folder}")
        (project.path / "studies" / folder).mkdir()
    for command in answer.split("to restore them:\n")[1].splitlines():
        project.run(*shlex.split(command, comments=True))
    assert {path: md5(Path(path)) for path in before} == before


@pytest.mark.parametrize("committed", [False, True])
def test_studies_that_were_not_run_here_are_no_fault(
    pulled: Sandbox, capsys: pytest.CaptureFixture[str], committed: bool
) -> None:
    shutil.rmtree("studies/data")
    shutil.rmtree("studies/.dvc/cache")
    if not committed:  # else a clone has their lock and metrics from git, but neither data nor runs
        pulled.git("rm", "-rq", "studies/dvc.lock", "studies/metrics", "studies/plots")
    code, answer = asked(capsys, "sync")
    assert (code, answer) == (0, "Runs sent to MLflow: 0.\nEntered as restored: one.\n")
    code, answer = asked(capsys, "audit")
    assert code == 0, answer
    listed = "Of studies that have not been run here:\n  studies/metrics/two.json\n"
    assert (listed in answer) == committed


def test_a_stale_stage_is_left_out_and_named(pulled: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    Path("params.yaml").write_text("dataset: digits\nseed: 3\n")
    code, answer = asked(capsys, "sync")
    assert code == 0
    assert "Left out, since `dvc status` finds them changed or missing: one." in answer


def test_results_of_studies_leave_the_tree_clean(project: Sandbox) -> None:
    Path("studies/metrics/two.json").write_text("{}")
    Path("studies/dvc.lock").write_text("{}")
    assert provenance.tags()["dirty"] == "false"
    Path("studies/two.py").write_text("")
    assert provenance.tags()["dirty"] == "true"
