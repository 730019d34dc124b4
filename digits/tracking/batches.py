"""Settings, tags and metrics in the portions and names that MLflow takes."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

BATCH = 100  # MLflow takes at most this many tags or parameters at once
NOT_IN_NAMES = re.compile(r"[^\w\-. :/]", re.ASCII)  # what MLflow refuses in a metric's name


def log_params(client: MlflowClient, run_id: str, settings: Mapping[str, Any]) -> None:
    """Set parameters; what is no text is written as JSON."""
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in settings.items()}
    for chunk in _chunks([Param(key, text) for key, text in texts.items()]):
        client.log_batch(run_id, params=chunk)


def log_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags."""
    for chunk in _chunks([RunTag(key, value) for key, value in tags.items()]):
        client.log_batch(run_id, tags=chunk)


def log_metrics(
    client: MlflowClient, run_id: str, values: Mapping[str, float], time: int, step: int = 0
) -> None:
    """Log metrics; a character that MLflow refuses in a name becomes an underscore."""
    metrics = [Metric(NOT_IN_NAMES.sub("_", key), value, time, step) for key, value in values.items()]
    if metrics:
        client.log_batch(run_id, metrics=metrics)


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
