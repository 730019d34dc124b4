"""What decides the last bits of arithmetic: backend, instruction sets and kernels, never the number of cores.

Work is cut into pieces of a fixed size. Each piece is computed on one core, and the results are put
together in a fixed order; the number of cores only decides how many pieces are computed at once.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field

from digits.pipeline.settings import Block

Piece = TypeVar("Piece")
Result = TypeVar("Result")

CORES = "DIGITS_CORES"  # environment variable: pieces computed at once, where it is set
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "MICROSECONDS PERIOD", or "max PERIOD" without a limit

# NumPy and OpenBLAS choose kernels by processor; these names switch off whatever is above AVX2.
ABOVE_AVX2 = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
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
    return {
        **ONE_THREAD,
        "KERAS_BACKEND": compute.backend,
        "KERAS_HOME": os.devnull,  # no keras.json
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "TF_DETERMINISTIC_OPS": "1",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        **(ABOVE_AVX2 if compute.instruction_set == "avx2" else {}),
    }


# Two processes with the same values of these give the same results.
VARIABLES = tuple(environment(Compute(backend="tensorflow", instruction_set="avx2")))


def pin(compute: Compute) -> None:
    """Set the environment for this process; call it before NumPy or Keras is imported."""
    os.environ.update(environment(compute))
    os.environ["TF_NUM_INTEROP_THREADS"] = str(cores())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def cores() -> int:
    """Return how many pieces to compute at once: DIGITS_CORES, or else the cores this process may use."""
    if os.environ.get(CORES):
        return max(1, int(os.environ[CORES]))
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
