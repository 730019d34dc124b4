"""Train the convolutional network; its best epoch is chosen on the validation set.

Writes the network with the chosen weights, the figures of every epoch and those of the chosen one.
"""

from pydantic import Field

from digits.compute import Compute
from digits.networks.cnn.settings import CNN
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run


class Parameters(Block):
    """What this stage reads of params.yaml."""

    seed: Seed
    compute: Compute
    train_cnn: CNN = Field(alias="train-cnn")


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read the splits; build, fit and write the network, its history and its figures."""
    from digits.data.splits import read_dataset, read_split
    from digits.networks.cnn.builder import build_cnn
    from digits.training.loop import classification, fit, write_fitted

    settings = parameters.train_cnn
    train, val = read_split(paths.train), read_split(paths.val)
    n_classes = len(read_dataset(paths.dataset)["classes"])
    model = build_cnn(settings, train.images, n_classes, parameters.seed)
    objective = classification("categorical_crossentropy", n_classes)
    fitted = fit(model, objective, (train, val), settings, parameters.seed, run)
    write_fitted(model, fitted, paths.cnn, paths.cnn_history, paths.metrics)
    run.model(paths.cnn, train.images[:2])


if __name__ == "__main__":
    stage.run(main)
