"""Train the autoencoder with another size of its latent space, or on noisy images.

All other settings are those of train-ae.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages import record
from stages.networks.autoencoder_settings import Autoencoder, Noise
from stages.shared import command
from stages.shared.command import Input, Item, Output
from stages.shared.compute import Compute
from stages.shared.errors import StageError
from stages.shared.parameters import Block, Seed

DENOISING = "denoising"
NOISE = Noise(deviation=0.3, dropped=0.3)  # on what the denoising network is given; both kinds at once


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    compute: Compute
    train_ae: Autoencoder = Field(alias="train-ae")


class Paths(command.Paths):
    """What this study reads and writes."""

    net: Annotated[str, Item(f"size of the latent space, or {DENOISING}")]
    train: Annotated[Path, Input("folder of the training split", "data")]
    val: Annotated[Path, Input("folder of the validation split", "data")]
    model: Annotated[Path, Output("the trained network, .keras")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read the splits; build, fit and write the network."""
    from stages.networks.autoencoder import build_autoencoder
    from stages.networks.noise import add_noise
    from stages.shared.data import read_split
    from stages.shared.models import save_model
    from stages.shared.training import fit, reconstruction

    settings = change(parameters.train_ae, paths.net)
    train, val = read_split(paths.train), read_split(paths.val)
    model = build_autoencoder(settings, train.images, parameters.seed)
    fitted = fit(
        model,
        reconstruction(),
        (train, val),
        settings,
        parameters.seed,
        run,
        lambda images, rng: add_noise(images, settings.noise, rng),
    )
    save_model(paths.model, model)
    fitted.finish()


def change(settings: Autoencoder, net: str) -> Autoencoder:
    """Return the settings with another size, or with noise.

    Raises StageError when `net` is neither a number of dimensions nor DENOISING.
    """
    if net == DENOISING:
        return settings.model_copy(update={"noise": NOISE})
    if net.isdigit() and int(net) > 0:
        return settings.model_copy(update={"latent": int(net)})
    raise StageError(f"--net {net}: expected a number of dimensions, or {DENOISING}.")


if __name__ == "__main__":
    command.run("autoencoders", __doc__, Parameters, Paths, main, package="studies")
