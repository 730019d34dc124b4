"""Which commits and experiments hold an output: dvc.lock as git remembers it."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

LOCKS = ("dvc.lock", "studies/dvc.lock")
MD5 = re.compile(rb"\bmd5: ([0-9a-f]{32}(?:\.dir)?)")
EXPERIMENTS = "refs/exps/"


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
        committed = self._commits("HEAD", "--branches", "--tags", "--remotes")
        names = _git("for-each-ref", "--format=%(objectname) %(refname)", EXPERIMENTS).splitlines()
        experiments = {
            commit: name.rpartition("/")[2] for commit, name in (line.split(" ", 1) for line in names)
        }
        branches = [Place(commit) for commit in committed]
        others = [
            Place(commit, experiments.get(commit, "unnamed"))
            for commit in self._commits(f"--glob={EXPERIMENTS}*")
            if commit not in set(committed)
        ]
        places: dict[str, Place] = {}
        for place, content in zip(*_locks([*branches, *others]), strict=True):
            for match in MD5.findall(content):
                places.setdefault(match.decode(), place)
        return places

    @staticmethod
    def _commits(*which: str) -> list[str]:
        return _git("log", "--format=%H", *which, "--", *LOCKS).split()


def _locks(places: list[Place]) -> tuple[list[Place], list[bytes]]:
    """Return each place as often as it has a lock file, and the contents of those files."""
    names = [(place, f"{place.commit}:{lock}") for place in places for lock in LOCKS]
    request = "\n".join(name for _, name in names).encode()
    done = subprocess.run(["git", "cat-file", "--batch"], input=request, capture_output=True, check=True)
    answer, position = done.stdout, 0
    found, contents = [], []
    for place, _ in names:
        end = answer.index(b"\n", position)
        header = answer[position:end].split()
        position = end + 1
        if header[-1] == b"missing":
            continue
        size = int(header[-1])
        found.append(place)
        contents.append(answer[position : position + size])
        position += size + 1
    return found, contents


def holds(commit: str, path: str) -> bool:
    """Whether git itself holds the file or folder at that commit."""
    return _run(["cat-file", "-e", f"{commit}:{path}"]).returncode == 0


def _git(*arguments: str) -> str:
    done = _run(arguments)
    return done.stdout if done.returncode == 0 else ""


def _run(arguments: Iterable[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], capture_output=True, text=True)
