"""Measure how much noise an autoencoder removes that was trained on noisy images.

It is compared with the pipeline's autoencoder, which was trained to copy, and with a median filter.
"""

from typing import Annotated

from pydantic import Field

from digits.compute import Compute
from digits.pipeline.stage import Paths, Run, Seed, run_stage
from stages.latent_analysis.settings import Denoising


def main(
    paths: Paths,
    run: Run,
    seed: Seed,
    compute: Compute,
    denoising: Annotated[Denoising, Field(alias="latent-analysis.denoising")],
) -> None:
    """Read images and autoencoders; write signal-to-noise ratios, examples and mean gains."""
    import numpy as np

    from digits.data.files import write_json, write_table
    from digits.data.splits import read_split, sample_positions
    from digits.drawing.style import save
    from digits.networks.common.saved import load_model, split_autoencoder
    from stages.latent_analysis.denoising import analyse_denoising, through_autoencoder

    test = read_split(paths.test)
    methods = {
        name: through_autoencoder(*split_autoencoder(load_model(path)))
        for name, path in (("trained to copy", paths.pipeline), ("trained on noise", paths.autoencoders))
    }
    rng = np.random.default_rng(seed)
    images = test.images[sample_positions(len(test), denoising.images, rng)]
    results = analyse_denoising(methods, images, denoising, rng)
    for name, table in results.tables.items():
        write_table(paths.data / f"{name}.csv", table)
    for name, figure in results.plots.items():
        save(paths.plots / f"{name}.png", figure)
    write_json(paths.metrics, results.details["denoising_gain"])


if __name__ == "__main__":
    run_stage(main)
