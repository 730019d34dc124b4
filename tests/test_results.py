"""What is committed belongs together: results, tables, lock files, fingerprint, links."""

import io
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from digits.analysis.classification.intervals import accuracy_interval
from digits.pipeline import StageError, processes
from digits.pipeline.declaration import PACKAGES, is_code
from digits.tracking.digest import STUDIES_LOCK, locked_stages
from tests.support.helpers import ROOT
from tools import results, verify
from tools.sandbox import Sandbox

PICTURES, TABLES = "studies/plots", "studies/metrics"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
METRICS: dict[str, dict[str, float]] = {
    "evaluate": {"cnn": 0.75, "mlp": 0.5, "ae": 0.01},
    "feature-importance": {"pixels": 0.25},
    "latent-analysis": {"frechet": 12.34},
}
PREDICTIONS = "label,logistic,mlp,cnn\n7,1,7,7\n7,7,1,7\n1,1,1,1\n2,7,7,1\n"
PLAIN = """\
on 4 test images                                                         accuracy  90% interval
majority class                                                             50.00%  18.24% to 81.76%
logistic regression                                                        50.00%  18.24% to 81.76%
MLP on the 9 pixels that matter most to a random forest                    25.00%  5.79% to 64.38%
MLP                                                                        50.00%  18.24% to 81.76%
CNN                                                                        75.00%  35.62% to 94.21%

mean squared error of the autoencoder, per pixel (1: full ink)            0.01000
Fréchet distance of generated images from test images (lower is better)      12.3"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with small results and pages without them; no study has been run."""
    for folder in ("metrics", "docs", TABLES, f"{PICTURES}/twins"):
        (tmp_path / folder).mkdir(parents=True)
    for stage, values in METRICS.items():
        (tmp_path / "metrics" / f"{stage}.json").write_text(json.dumps(values))
    (tmp_path / "metrics" / "predictions.csv").write_text(PREDICTIONS)
    (tmp_path / "params.yaml").write_text("confidence: 0.9\nfeature-importance: {chosen_pixels: 9}\n")
    (tmp_path / "README.md").write_text(f"before\n{results.BEGIN}\nold\n{results.END}\nafter\n")
    (tmp_path / "docs" / "studies.md").write_text(f"{results.BEGIN}\nold\n{results.END}\n")
    return tmp_path


def test_results_are_shown_as_plain_text(project: Path) -> None:
    assert results.plain(results.results(project)) == PLAIN


def test_intervals_have_the_confidence_of_the_settings(project: Path) -> None:
    found = {name: ends for name, _, ends in results.results(project).accuracies}
    assert found["CNN"] == accuracy_interval(3, 4, 0.9)
    for confidence, level in ((0.5, "50%"), (0.995, "99.5%")):
        settings = f"confidence: {confidence}\nfeature-importance: {{chosen_pixels: 9}}\n"
        (project / "params.yaml").write_text(settings)
        page = results.pages(project)[project / "README.md"]
        assert f"| on the 4 test images | accuracy | {level} interval |" in page


def test_no_text_names_a_level_that_is_not_the_setting(project: Path) -> None:
    shown = results.results(project)
    assert shown.confidence == 0.9
    assert "95" not in results.plain(shown) + results.markdown(shown)
    sources = [path for folder in (*PACKAGES, "tools") for path in (ROOT / folder).rglob("*.py")]
    for path in [*sources, *PAGES]:
        text = results.with_table(path.read_text(encoding="utf-8"), "")
        assert not re.search(r"\b(50|68|80|9\d(\.\d+)?) ?(%|percent) (confidence )?interval", text), path
        assert path.suffix == ".md" or not re.search(r"confidence\b[^=\n]*= ?0?\.\d", text), path


def test_the_readme_gets_its_table_between_the_marks(project: Path) -> None:
    page = results.pages(project)[project / "README.md"]
    assert page.startswith(
        f"before\n{results.BEGIN}\n| on the 4 test images | accuracy | 90% interval |\n|---|---|---|\n"
    )
    assert "| **CNN** | 75.00% | 35.62% to 94.21% |\n" in page
    assert "| Fréchet distance of generated images from test images (lower is better) | 12.3 |\n" in page
    assert page.endswith(f"{results.END}\nafter\n")


def test_a_study_is_shown_once_it_has_been_run(project: Path) -> None:
    page = project / "docs" / "studies.md"
    assert results.pages(project)[page] == f"{results.BEGIN}\nNot run yet.\n{results.END}\n"
    layer = {"matched_correlation": 0.5, "matched_by_chance": 0.25, "cka": 0.75, "cka_by_chance": 0.125}
    twins: dict[str, Any] = {"conv": layer, "kernels": {"matched_cosine": 0.9, "by_chance": 0.1}}
    (project / TABLES / "twins.json").write_text(json.dumps(twins))
    for name in ("layers.png", "kernels.png"):
        (project / PICTURES / "twins" / name).touch()
    text = results.pages(project)[page]
    assert "### Twins\n\n![twins](../studies/plots/twins/layers.png)" in text
    assert "| conv | 0.50 | 0.25 | 0.75 | 0.12 |" in text


def test_published_results_are_beside_ours() -> None:
    literature = pd.DataFrame(
        [("1", "accuracy", 0.3, 0.4, "book"), ("blog-cnn", "epochs", None, None, "blog")],
        columns=["net", "what", "low", "high", "source"],
    )
    ours = {
        "1": {"accuracy": {"mean": 0.35, "min": 0.3, "max": 0.4}},
        "blog-cnn": {"epochs": {"mean": 9, "min": 9, "max": 9}},
    }
    table = results.published(ours, literature)
    assert "| 1 hidden unit | accuracy | 0.300 to 0.400 | 0.350 (0.300 to 0.400) | book |" in table
    assert "| blog cnn | epochs | not given | 9 | blog |" in table


def test_features_without_a_result_have_an_empty_cell() -> None:
    table = results.features({"forest": {"10": 0.5, "2": 0.25}, "clusters": {"10": 0.75}})
    assert table.splitlines()[0] == "| features from | 2 | 10 |"
    assert table.splitlines()[2:] == ["| forest | 25.00% | 50.00% |", "| clusters | | 75.00% |"]


def test_missing_results_are_named(project: Path) -> None:
    (project / "metrics" / "evaluate.json").unlink()
    with pytest.raises(StageError, match=r"has no evaluate\.json.*make repro"):
        results.results(project)


def committed(repository: Path, target: Path) -> Path:
    """Write pages and results to `target` as the last commit has them, whatever the working tree has."""
    paths = ["README.md", "docs", "metrics", "params.yaml", "studies"]
    paths = [path for path in paths if (repository / path).exists()]
    command = ["git", "archive", "HEAD", *paths]
    archive = processes.run(command, cwd=repository, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        members.extractall(target, filter="data")
    return target


def outdated(root: Path) -> list[str]:
    """Return the pages whose tables do not belong to the results beside them."""
    return [
        page.name for page, text in results.pages(root).items() if page.read_text(encoding="utf-8") != text
    ]


def test_the_committed_tables_belong_to_the_committed_results(tmp_path: Path) -> None:
    assert outdated(committed(ROOT, tmp_path)) == [], "run python -m tools.results and commit"


def test_results_count_once_they_are_committed(project: Path, tmp_path: Path) -> None:
    for page, text in results.pages(project).items():
        page.write_text(text, encoding="utf-8")
    repository = Sandbox(project)
    repository.git("init", "-q", "-b", "main")
    (project / PICTURES / "twins" / "layers.png").touch()  # git archive wants something in a folder
    (project / TABLES / "features.json").write_text("{}")
    repository.git("add", "--all")
    repository.git("commit", "-q", "-m", "results and tables")
    (project / "metrics" / "evaluate.json").write_text(json.dumps(METRICS["evaluate"] | {"ae": 0.25}))
    assert outdated(committed(project, tmp_path / "before")) == []
    repository.git("commit", "-q", "--all", "-m", "results without their table")
    assert outdated(committed(project, tmp_path / "after")) == ["README.md"]


@pytest.mark.parametrize("lock", ["dvc.lock", "studies/dvc.lock"])
def test_the_results_belong_to_the_settings(lock: str) -> None:
    settings = {name: YAML(typ="safe").load(ROOT / name) for name in ("params.yaml", "studies/params.yaml")}
    for stage, entry in locked_stages(ROOT, Path(lock)).items():
        for file, values in entry.get("params", {}).items():
            name = (
                file.removeprefix("../") if file.startswith("../") else (Path(lock).parent / file).as_posix()
            )
            for key, value in values.items():
                assert _at(settings[name], key) == value, f"{stage}: {key}; run dvc repro and commit"


def _at(settings: Any, key: str) -> Any:
    for part in key.split("."):
        settings = settings[part]
    return settings


@pytest.mark.parametrize("folder", [ROOT, ROOT / "studies"], ids=["pipeline", "studies"])
def test_the_results_belong_to_the_code(folder: Path) -> None:
    command = [sys.executable, "-m", "dvc", "status", "--json", "dvc.yaml"]
    done = processes.run(command, cwd=folder, capture_output=True, text=True, check=True)
    locked = locked_stages(ROOT) if folder == ROOT else locked_stages(ROOT, STUDIES_LOCK)
    for stage, changes in json.loads(done.stdout).items():
        for change in changes if stage in locked else ():  # a study that was never run has no results
            changed = [path for path in change.get("changed deps", {}) if is_code(path)]
            assert changed == [], f"{stage}; run dvc repro and commit"


def test_the_fingerprint_names_the_locked_libraries_and_no_processor() -> None:
    recorded = json.loads((ROOT / verify.RECORDED).read_text())
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert recorded["libraries"] == {name: locked[name] for name in verify.LIBRARIES}
    assert recorded.keys() == {"gpu", "libraries", "machine", "system"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_the_pages_show_every_picture() -> None:
    pages = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("tour.md", "studies.md"))
    folders = (ROOT / "plots", ROOT / PICTURES)
    pictures = [path.relative_to(ROOT).as_posix() for folder in folders for path in folder.rglob("*.png")]
    assert [picture for picture in pictures if picture not in pages] == []


def test_make_help_lists_every_command() -> None:
    text = (ROOT / "Makefile").read_text()
    commands = re.findall(r"^([a-z-]+):", text, re.MULTILINE)
    printed = processes.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [command for command in commands if f"make {command} " not in printed] == []
