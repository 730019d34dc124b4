"""Train the multilayer perceptron; its best epoch is chosen on the validation set.

Writes the network with the weights of that epoch, a table of all epochs, and the chosen epoch's
validation accuracy.
"""

from pydantic import Field

from digits.compute import Compute
from digits.networks.mlp.settings import MLP
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run


class Parameters(Block):
    """The settings of this stage in params.yaml."""

    seed: Seed
    compute: Compute
    train_mlp: MLP = Field(alias="train-mlp")


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read the splits; build, train and write the network, its history and its validation accuracy."""
    from digits.data.splits import read_dataset, read_split
    from digits.networks.mlp.builder import build_mlp
    from digits.training.loop import train_classifier, write_result

    train, val = read_split(paths.train), read_split(paths.val)
    n_classes = len(read_dataset(paths.dataset)["classes"])
    result = train_classifier(build_mlp, parameters.train_mlp, (train, val), n_classes, parameters.seed, run)
    headline = {"mlp_val": result.best["val_accuracy"]}
    write_result(result, paths.mlp, paths.mlp_history, paths.metrics, headline)
    run.metrics(result.summary)
    run.model(paths.mlp, train.images[:2])


if __name__ == "__main__":
    stage.run(main)
