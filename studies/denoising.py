"""Train the autoencoder on noisy images that are to come out clean, and see how much noise it removes.

Beside it stand the pipeline's autoencoder, which was trained to copy, and a median filter. In training
both kinds of noise come together, each at the middle of the levels that are tried.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages import record
from stages.latent_analysis.settings import Analysis
from stages.networks.autoencoder_settings import Autoencoder, Noise
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed


class Parameters(Block):
    """What this study reads of params.yaml; the autoencoder is built and fitted as in train-ae."""

    seed: Seed
    compute: Compute
    train_ae: Autoencoder = Field(alias="train-ae")
    latent_analysis: Analysis = Field(alias="latent-analysis")


class Paths(command.Paths):
    """What this study reads and writes."""

    train: Annotated[Path, Input("folder of the training split", "data")]
    val: Annotated[Path, Input("folder of the validation split", "data")]
    test: Annotated[Path, Input("folder of the test split", "data")]
    plain: Annotated[Path, Input("the pipeline's own autoencoder")]
    model: Annotated[Path, Output("the autoencoder that was trained on noisy images, .keras")]
    plots: Annotated[Path, Output("folder of tables and pictures", "plots")]
    metrics: Annotated[Path, Output("JSON: mean gain of each noise and method, in decibels", "metrics")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read splits and autoencoder; train; write the new one, the ratios and examples."""
    import numpy as np

    from stages.latent_analysis import denoising
    from stages.networks.autoencoder import split_autoencoder
    from stages.shared.data import read_split
    from stages.shared.files import write_json
    from stages.shared.models import load_model, save_model
    from studies import autoencoder

    settings = parameters.latent_analysis.denoising
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    noise = Noise(deviation=middle(settings.deviation), dropped=middle(settings.dropped))
    network = parameters.train_ae.model_copy(update={"noise": noise})
    model = autoencoder.train(network, (train, val), parameters.seed)
    save_model(paths.model, model)
    methods = {
        name: denoising.autoencoder(*split_autoencoder(each))
        for name, each in (("trained to copy", load_model(paths.plain)), ("trained on noise", model))
    }
    rng = np.random.default_rng(parameters.seed)
    chosen = np.sort(rng.permutation(len(test))[: settings.images])
    gains = denoising.compare(methods, test.images[chosen], settings, rng, paths.plots)
    write_json(paths.metrics, {"noise": noise.model_dump(), "gain": gains})


def middle(levels: tuple[float, ...]) -> float:
    """Return the middle one of the levels, the higher of two."""
    return sorted(levels)[len(levels) // 2]


if __name__ == "__main__":
    command.run("denoising", __doc__, Parameters, Paths, main, package="studies")
