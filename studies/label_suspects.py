"""Seek training images with a doubtful label, and test the search on labels flipped on purpose.

Confident learning lists the labels that networks do not believe which never saw them.
"""

from pydantic import Field

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block
from digits.tracking import Run
from studies.suspects_settings import LabelSuspects


class Parameters(Block):
    """What this study reads of params.yaml."""

    label_suspects: LabelSuspects = Field(alias="label-suspects")


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read images and probabilities; write suspects, a gallery, and what became of flipped labels."""
    import numpy as np

    from digits.data.files import read_array, write_json, write_table
    from digits.data.splits import read_dataset, read_split
    from digits.drawing.style import image_grid, save
    from studies import suspects

    train, classes = read_split(paths.train), read_dataset(paths.dataset)["classes"]
    probabilities = read_array(paths.probabilities)
    found = suspects.find(train.labels, probabilities)
    table = suspects.tabulate(train, probabilities, found, classes)
    write_table(paths.suspects, table)
    write_table(paths.plots / "suspects.csv", table)
    shown = table.head(parameters.label_suspects.gallery)
    titles = [
        f"{label}, or {other}?" for label, other in zip(shown["label"], shown["suggestion"], strict=True)
    ]
    title = f"{len(found)} of {len(train):,} labels are doubtful; the most doubtful first"
    save(paths.plots / "suspects.png", image_grid(train.images[found[: len(shown)]], titles, 10, title))
    labels = read_array(paths.flipped_labels)
    again = suspects.find(labels, read_array(paths.flipped_probabilities))
    figures = suspects.score(again, np.flatnonzero(labels != train.labels))
    write_json(paths.metrics, {"suspects": len(found), "found_again": figures})


if __name__ == "__main__":
    stage.run(main)
