"""Train the multilayer perceptron; its best epoch is chosen on the validation set.

Writes the network with the chosen weights, the figures of every epoch and those of the chosen one.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages import record
from stages.networks.mlp_settings import MLP
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed


class Parameters(Block):
    """What this stage reads of params.yaml."""

    seed: Seed
    compute: Compute
    train_mlp: MLP = Field(alias="train-mlp")


class Paths(command.Paths):
    """What this stage reads and writes."""

    train: Annotated[Path, Input("folder of the training split", "data")]
    val: Annotated[Path, Input("folder of the validation split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    model: Annotated[Path, Output("the trained network, .keras")]
    history: Annotated[Path, Output("CSV: figures of each epoch")]
    metrics: Annotated[Path, Output("JSON: figures of the chosen epoch", "metrics")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read the splits; build, fit and write the network, its history and its figures."""
    from stages.networks.mlp import build_mlp
    from stages.shared.data import read_dataset, read_split
    from stages.shared.training import classification, fit, write_fitted

    settings = parameters.train_mlp
    train, val = read_split(paths.train), read_split(paths.val)
    n_classes = len(read_dataset(paths.dataset)["classes"])
    model = build_mlp(settings, train.images, n_classes, parameters.seed)
    objective = classification(settings.loss, n_classes)
    fitted = fit(model, objective, (train, val), settings, parameters.seed, run)
    write_fitted(model, fitted, paths.model, paths.history, paths.metrics)
    run.model(paths.model, train.images[:2])


if __name__ == "__main__":
    command.run("train-mlp", __doc__, Parameters, Paths, main)
