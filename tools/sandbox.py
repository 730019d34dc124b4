"""Run the whole pipeline on 5,000 images in the folder quick/, a copy of the working tree."""

import argparse
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
from tools.dependencies import ROOT
from tools.results import plain, results

QUICK = {
    "preprocess": {"train": 4000, "val": 500, "test": 500},
    "train-mlp": {"epochs": 6, "batch_size": 64},
    "train-cnn": {"epochs": 5, "batch_size": 64},
    "train-ae": {"epochs": 10, "batch_size": 64},
}
# Every part of the pipeline on 1,000 images, for tests.
SMALL: dict[str, dict[str, Any]] = {
    "preprocess": {"train": 800, "val": 100, "test": 100},
    "train-mlp": {"epochs": 2, "batch_size": 32},
    "train-cnn": {"epochs": 2, "batch_size": 32},
    "train-ae": {"epochs": 2, "batch_size": 32, "latent": 8},
    "evaluate": {"logistic_iterations": 20, "bootstrap": 50},
    "filters": {"reference_images": 100, "noise_images": 16, "starts_per_map": 1, "ascent_steps": 2},
    "feature-importance": {"trees": 10, "forests": 2, "attribution_images": 3, "integration_steps": 4},
    "latent-analysis": {
        "tsne_train": 60,
        "tsne_test": 20,
        "mixture_components": 3,
        "generated_images": 40,
        "generator_seeds": 2,
        "neighbour_queries": 10,
        "denoising": {"images": 20, "standard_deviation": [0.3], "dropped": [0.3]},
    },
}
ENDING = """
Pictures are in quick/plots/, everything else in quick/ too; the next `make quick` replaces it.
The runs in MLflow: MLFLOW_TRACKING_URI=sqlite:///quick/mlflow.db make ui"""


def main() -> int:
    """Run the copy's pipeline and print its results; return DVC's exit code."""
    argparse.ArgumentParser(prog="python -m tools.sandbox", description=__doc__).parse_args()
    folder = ROOT / "quick"
    shutil.rmtree(folder, ignore_errors=True)
    dvc = [sys.executable, "-m", "dvc", "repro"]
    environment = Sandbox.create(folder, QUICK).environment()
    done = processes.run(dvc, cwd=folder, env=environment, own=True)
    if done.returncode == 0:
        print("", plain(results(folder)), ENDING, sep="\n")
    return done.returncode


@dataclass(frozen=True)
class Sandbox:
    """A git repository of its own in `path`: with `create`, a copy of the working tree without its cache."""

    path: Path

    @classmethod
    def create(cls, path: Path, settings: Mapping[str, Mapping[str, Any]]) -> "Sandbox":
        """Copy tracked and new files to `path`, change these settings in params.yaml, and commit."""
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = processes.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, names.split("\0")):
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
        outputs = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        env = self.environment() | environment
        return processes.run(command, cwd=self.path, env=env, own=True, text=True, **outputs)

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


if __name__ == "__main__":
    sys.exit(main())
