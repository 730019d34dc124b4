"""Which commits and experiments hold an output, by git's versions of dvc.lock; commands that restore it."""

import io
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from digits.pipeline.processes import output, run
from digits.tracking.digest import LOCK, STUDIES, STUDIES_LOCK, cached

LOCKS = (LOCK.as_posix(), STUDIES_LOCK.as_posix())
MD5 = re.compile(rb"\bmd5: ([0-9a-f]{32}(?:\.dir)?)")
# Beside experiments DVC keeps references of its own: exec, stash, celery ...
EXPERIMENT = re.compile(r"^(\w+) refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/(.+)$", re.MULTILINE)


class Revision(NamedTuple):
    """A commit whose dvc.lock names an output, and the experiment that it belongs to, if to one."""

    commit: str
    experiment: str = ""


def read_history() -> dict[str, Revision]:
    """Return by the MD5 of each output the newest commit that holds it, or else the newest experiment."""
    committed = _commits("HEAD", "--branches", "--tags", "--remotes")
    references = output("git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps")
    experiments = dict(EXPERIMENT.findall(references))
    others = _commits(*experiments) if experiments else []
    revisions = [Revision(commit) for commit in committed]
    revisions += [Revision(c, experiments.get(c, "unnamed")) for c in others if c not in committed]
    found: dict[str, Revision] = {}
    for lock in LOCKS if revisions else ():
        for revision, content in zip(revisions, _contents(revisions, lock), strict=True):
            for match in MD5.findall(content):
                found.setdefault(match.decode(), revision)
    return found


def _commits(*which: str) -> list[str]:
    """Return the commits that changed a lock, newest first."""
    return output("git", "log", "--format=%H", *which, "--", *LOCKS).split()


def _contents(revisions: list[Revision], lock: str) -> Iterator[bytes]:
    """Yield the lock at each revision, empty where there is none, by one process of git."""
    request = "\n".join(f"{revision.commit}:{lock}" for revision in revisions).encode()
    done = run(["git", "cat-file", "--batch"], input=request, capture_output=True, check=True)
    answer = io.BytesIO(done.stdout)
    for _ in revisions:
        *_, size = answer.readline().split()  # or "missing", and nothing follows
        yield b"" if size == b"missing" else answer.read(int(size) + 1)


def restoring(outputs: Mapping[str, str], history: Mapping[str, Revision]) -> Iterator[str]:
    """Yield for each output (MD5 by path) the command that restores it, or a line that says why none can."""
    for path, md5 in outputs.items():
        copies = [] if md5.endswith(".dir") else [cached(md5), cached(md5, STUDIES)]
        if revision := history.get(md5):
            experiment = f"  # of experiment {revision.experiment}" if revision.experiment else ""
            yield f"{_restoring(revision.commit, path)}{experiment}"
        elif copy := next((copy for copy in copies if copy.is_file()), None):
            yield f"cp {copy} {path}  # in no commit and no experiment, but in DVC's cache"
        else:
            yield f"# {path}: these bytes are in no commit and no experiment; run the stage again"


def _restoring(commit: str, path: str) -> str:
    if output("git", "cat-file", "-t", f"{commit}:{path}"):  # git itself holds it
        return f"git restore --source={commit[:12]} -- {path}"
    return f"dvc get --force . {path} --rev {commit[:12]} --out {path}"
