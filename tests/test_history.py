"""Which commit or experiment holds an output, asked of a real git repository."""

from pathlib import Path

import pytest

from digits.tracking.history import read_history
from tools.sandbox import Sandbox

FIRST, SECOND, VARIANT, STASHED = (digit * 32 for digit in "abcd")
EXPERIMENTS = f"refs/exps/12/{'3' * 38}"


def commit(repository: Sandbox, md5: str) -> str:
    """Commit a dvc.lock that names one output; return the commit."""
    (repository.path / "dvc.lock").write_text(f"outs:\n- path: model\n  md5: {md5}\n")
    repository.git("add", "dvc.lock")
    repository.git("commit", "-q", "-m", md5)
    return repository.git("rev-parse", "HEAD").strip()


@pytest.fixture
def repository(workdir: Path) -> Sandbox:
    repository = Sandbox(workdir)
    repository.git("init", "-q", "-b", "main")
    return repository


def test_an_output_is_found_in_the_newest_commit_that_holds_it(repository: Sandbox) -> None:
    first, second = commit(repository, FIRST), commit(repository, SECOND)
    again = commit(repository, FIRST)
    history = read_history()
    places = [history.get(FIRST), history.get(SECOND)]
    assert [place and place.commit for place in places] == [again, second]
    assert first not in (again, second)
    assert history.get("f" * 32) is None


def test_an_experiment_is_named_and_others_of_dvcs_references_are_passed_over(repository: Sandbox) -> None:
    committed = commit(repository, FIRST)
    for reference, md5 in ((f"{EXPERIMENTS}/quick-try", VARIANT), ("refs/exps/exec/EXEC_HEAD", STASHED)):
        repository.git("update-ref", reference, commit(repository, md5))
        repository.git("reset", "-q", "--hard", committed)
    history = read_history()
    place = history.get(VARIANT)
    assert place
    assert place.experiment == "quick-try"
    assert history.get(STASHED) is None
    assert (history.get(FIRST) or place).experiment == ""


def test_a_repository_without_commits_holds_nothing(repository: Sandbox) -> None:
    assert read_history().get(FIRST) is None
