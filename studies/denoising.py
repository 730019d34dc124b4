"""See how much noise an autoencoder removes that was trained on noisy images.

Beside it stand the pipeline's autoencoder, which was trained to copy, and a median filter.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages import record
from stages.latent_analysis.settings import Analysis
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed


class Parameters(Block):
    """What this study reads of params.yaml: images and noise are those of latent-analysis.denoising."""

    seed: Seed
    compute: Compute
    latent_analysis: Analysis = Field(alias="latent-analysis")


class Paths(command.Paths):
    """What this study reads and writes."""

    test: Annotated[Path, Input("folder of the test split", "data")]
    plain: Annotated[Path, Input("the pipeline's own autoencoder")]
    trained: Annotated[Path, Input("the autoencoder that was trained on noisy images")]
    table: Annotated[Path, Output("CSV: one row a noise, level and method")]
    plots: Annotated[Path, Output("folder of tables and pictures", "plots")]
    metrics: Annotated[Path, Output("JSON: mean gain of each noise and method, in decibels", "metrics")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read images and autoencoders; write signal-to-noise ratios, examples and mean gains."""
    import numpy as np

    from stages.latent_analysis import denoising
    from stages.networks.autoencoder import split_autoencoder
    from stages.shared.data import read_split
    from stages.shared.files import write_json, write_table
    from stages.shared.models import load_model

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
    command.run("denoising", __doc__, Parameters, Paths, main, package="studies")
