"""Predict each training image by a CNN that was trained without it; again with labels changed on purpose."""

from pydantic import Field

from digits.compute import Compute
from digits.networks.cnn.settings import CNN
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run
from studies.suspects_settings import LabelSuspects


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    compute: Compute
    label_suspects: LabelSuspects = Field(alias="label-suspects")
    train_cnn: CNN = Field(alias="train-cnn")


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read the splits; train on all folds but one, twice; write probabilities and changed labels."""
    import numpy as np

    from digits.data.files import write_array
    from digits.data.splits import read_dataset, read_split
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
    stage.run(main)
