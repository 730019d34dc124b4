"""The machine's load, sampled by MLflow's own monitors."""

from typing import Any

from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor


def monitors() -> list[Any]:
    """Return a monitor of processor and memory, and of the GPUs where NVIDIA's library finds some."""
    try:
        return [CPUMonitor(), GPUMonitor()]
    except (ImportError, RuntimeError):
        return [CPUMonitor()]


def sample(monitors: list[Any]) -> dict[str, float]:
    """Return the load at this moment; names as in MLflow's own system metrics."""
    values: dict[str, float] = {}
    for monitor in monitors:
        monitor.collect_metrics()
        values |= {f"system/{name}": value for name, value in monitor.aggregate_metrics().items()}
        monitor.clear_metrics()
    return values
