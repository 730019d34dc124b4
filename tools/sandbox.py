"""A copy of the working tree in which the pipeline can run without touching the original."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from digits.pipeline import processes

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Sandbox:
    """A git repository of its own in `path`, with the tracked and new files of the original but no cache."""

    path: Path

    @classmethod
    def create(cls, path: Path, settings: Mapping[str, Mapping[str, Any]]) -> "Sandbox":
        """Copy the working tree to `path`, change these settings in params.yaml, and commit."""
        listing = processes.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for name in filter(None, listing.split("\0")):
            if (ROOT / name).exists():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, path / name, follow_symlinks=False)
        sandbox = cls(path)
        sandbox.set(settings)
        sandbox.git("init", "-q", "-b", "main")
        sandbox.git("add", "--all")
        sandbox.git("commit", "-q", "-m", "copy")
        return sandbox

    def set(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Change settings of params.yaml, block by block."""
        yaml = YAML()
        document = yaml.load(self.path / "params.yaml")
        for block, changes in settings.items():
            if isinstance(changes, Mapping):
                document[block].update(changes)
            else:
                document[block] = changes
        yaml.dump(document, self.path / "params.yaml")

    def run(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the copy; stdout has what the command printed to stderr too."""
        return processes.run(
            command,
            cwd=self.path,
            env=self.environment() | environment,
            own=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def dvc(self, *arguments: str, **environment: str) -> str:
        """Run DVC and return what it printed; raise RuntimeError with that if it fails."""
        return self._checked(sys.executable, "-m", "dvc", *arguments, **environment)

    def git(self, *arguments: str) -> str:
        """Run git as the user `sandbox`; raise RuntimeError if it fails."""
        return self._checked("git", *arguments)

    def _checked(self, *command: str, **environment: str) -> str:
        done = self.run(*command, **environment)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return the environment with this Python first in PATH and without an outer run's variables."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_TRACKING"))}
        kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
        return kept
