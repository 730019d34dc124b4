"""Measure what a latent space of some size keeps of the images, beside as many principal components.

Writes how well test images come back from each, whether nearest neighbours tell the classes, and how
close drawn images come to real ones.
"""

from pydantic import Field

from digits.compute import Compute
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run
from stages.latent_analysis.settings import Analysis


class Parameters(Block):
    """What this study reads of params.yaml: the numbers of draws are those of latent-analysis."""

    seed: Seed
    compute: Compute
    latent_analysis: Analysis = Field(alias="latent-analysis")


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read splits and networks; write the scores of both spaces."""
    from digits.data.files import write_table
    from digits.data.splits import read_split
    from digits.networks.common.saved import load_model, up_to
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
    stage.run(main)
