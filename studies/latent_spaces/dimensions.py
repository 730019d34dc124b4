"""Measure what a latent space of a given size keeps of the images, beside as many principal components.

Writes how well test images are reconstructed from each, whether nearest neighbours tell the classes, and
how close generated images come to real ones.
"""

from pydantic import Field

from digits.compute import Compute
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Confidence, Seed
from digits.tracking import Run


class Dimensions(Block):
    """How the generators of each space are measured."""

    generated_images: int = Field(ge=2, description="images per generator and seed, at most")
    generator_seeds: int = Field(ge=2, description="repetitions of the sampling, for the intervals")
    mixture_components: int = Field(ge=1, description="Gaussians of the mixture")


class Parameters(Block):
    """What this study reads from params.yaml."""

    seed: Seed
    compute: Compute
    confidence: Confidence
    dimensions: Dimensions


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read splits and networks; write the scores of both spaces."""
    from digits.data.files import write_table
    from digits.data.splits import read_split
    from digits.networks.common.saved import load_model, up_to
    from studies.latent_spaces import spaces

    train, test, latent = read_split(paths.train), read_split(paths.test), int(paths.latent)
    features = up_to(load_model(paths.pipeline), "features")
    compared = {
        "autoencoder": spaces.of_autoencoder(load_model(paths.autoencoders)),
        "components": spaces.of_components(train, latent),
    }
    settings, seed, confidence = parameters.dimensions, parameters.seed, parameters.confidence
    table = spaces.measure(compared, (train, test), features, settings, seed, confidence)
    write_table(paths.dimensions, table.assign(latent=latent))


if __name__ == "__main__":
    stage.run(main)
