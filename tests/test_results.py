"""What is committed belongs together: results, README, lock files, fingerprint, links."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.helpers import ROOT
from tools import fingerprint, results

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]


def test_the_table_in_the_readme_is_the_one_of_the_metrics() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert results.BEGIN in text
    assert text == results.with_table(text, results.table(ROOT / "metrics"))


def test_the_results_belong_to_the_settings() -> None:
    load = YAML(typ="safe").load
    lock, settings = load(ROOT / "dvc.lock"), load(ROOT / "params.yaml")
    for stage, entry in lock["stages"].items():
        for key, value in entry["params"]["params.yaml"].items():
            assert settings[key] == value, f"{stage}: {key}; run dvc repro and commit"


def test_the_results_belong_to_the_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"], cwd=ROOT, capture_output=True, text=True
    )
    for stage, changes in json.loads(done.stdout).items():
        for change in changes:
            code = [path for path in change.get("changed deps", {}) if path.startswith("stages/")]
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
    pictures = [path.relative_to(ROOT).as_posix() for path in (ROOT / "plots").rglob("*.png")]
    assert [picture for picture in pictures if picture not in tour] == []


def test_make_help_lists_every_command() -> None:
    text = (ROOT / "Makefile").read_text()
    commands = re.findall(r"^([a-z]+):", text, re.MULTILINE)
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {command}" in printed for command in commands)
