"""Seek training images with a doubtful label, and test the search on labels flipped on purpose.

Confident learning lists the labels that networks do not believe which never saw them.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages import record
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.parameters import Block
from studies.suspects_settings import LabelSuspects


class Parameters(Block):
    """What this study reads of params.yaml."""

    label_suspects: LabelSuspects = Field(alias="label-suspects")


class Paths(command.Paths):
    """What this study reads and writes."""

    train: Annotated[Path, Input("folder of the training split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    probabilities: Annotated[
        Path, Input("float32 (n, classes): each training image by nets that never saw it")
    ]
    flipped_labels: Annotated[Path, Input("uint8 (n,): labels, of which some were changed on purpose")]
    flipped_probabilities: Annotated[Path, Input("float32 (n, classes): by nets trained on these labels")]
    suspects: Annotated[Path, Output("CSV: one row a doubtful label")]
    plots: Annotated[Path, Output("folder of the table and the gallery", "plots")]
    metrics: Annotated[Path, Output("JSON: suspects, and how many flipped labels are found", "metrics")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read images and probabilities; write suspects, a gallery, and what became of flipped labels."""
    import numpy as np

    from stages.shared.data import read_dataset, read_split
    from stages.shared.figures import image_grid, save
    from stages.shared.files import read_array, write_json, write_table
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
    command.run("label-suspects", __doc__, Parameters, Paths, main, package="studies")
