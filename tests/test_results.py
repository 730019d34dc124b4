"""What is committed belongs together: results, README, lock files, fingerprint, links."""

import io
import json
import re
import sys
import tarfile
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from digits.pipeline import processes
from digits.tracking.digest import STUDIES_LOCK, locked_stages
from tests.helpers import ROOT
from tools import fingerprint, results, study_tables
from tools.sandbox import Sandbox

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]


def committed(repository: Path, target: Path) -> Path:
    """Write pages and results to `target` as the last commit has them: other results may lie here by now."""
    command = ["git", "archive", "HEAD", "README.md", "docs", "metrics", "plots"]
    archive = processes.run(command, cwd=repository, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        members.extractall(target, filter="data")
    return target


def unlike(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the pages whose tables are not those of the results beside them."""
    monkeypatch.setattr(results, "ROOT", root)
    monkeypatch.setattr(study_tables, "PLOTS", root / "plots" / "studies")
    monkeypatch.setattr(study_tables, "METRICS", root / "metrics" / "studies")
    texts = {page: page.read_text(encoding="utf-8") for page in results.pages()}
    assert all(results.BEGIN in text for text in texts.values())
    return [
        page.name
        for page, made in results.pages().items()
        if texts[page] != results.with_table(texts[page], made)
    ]


def test_the_tables_of_the_pages_are_those_of_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unlike(committed(ROOT, tmp_path), monkeypatch) == []


def test_other_results_in_the_working_tree_do_not_matter_until_they_are_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Sandbox(tmp_path / "copy")
    committed(ROOT, copy.path)
    copy.git("init", "-q", "-b", "main")
    copy.git("add", "--all")
    copy.git("commit", "-q", "-m", "copy")
    metrics = copy.path / "metrics" / "evaluate.json"
    figures = json.loads(metrics.read_text())
    figures["cnn"]["accuracy"] = 0.5
    metrics.write_text(json.dumps(figures))
    assert unlike(committed(copy.path, tmp_path / "before"), monkeypatch) == []
    copy.git("commit", "-q", "--all", "-m", "results without their table")
    assert unlike(committed(copy.path, tmp_path / "after"), monkeypatch) == ["README.md"]


@pytest.mark.parametrize("lock", ["dvc.lock", "studies/dvc.lock"])
def test_the_results_belong_to_the_settings(lock: str) -> None:
    settings = YAML(typ="safe").load(ROOT / "params.yaml")
    for stage, entry in locked_stages(ROOT, Path(lock)).items():
        for key, value in entry.get("params", {}).get("params.yaml", {}).items():
            assert settings[key] == value, f"{stage}: {key}; run dvc repro and commit"


def test_the_results_belong_to_the_code() -> None:
    done = processes.run(
        [sys.executable, "-m", "dvc", "status", "--json"], cwd=ROOT, capture_output=True, text=True
    )
    studied = locked_stages(ROOT, STUDIES_LOCK)  # those not yet run have no results
    for stage, changes in json.loads(done.stdout).items():
        if ":" in stage and stage.partition(":")[2] not in studied:
            continue
        for change in changes:
            code = [
                path for path in change.get("changed deps", {}) if path.startswith(("stages/", "studies/"))
            ]
            assert code == [], f"{stage}; run dvc repro and commit"


def test_the_fingerprint_names_the_locked_libraries_and_the_settings() -> None:
    recorded = json.loads((ROOT / fingerprint.RECORDED).read_text())
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert recorded["libraries"] == {name: locked[name] for name in fingerprint.LIBRARIES}
    assert recorded["compute"] == YAML(typ="safe").load(ROOT / "params.yaml")["compute"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_the_tour_shows_every_picture() -> None:
    tour = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    pages = tour + (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    pictures = [path.relative_to(ROOT).as_posix() for path in (ROOT / "plots").rglob("*.png")]
    assert [picture for picture in pictures if picture not in pages] == []


def test_make_help_lists_every_command() -> None:
    text = (ROOT / "Makefile").read_text()
    commands = re.findall(r"^([a-z]+):", text, re.MULTILINE)
    printed = processes.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {command}" in printed for command in commands)
