"""Predict each training image by a CNN that was trained without it; again with labels changed on purpose."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages import record
from stages.networks.cnn_settings import CNN
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed
from studies.suspects_settings import LabelSuspects


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    compute: Compute
    label_suspects: LabelSuspects = Field(alias="label-suspects")
    train_cnn: CNN = Field(alias="train-cnn")


class Paths(command.Paths):
    """What this study reads and writes."""

    train: Annotated[Path, Input("folder of the training split", "data")]
    val: Annotated[Path, Input("folder of the validation split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    probabilities: Annotated[
        Path, Output("float32 (n, classes): each training image by nets that never saw it")
    ]
    flipped_labels: Annotated[Path, Output("uint8 (n,): labels, of which some were changed on purpose")]
    flipped_probabilities: Annotated[Path, Output("float32 (n, classes): by nets trained on these labels")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read the splits; train on all folds but one, twice; write probabilities and changed labels."""
    import numpy as np

    from stages.shared.data import read_dataset, read_split
    from stages.shared.files import write_array
    from studies import folds

    settings, seed = parameters.label_suspects, parameters.seed
    train, val = read_split(paths.train), read_split(paths.val)
    n_classes = len(read_dataset(paths.dataset)["classes"])
    network = parameters.train_cnn.model_copy(update={"epochs": settings.epochs})
    probabilities = folds.out_of_fold(network, (train, val), n_classes, settings.folds, seed)
    write_array(paths.probabilities, probabilities)
    run.epoch(1, {"accuracy": float((probabilities.argmax(axis=1) == train.labels).mean())})
    wrong = folds.flip(train, settings.flipped, n_classes, np.random.default_rng([seed, 1]))
    write_array(paths.flipped_labels, wrong.labels)
    again = folds.out_of_fold(network, (wrong, val), n_classes, settings.folds, seed)
    write_array(paths.flipped_probabilities, again)


if __name__ == "__main__":
    command.run("out-of-fold", __doc__, Parameters, Paths, main, package="studies")
