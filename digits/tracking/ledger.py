"""What MLflow knows, asked the other way round: from bytes to the runs that made them."""

from collections.abc import Iterator
from functools import cached_property

from mlflow import MlflowClient
from mlflow.entities import Run

from digits.tracking import store

OUTPUT, INPUT = "output.", "input."


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

    def makers(self, *md5s: str) -> list[Run]:
        """Return the finished runs that have an output of each MD5, newest first."""
        wanted = {f"{OUTPUT}{md5}" for md5 in md5s}
        return [run for run in self.runs if wanted <= run.data.tags.keys() and run.info.status == "FINISHED"]

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
