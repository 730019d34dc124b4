"""What MLflow knows, asked the other way round: from bytes to the runs that made them."""

from collections.abc import Iterator
from functools import cached_property

from mlflow import MlflowClient
from mlflow.entities import Run

from stages.record import store

OUTPUT, INPUT = "output.", "input."
PIPELINE = "pipeline"  # value of the tag `stage` on the run of a state of the pipeline


class Ledger:
    """The runs of all experiments."""

    def __init__(self) -> None:
        self.client: MlflowClient = store.client()

    @cached_property
    def runs(self) -> list[Run]:
        """All runs that have a stage, newest first."""
        experiments = [experiment.experiment_id for experiment in self.client.search_experiments()]
        found: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs(experiments, "tags.stage LIKE '%'", page_token=token)
            found += page
            token = page.token
            if not token:
                return sorted(found, key=lambda run: run.info.start_time, reverse=True)

    def makers(self, md5: str) -> list[Run]:
        """Return the finished runs whose output has this MD5, newest first."""
        return [
            run for run in self.runs if f"{OUTPUT}{md5}" in run.data.tags and run.info.status == "FINISHED"
        ]

    def with_prefix(self, prefix: str) -> list[Run]:
        """Return the runs whose identifier begins with `prefix`."""
        return [run for run in self.runs if run.info.run_id.startswith(prefix)]


def tagged(run: Run, prefix: str) -> dict[str, str]:
    """Return MD5 by path for the run's tags `output.` or `input.`, sorted by path."""
    pairs = {path: tag.removeprefix(prefix) for tag, path in run.data.tags.items() if tag.startswith(prefix)}
    return dict(sorted(pairs.items()))


def declared(run: Run) -> dict[str, str]:
    """Return MD5 by path for the outputs as dvc.yaml declares them, without the files within folders."""
    return dict(_outermost(tagged(run, OUTPUT)))


def _outermost(paths: dict[str, str]) -> Iterator[tuple[str, str]]:
    folders = [f"{path}/" for path, md5 in paths.items() if md5.endswith(".dir")]
    for path, md5 in paths.items():
        if not any(path.startswith(folder) for folder in folders):
            yield path, md5
