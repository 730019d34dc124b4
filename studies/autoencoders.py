"""Train the autoencoder with another size of its latent space, or on noisy images.

All other settings are those of train-ae.
"""

from pydantic import Field

from digits.compute import Compute
from digits.networks.autoencoder.settings import Autoencoder, Noise
from digits.pipeline import StageError, stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run

DENOISING = "denoising"
NOISE = Noise(standard_deviation=0.3, dropped=0.3)  # on the denoising network's input


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    compute: Compute
    train_ae: Autoencoder = Field(alias="train-ae")


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read the splits; build, fit and write the network."""
    from digits.corruptions import add_noise
    from digits.data.splits import read_split
    from digits.networks.autoencoder.builder import build_autoencoder
    from digits.networks.common.saved import save_model
    from digits.training.loop import fit, reconstruction

    settings = change(parameters.train_ae, paths.net)
    noise = settings.noise
    train, val = read_split(paths.train), read_split(paths.val)
    model = build_autoencoder(settings, train.images, parameters.seed)
    fitted = fit(
        model,
        reconstruction(),
        (train, val),
        settings,
        parameters.seed,
        run,
        lambda images, rng: add_noise(images, noise.standard_deviation, rng, noise.dropped),
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
    stage.run(main)
