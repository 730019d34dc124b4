"""Measure how much noise an autoencoder removes that was trained on noisy images.

It is compared with the pipeline's autoencoder, which was trained to copy, and with a median filter.
"""

from pydantic import Field

from digits.compute import Compute
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run
from stages.latent_analysis.settings import Analysis


class Parameters(Block):
    """What this study reads from params.yaml: images and noise are those of latent-analysis.denoising."""

    seed: Seed
    compute: Compute
    latent_analysis: Analysis = Field(alias="latent-analysis")


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read images and autoencoders; write signal-to-noise ratios, examples and mean gains."""
    import numpy as np

    from digits.data.files import write_json, write_table
    from digits.data.splits import read_split
    from digits.networks.common.saved import load_model, split_autoencoder
    from stages.latent_analysis import denoising

    settings, test = parameters.latent_analysis.denoising, read_split(paths.test)
    methods = {
        name: denoising.autoencoder(*split_autoencoder(load_model(path)))
        for name, path in (("trained to copy", paths.plain), ("trained on noise", paths.trained))
    }
    rng = np.random.default_rng(parameters.seed)
    chosen = np.sort(rng.permutation(len(test))[: settings.images])
    table = denoising.compare(methods, test.images[chosen], settings, rng, paths.plots)
    write_table(paths.table, table)
    write_json(paths.metrics, denoising.gains(table))


if __name__ == "__main__":
    stage.run(main)
