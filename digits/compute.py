"""What decides the last bits of arithmetic: threads, instruction sets and kernels."""

import os
from typing import Literal

from pydantic import Field

from digits.pipeline.settings import Block

INTEROP_THREADS = 1

# NumPy and OpenBLAS choose kernels by processor; these names switch off whatever is above AVX2.
ABOVE_AVX2 = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}


class Compute(Block):
    """Settings that change the last bits of every float, and so belong to the result."""

    threads: int = Field(ge=1, le=256, description="threads for one operation")
    instruction_set: Literal["avx2", "native"] = Field(
        description="avx2: the same kernels on every x86-64 machine since 2013; native: the newest"
    )


def environment(compute: Compute) -> dict[str, str]:
    """Return the environment variables that apply `compute` in TensorFlow, NumPy and SciPy."""
    threads = str(compute.threads)
    return {
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": str(INTEROP_THREADS),
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "TF_DETERMINISTIC_OPS": "1",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        **(ABOVE_AVX2 if compute.instruction_set == "avx2" else {}),
    }


# Two processes with the same values of these give the same results on one processor.
VARIABLES = ("KERAS_BACKEND", *environment(Compute(threads=1, instruction_set="avx2")))


def pin(compute: Compute) -> None:
    """Set the environment for this process; call it before NumPy or Keras is imported."""
    os.environ.update(environment(compute))
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
