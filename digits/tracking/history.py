"""Which commits and experiments hold an output: dvc.lock as git remembers it."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from digits.pipeline import processes

LOCKS = ("dvc.lock", "studies/dvc.lock")
MD5 = re.compile(rb"\bmd5: ([0-9a-f]{32}(?:\.dir)?)")
# DVC keeps others beside them, of its own: exec, stash, celery ...
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


def holds(commit: str, path: str) -> bool:
    """Whether git itself holds the file or folder at that commit."""
    return _run(["cat-file", "-e", f"{commit}:{path}"]).returncode == 0


def _git(*arguments: str) -> str:
    done = _run(arguments)
    return done.stdout if done.returncode == 0 else ""


def _run(arguments: Iterable[str]) -> "subprocess.CompletedProcess[str]":
    return processes.run(["git", *arguments], capture_output=True, text=True)
