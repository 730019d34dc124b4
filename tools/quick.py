"""Runs the whole pipeline on 5,000 images in a temporary copy of the working tree, touching nothing."""

import argparse
import sys
import tempfile
from pathlib import Path

from digits.pipeline import processes
from tools.sandbox import Sandbox

QUICK = {
    "preprocess": {"train": 4000, "val": 500, "test": 500},
    "train-mlp": {"epochs": 6, "batch_size": 64},
    "train-cnn": {"epochs": 5, "batch_size": 64},
    "train-ae": {"epochs": 10, "batch_size": 64},
}


def main() -> int:
    """Run the copy's pipeline and show its figures; return its exit code."""
    argparse.ArgumentParser(prog="python -m tools.quick", description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="quick-") as folder:
        sandbox = Sandbox.create(Path(folder), QUICK)
        for command in (["repro"], ["metrics", "show"]):
            dvc = [sys.executable, "-m", "dvc", *command]
            done = processes.run(dvc, cwd=folder, env=sandbox.environment(), own=True)
            if done.returncode:
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
