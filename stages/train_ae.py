"""Train the autoencoder; its best epoch is chosen on the validation set.

Writes the network with the chosen weights, the figures of every epoch and those of the chosen one.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from stages import record
from stages.networks.autoencoder_settings import Autoencoder
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed

if TYPE_CHECKING:
    import numpy as np


class Parameters(Block):
    """What this stage reads of params.yaml."""

    seed: Seed
    compute: Compute
    train_ae: Autoencoder = Field(alias="train-ae")


class Paths(command.Paths):
    """What this stage reads and writes."""

    train: Annotated[Path, Input("folder of the training split", "data")]
    val: Annotated[Path, Input("folder of the validation split", "data")]
    model: Annotated[Path, Output("the trained network, .keras")]
    history: Annotated[Path, Output("CSV: figures of each epoch")]
    metrics: Annotated[Path, Output("JSON: figures of the chosen epoch", "metrics")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read the splits; build, fit and write the network, its history and its figures."""
    from stages.networks.autoencoder import build_autoencoder
    from stages.networks.noise import add_noise
    from stages.shared.data import read_split
    from stages.shared.training import fit, reconstruction, write_fitted

    settings = parameters.train_ae
    train, val = read_split(paths.train), read_split(paths.val)
    model = build_autoencoder(settings, train.images, parameters.seed)

    def noisy(images: "np.ndarray", rng: "np.random.Generator") -> "np.ndarray":
        return add_noise(images, settings.noise, rng)

    fitted = fit(model, reconstruction(), (train, val), settings, parameters.seed, run, noisy)
    write_fitted(model, fitted, paths.model, paths.history, paths.metrics)
    run.model(paths.model, train.images[:2])


if __name__ == "__main__":
    command.run("train-ae", __doc__, Parameters, Paths, main)
