"""Measure what a latent space of some size keeps of the images, beside as many principal components.

Writes how well test images come back from each, whether nearest neighbours tell the classes, and how
close drawn images come to real ones.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages import record
from stages.latent_analysis.settings import Analysis
from stages.shared import command
from stages.shared.command import Input, Item, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed


class Parameters(Block):
    """What this study reads of params.yaml: the numbers of draws are those of latent-analysis."""

    seed: Seed
    compute: Compute
    latent_analysis: Analysis = Field(alias="latent-analysis")


class Paths(command.Paths):
    """What this study reads and writes."""

    latent: Annotated[str, Item("size of the latent space")]
    train: Annotated[Path, Input("folder of the training split", "data")]
    test: Annotated[Path, Input("folder of the test split", "data")]
    cnn: Annotated[Path, Input("the trained convolutional network, in whose features images are compared")]
    model: Annotated[Path, Input("an autoencoder of that size")]
    table: Annotated[Path, Output("CSV: one row a space and score")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read splits and networks; write the scores of both spaces."""
    from stages.shared.data import read_split
    from stages.shared.files import write_table
    from stages.shared.models import load_model, up_to
    from studies import latent_spaces

    train, test, latent = read_split(paths.train), read_split(paths.test), int(paths.latent)
    features = up_to(load_model(paths.cnn), "features")
    spaces = {
        "autoencoder": latent_spaces.of_autoencoder(load_model(paths.model)),
        "components": latent_spaces.of_components(train, latent),
    }
    table = latent_spaces.measure(
        spaces, (train, test), features, parameters.latent_analysis, parameters.seed
    )
    write_table(paths.table, table.assign(latent=latent))


if __name__ == "__main__":
    command.run("dimensions", __doc__, Parameters, Paths, main, package="studies")
