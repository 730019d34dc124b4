"""A small pipeline run that many tests look at, made once: real images, real DVC, real MLflow."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from digits.pipeline.processes import PREFIX
from tools.sandbox import SMALL, Sandbox

SLOW = ("test_faults", "test_tracking")  # files whose tests wait for other processes

# What a git hook that runs the tests has set would lead the libraries here to the hook's repository.
for inherited in [name for name in os.environ if name.startswith(PREFIX)]:
    del os.environ[inherited]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give the small pipeline run to one of the two processes, each other file to one; mark the slow."""
    shares = "sandbox" in getattr(item, "fixturenames", ())
    item.add_marker(pytest.mark.xdist_group("sandbox" if shares else item.path.stem))
    if shares or item.path.stem in SLOW:
        item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A clone of the working tree in which the whole pipeline has run on 1,000 real images: only to read."""
    clone = Sandbox.create(tmp_path_factory.mktemp("clone"), SMALL)
    clone.dvc("repro")
    clone.git("add", "--all")
    clone.git("commit", "-q", "-m", "results")
    return clone


@pytest.fixture
def sandbox_copy(sandbox: Sandbox, tmp_path: Path) -> Sandbox:
    """A copy of the small pipeline run, for a test that changes something in it."""
    shutil.copytree(sandbox.path, tmp_path / "copy", symlinks=True)
    return Sandbox(tmp_path / "copy")


@pytest.fixture(autouse=True)
def unchanged_sandbox(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that changes the shared run, on which all others rely."""
    if "sandbox" not in request.fixturenames:
        yield
        return
    path = request.getfixturevalue("sandbox").path
    before = _files(path)
    yield
    changed = sorted(name for name, _ in before ^ _files(path))
    assert not changed, f"the shared sandbox was changed ({changed[:3]}): use the fixture sandbox_copy"


def _files(folder: Path) -> set[tuple[str, int]]:
    """Return name and time of each file, apart from what git, DVC and Python note for themselves."""
    own = {".git", ".dvc", "__pycache__"}
    paths = (p for p in folder.rglob("*") if own.isdisjoint(p.relative_to(folder).parts) and p.is_file())
    return {(path.relative_to(folder).as_posix(), path.stat().st_mtime_ns) for path in paths}


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the current one, with no trace of a DVC run around."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("DVC_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    return tmp_path
