"""Which commits and experiments hold an output, by git's versions of dvc.lock; commands that restore it."""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from digits.pipeline import processes
from digits.tracking.digest import LOCK, STUDIES, STUDIES_LOCK, cached

LOCKS = (LOCK.as_posix(), STUDIES_LOCK.as_posix())
MD5 = re.compile(rb"\bmd5: ([0-9a-f]{32}(?:\.dir)?)")
# Beside experiments DVC keeps references of its own: exec, stash, celery ...
EXPERIMENT = re.compile(r"^(\w+) refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A commit whose dvc.lock names an output, and the experiment that it belongs to, if to one."""

    commit: str
    experiment: str = ""


class History:
    """All commits that git can reach, newest first; committed ones before those of experiments."""

    def find(self, md5: str) -> Place | None:
        """Return the newest commit that holds the output, or else the newest experiment."""
        return self._places.get(md5)

    @cached_property
    def _places(self) -> dict[str, Place]:
        committed = _commits("HEAD", "--branches", "--tags", "--remotes")
        references = _git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps")
        experiments = dict(EXPERIMENT.findall(references))
        places = [Place(commit) for commit in committed]
        if experiments:
            others = [commit for commit in _commits(*experiments) if commit not in set(committed)]
            places += [Place(commit, experiments.get(commit, "unnamed")) for commit in others]
        found: dict[str, Place] = {}
        for lock in LOCKS:
            for place, content in zip(places, _contents(places, lock), strict=True):
                for match in MD5.findall(content):
                    found.setdefault(match.decode(), place)
        return found


def _commits(*which: str) -> list[str]:
    """Return the commits that changed a lock, newest first."""
    return _git("log", "--format=%H", *which, "--", *LOCKS).split()


def _contents(places: list[Place], lock: str) -> list[bytes]:
    """Return the lock at each place, empty where there is none, by one process of git."""
    request = "\n".join(f"{place.commit}:{lock}" for place in places).encode()
    done = processes.run(["git", "cat-file", "--batch"], input=request, capture_output=True, check=True)
    answer, position = done.stdout, 0
    contents = []
    for _ in places:
        end = answer.index(b"\n", position)
        header = answer[position:end].split()
        size = 0 if header[-1] == b"missing" else int(header[-1])
        position = end + 1
        contents.append(answer[position : position + size])
        position += size + 1 if size else 0
    return contents


def restoring(outputs: Mapping[str, str], history: History) -> Iterator[str]:
    """Yield for each output (MD5 by path) the command that restores it, or a line that says why none can."""
    for path, md5 in outputs.items():
        place = history.find(md5)
        copies = [] if md5.endswith(".dir") else [cached(md5), cached(md5, STUDIES)]
        if place:
            experiment = f"  # of experiment {place.experiment}" if place.experiment else ""
            yield f"{_restoring(place.commit, path)}{experiment}"
        elif copy := next((copy for copy in copies if copy.is_file()), None):
            yield f"cp {copy} {path}  # in no commit and no experiment, but in DVC's cache"
        else:
            yield f"# {path}: these bytes are in no commit and no experiment; run the stage again"


def _restoring(commit: str, path: str) -> str:
    if _run(["cat-file", "-e", f"{commit}:{path}"]).returncode == 0:  # git itself holds it
        return f"git restore --source={commit[:12]} -- {path}"
    return f"dvc get --force . {path} --rev {commit[:12]} --out {path}"


def _git(*arguments: str) -> str:
    done = _run(arguments)
    return done.stdout if done.returncode == 0 else ""


def _run(arguments: Iterable[str]) -> "subprocess.CompletedProcess[str]":
    return processes.run(["git", *arguments], capture_output=True, text=True)
