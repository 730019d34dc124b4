"""What decides the bytes of a result (backend, kernels), and what does not (cores, the user's settings)."""

import json
import os
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from digits import compute
from digits.compute import CORES, Compute, environment, parallel
from digits.pipeline import processes
from tests.support.helpers import ROOT

SCRIPT = """
import sys
from digits.compute import Compute, pin
pin(Compute(backend=sys.argv[1], instruction_set="avx2"))
import keras
import numpy as np
from digits.networks.cnn.builder import build_cnn
from digits.training.loop import fit
from digits.training.objectives import classification
from tests.support.helpers import cnn, optimizer, random_split
train, val = random_split(90), random_split(30, seed=1)
settings = cnn(batch_normalization=True, epochs=3, kernel=2, batch_size=60, optimizer=optimizer("adam", 0.01))
model = build_cnn(settings, train.images, 3, 1)
rng = np.random.default_rng(2)
model.set_weights([rng.normal(0, 0.1, w.shape) if w.ndim > 1 else 0 * w for w in model.get_weights()])
for layer in model.layers:
    if layer.name.startswith("normalization"):
        layer.set_weights([np.full_like(w, i in (0, 3)) for i, w in enumerate(layer.get_weights())])
history = fit(model, classification("categorical_crossentropy", 3), (train, val), settings, 1).history
print(keras.config.backend(), keras.config.floatx(), *history["loss"])
"""


def train(backend: str, folder: Path) -> list[str]:
    """Train in a process whose user prefers another backend and half precision; return what it prints."""
    (folder / ".keras").mkdir(exist_ok=True)
    (folder / ".keras" / "keras.json").write_text(json.dumps({"floatx": "float16", "backend": "torch"}))
    preferred = {"HOME": str(folder), "KERAS_BACKEND": "torch", "DVC_ROOT": str(folder)}
    command = [sys.executable, "-c", SCRIPT, backend]
    kept = {k: v for k, v in os.environ.items() if k not in compute.VARIABLES}
    outputs: Any = {"capture_output": True, "text": True, "check": True, "timeout": 300}
    done = processes.run(command, cwd=ROOT, env=kept | preferred, **outputs)
    return done.stdout.split()


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    backend, floatx, *values = train("tensorflow", tmp_path_factory.mktemp("home"))
    assert (backend, floatx) == ("tensorflow", "float32")
    return [float(value) for value in values]


def test_the_settings_override_what_the_user_prefers(losses: list[float]) -> None:
    assert len(losses) == 3


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_other_backends_start_with_the_same_losses(
    backend: str, losses: list[float], tmp_path: Path
) -> None:
    if not find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    name, floatx, *values = train(backend, tmp_path)
    assert (name, floatx) == (backend, "float32")
    assert [float(value) for value in values] == pytest.approx(losses, rel=0.02)


@pytest.mark.parametrize(
    ("quota", "expected"), [("max 100000", 8), ("150000 100000", 2), ("50000 100000", 1), ("", 8)]
)
def test_the_cores_are_those_that_a_container_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, expected: int
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.delenv(CORES, raising=False)
    monkeypatch.setattr(compute, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert compute.cores() == expected
    monkeypatch.setenv(CORES, "3")
    assert compute.cores() == 3


def test_results_are_in_the_order_of_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CORES, "2")
    both = threading.Barrier(2, timeout=30)

    def work(piece: int) -> int:
        both.wait()  # two at once, or the barrier breaks
        return 10 * piece

    assert parallel(work, range(4)) == [0, 10, 20, 30]


def test_no_number_of_cores_is_among_what_decides_the_bytes() -> None:
    settings: Any = {"backend": "jax", "instruction_set": "native"}
    found = environment(Compute(**settings))
    assert found["KERAS_BACKEND"] == "jax"
    assert "ONEDNN_MAX_CPU_ISA" not in found
    assert not [name for name in compute.VARIABLES if "INTEROP" in name or name == CORES]
