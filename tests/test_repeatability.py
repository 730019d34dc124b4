"""Two processes, one result: what a training leaves depends on its seed and settings alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from digits.pipeline import processes
from tests.helpers import ROOT

SCRIPT = """
import sys
from stages.shared.compute import Compute, pin
pin(Compute(threads=2, instruction_set="avx2"))
import hashlib
from pathlib import Path
from stages.networks.cnn import build_cnn
from stages.shared.models import save_model
from stages.shared.training import Silent, classification, fit
from stages.shared import processes
from tests.helpers import augmentation, cnn, optimizer, random_split
settings = cnn(batch_normalization=True, dropout=0.3, epochs=2, kernel=2, optimizer=optimizer("adam", 0.01),
               augmentation=augmentation(shift=1, rotation=9, zoom=0.1))
train, val = random_split(64), random_split(30, seed=1)
model = build_cnn(settings, train.images, 3, 1)
fit(model, classification("categorical_crossentropy", 3), (train, val), settings, 1, Silent())
print(hashlib.md5(b"".join(values.tobytes() for values in model.get_weights())).hexdigest())
save_model(Path(sys.argv[1]), model)
"""


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """Digest of the weights and bytes of the saved model, from two processes."""
    files = [tmp_path_factory.mktemp("model") / "model.keras" for _ in range(2)]
    processes = [start(file, hash_seed) for file, hash_seed in zip(files, "12", strict=True)]
    outputs = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs[0][1]
    return [(output, file.read_bytes()) for (output, _), file in zip(outputs, files, strict=True)]


def start(file: Path, hash_seed: str) -> "subprocess.Popen[str]":
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": hash_seed,
        "DVC_ROOT": str(file.parent),
    }
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SCRIPT, str(file)]
    return processes.start(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_two_processes_arrive_at_the_same_weights(trainings: list[tuple[str, bytes]]) -> None:
    (first, _), (second, _) = trainings
    assert first == second
    assert len(first.strip()) == 32


def test_two_processes_leave_the_same_file(trainings: list[tuple[str, bytes]]) -> None:
    (_, first), (_, second) = trainings
    assert first == second
