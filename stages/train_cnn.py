"""Train the convolutional network; its best epoch is chosen on the validation set.

Writes the network with the weights of that epoch, a table of all epochs, and the chosen epoch's
validation accuracy.
"""

from pydantic import Field

from digits.compute import Compute
from digits.networks.cnn.settings import CNN
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run


class Parameters(Block):
    """The settings of this stage in params.yaml."""

    seed: Seed
    compute: Compute
    train_cnn: CNN = Field(alias="train-cnn")


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Train the network on the splits; write and track it."""
    from digits.networks.cnn.builder import build_cnn
    from digits.training.outputs import run_classifier

    run_classifier("cnn", build_cnn, parameters.train_cnn, parameters.seed, paths, run)


if __name__ == "__main__":
    stage.run(main)
