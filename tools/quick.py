"""Run the whole pipeline on 5,000 images in the folder quick/, a copy of the working tree."""

import argparse
import shutil
import sys

from digits.pipeline import processes
from tools.results import plain, results
from tools.sandbox import ROOT, Sandbox

FOLDER = ROOT / "quick"
QUICK = {
    "preprocess": {"train": 4000, "val": 500, "test": 500},
    "train-mlp": {"epochs": 6, "batch_size": 64},
    "train-cnn": {"epochs": 5, "batch_size": 64},
    "train-ae": {"epochs": 10, "batch_size": 64},
}
ENDING = """
Pictures are in quick/plots/, everything else in quick/ too; the next `make quick` replaces it.
The runs in MLflow: MLFLOW_TRACKING_URI=sqlite:///quick/mlflow.db make ui"""


def main() -> int:
    """Run the copy's pipeline and print its results; return DVC's exit code."""
    argparse.ArgumentParser(prog="python -m tools.quick", description=__doc__).parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    sandbox = Sandbox.create(FOLDER, QUICK)
    dvc = [sys.executable, "-m", "dvc", "repro"]
    done = processes.run(dvc, cwd=FOLDER, env=sandbox.environment(), own=True)
    if done.returncode == 0:
        print("", plain(results(FOLDER)), ENDING, sep="\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
