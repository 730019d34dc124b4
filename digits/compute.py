"""What decides the last bits of arithmetic: backend, instruction sets, kernels; not the number of cores.

Work is cut into pieces of a fixed size. Each piece is computed on one core, and the results are put
together in a fixed order; the number of cores only decides how many pieces are computed at once.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field

from digits.pipeline import StageError
from digits.pipeline.settings import Block

Piece = TypeVar("Piece")
Result = TypeVar("Result")

CORES = "DIGITS_CORES"  # environment variable: pieces computed at once, if set
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "MICROSECONDS PERIOD", or "max PERIOD" without a limit

# NumPy and OpenBLAS choose kernels by processor; these names switch off whatever is above AVX2.
ABOVE_AVX2 = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "ATEN_CPU_CAPABILITY": "avx2",
}
ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",  # for one operation
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class Compute(Block):
    """Settings that change the last bits of every float, and so belong to the result."""

    backend: Literal["tensorflow", "jax", "torch"] = Field(description="what Keras computes with")
    instruction_set: Literal["avx2", "native"] = Field(
        description="avx2: the same kernels on every x86-64 processor with AVX2; native: the newest"
    )


def environment(compute: Compute) -> dict[str, str]:
    """Return the environment variables that apply `compute` in Keras, NumPy and SciPy."""
    avx2 = compute.instruction_set == "avx2"
    return {
        **ONE_THREAD,
        "KERAS_BACKEND": compute.backend,
        "KERAS_HOME": os.devnull,  # no keras.json
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "TF_DETERMINISTIC_OPS": "1",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_FLAGS": " ".join(["--xla_cpu_multi_thread_eigen=false", *(["--xla_cpu_max_isa=AVX2"] * avx2)]),
        **(ABOVE_AVX2 if avx2 else {}),
    }


# Two processes with the same values of these give the same results with TensorFlow on a CPU.
VARIABLES = tuple(environment(Compute(backend="tensorflow", instruction_set="avx2")))


def pin(compute: Compute) -> None:
    """Set the environment for this process; call it before NumPy or Keras is imported.

    Raises StageError if the backend is not installed.
    """
    if not find_spec(compute.backend):
        raise StageError(
            f"compute.backend is {compute.backend}, which is not installed: .venv/bin/uv pip install "
            f"--python .venv/bin/python '.[{compute.backend}]' -c requirements-backends.lock"
        )
    os.environ.update(environment(compute))
    os.environ["TF_NUM_INTEROP_THREADS"] = str(cores())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def cores() -> int:
    """Return how many pieces to compute at once: DIGITS_CORES, or else the cores this process may use.

    Raises StageError if DIGITS_CORES is no number.
    """
    if wanted := os.environ.get(CORES):
        if not (wanted.isdecimal() and int(wanted)):
            raise StageError(f"the environment variable {CORES} is {wanted!r}: should be a number, 1 or more")
        return int(wanted)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = QUOTA.read_text().split()
    except (OSError, ValueError):  # no Linux, or no limit by a control group
        return allowed
    return allowed if quota == "max" else max(1, min(allowed, ceil(int(quota) / int(period))))


def parallel(function: Callable[[Piece], Result], pieces: Iterable[Piece]) -> list[Result]:
    """Return the function of each piece, in the order of the pieces; as many at once as there are cores."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(function, pieces))


def devices() -> list[str]:
    """Return the devices that Keras computes on: the GPUs, or else the processor."""
    import keras

    if keras.config.backend() == "torch":  # for which Keras lists none
        import torch  # type: ignore[import-not-found]

        return ["gpu:0"] if torch.cuda.is_available() else ["cpu:0"]
    return list(keras.distribution.list_devices("gpu") or keras.distribution.list_devices("cpu"))
