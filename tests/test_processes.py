"""No command acts on a repository that it was not started in, whatever a git hook has set."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from digits.pipeline import processes
from digits.tracking import provenance
from digits.tracking.history import read_history
from tests.support.helpers import ROOT
from tools import verify
from tools.sandbox import Sandbox

Victim = Callable[[], dict[str, bytes]]
LEADING = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG_COUNT", "a hook")
OUTPUT = "c" * 32


def settings(repository: Path, variable: str) -> dict[str, str]:
    """Return what leads git to the repository: one variable, or those that a hook in a worktree has."""
    paths = {
        "GIT_DIR": repository / ".git",
        "GIT_INDEX_FILE": repository / ".git/index",
        "GIT_WORK_TREE": repository,
        "GIT_OBJECT_DIRECTORY": repository / ".git/objects",
    }
    if variable == "GIT_CONFIG_COUNT":
        hooks, worktree = ("core.hooksPath", str(repository / "hooks")), ("core.worktree", str(repository))
        return {"GIT_CONFIG_COUNT": "2"} | {
            f"GIT_CONFIG_{part}_{number}": value
            for number, pair in enumerate((hooks, worktree))
            for part, value in zip(("KEY", "VALUE"), pair, strict=True)
        }
    if variable == "a hook":
        linked = repository.parent / "linked"
        return {"GIT_DIR": str(repository / ".git" / "worktrees" / "linked"), "GIT_WORK_TREE": str(linked)}
    return {variable: str(paths[variable])}


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def refuse(hooks: Path, said: Path) -> None:
    """Write hooks that refuse everything, and say that they ran."""
    hooks.mkdir()
    for name in ("pre-commit", "commit-msg", "post-checkout", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{said}'\nexit 1\n")
        (hooks / name).chmod(0o755)


@pytest.fixture
def victim(workdir: Path) -> Victim:
    """The user's repository with a linked worktree; return every byte of both."""
    mine = Sandbox(workdir / "mine")
    mine.path.mkdir()
    mine.git("init", "-q", "-b", "main")
    (mine.path / "letter.txt").write_text("dear")
    mine.git("add", "--all")
    mine.git("commit", "-q", "-m", "mine")
    mine.git("worktree", "add", "-q", "../linked")
    (mine.path / "letter.txt").write_text("dearest")
    mine.git("add", "--all")
    refuse(mine.path / "hooks", mine.path / "hook-ran")
    return lambda: {
        str(path): path.read_bytes() for folder in ("mine", "linked") for path in files(workdir / folder)
    }


@pytest.mark.parametrize("variable", LEADING)
def test_a_copy_leaves_the_repository_of_a_hook_alone(
    workdir: Path, victim: Victim, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    before = victim()
    for name, value in settings(workdir / "mine", variable).items():
        monkeypatch.setenv(name, value)
    copy = Sandbox.create(workdir / "copy", {"train-mlp": {"epochs": 1}})
    (copy.path / "dvc.lock").write_text(f"outs:\n- md5: {OUTPUT}\n")
    copy.git("commit", "-q", "--all", "-m", "results")
    commit = copy.git("rev-parse", "HEAD").strip()
    assert copy.git("log", "--format=%s").split() == ["results", "copy"]
    assert copy.git("rev-parse", "--absolute-git-dir").strip() == str(copy.path.resolve() / ".git")
    monkeypatch.chdir(copy.path)
    place = read_history().get(OUTPUT)
    assert place
    assert (place.commit, provenance.tags()["commit"]) == (commit, commit)
    assert victim() == before


@pytest.mark.parametrize("variable", LEADING)
def test_a_run_names_the_commit_of_its_own_repository(workdir: Path, victim: Victim, variable: str) -> None:
    before = victim()
    own = Sandbox(workdir / "own")
    own.path.mkdir()
    own.git("init", "-q", "-b", "main")
    own.git("commit", "-q", "--allow-empty", "-m", "own")
    stage = [
        sys.executable,
        "-c",
        "from digits.tracking import provenance; print(provenance.tags()['commit'])",
    ]
    led = [f"{name}={value}" for name, value in settings(workdir / "mine", variable).items()]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = processes.run(
        ["env", *led, *stage], cwd=own.path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == own.git("rev-parse", "HEAD").strip()
    assert victim() == before


def test_the_tests_and_make_drop_the_variables_of_a_hook(workdir: Path, victim: Victim) -> None:
    before = victim()
    led = [f"{name}={value}" for name, value in settings(workdir / "mine", "GIT_DIR").items()]
    shown = "import tests.conftest, os; print([name for name in os.environ if name.startswith('GIT_')])"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    options: dict[str, Any] = {
        "cwd": ROOT,
        "env": environment,
        "capture_output": True,
        "text": True,
        "check": True,
    }
    done = processes.run(["env", *led, sys.executable, "-c", shown], **options)
    assert done.stdout.strip() == "[]"
    done = processes.run(["env", *led, "make", "-s", "--eval=shown: ; @env", "shown"], **options)
    assert "PATH=" in done.stdout
    assert "GIT_DIR" not in done.stdout
    assert victim() == before


@pytest.fixture
def hostile(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose git signs with a missing program, refuses by hooks, ignores and converts files."""
    home = workdir / "home"
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/ignore").write_text("*.py\n")
    (home / ".config/git/attributes").write_text("* text eol=crlf\n")
    refuse(home / "hooks", home / "hook-ran")
    (home / "templates").mkdir()
    refuse(home / "templates/hooks", home / "hook-ran")
    (home / ".gitconfig").write_text(
        f"[commit]\n gpgsign = true\n[gpg]\n program = /bin/false\n[core]\n hooksPath = {home}/hooks\n"
        f" autocrlf = true\n[init]\n templateDir = {home}/templates\n[user]\n useConfigOnly = true\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return home


def test_a_copy_is_committed_whatever_git_is_configured_to(workdir: Path, hostile: Path) -> None:
    copy = Sandbox.create(workdir / "copy", {"train-mlp": {"epochs": 1}})
    assert copy.git("log", "--format=%an %s").strip() == "sandbox copy"
    assert "stages/train_mlp.py" in copy.git("ls-files").split()
    assert not (hostile / "hook-ran").exists()


def test_a_clone_has_the_committed_bytes_whatever_git_is_configured_to(
    workdir: Path, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Sandbox.create(workdir / "copy", {"train-mlp": {"epochs": 1}})
    monkeypatch.setattr(verify, "ROOT", copy.path)
    clone = verify._clone(workdir / "clone")
    names = [name for name in copy.git("ls-files").splitlines() if not (copy.path / name).is_symlink()]
    assert [n for n in names if (clone / n).read_bytes() != (copy.path / n).read_bytes()] == []
    assert not (hostile / "hook-ran").exists()


def test_one_module_starts_processes() -> None:
    starts = re.compile(r"\bsubprocess\.(run|Popen|call|check_\w+)\(|from\s+subprocess\s+import")
    folders = ("digits", "stages", "studies", "tests", "tools")
    code = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    found = {file.relative_to(ROOT).as_posix() for file in code if starts.search(file.read_text())}
    assert found == {"digits/pipeline/processes.py"}


def test_a_run_in_a_fresh_repository_names_its_commit(
    workdir: Path, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Sandbox(workdir / "own")
    own.path.mkdir()
    own.git("init", "-q", "-b", "main")
    own.git("commit", "-q", "--allow-empty", "-m", "own")
    monkeypatch.chdir(own.path)
    assert provenance.tags()["commit"] == own.git("rev-parse", "HEAD").strip()
