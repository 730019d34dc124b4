"""Train the autoencoder with another size of its latent space, or on noisy images.

All other settings are those of train-ae.
"""

from digits.compute import Compute
from digits.networks.autoencoder.settings import Autoencoder, Noise
from digits.pipeline.stage import Paths, Run, Seed, run_stage


def main(paths: Paths, run: Run, seed: Seed, compute: Compute, train_ae: Autoencoder) -> None:
    """Read the splits; build, fit and write the network."""
    from digits.corruptions import add_noise
    from digits.data.splits import read_split
    from digits.networks.autoencoder.builder import build_autoencoder
    from digits.networks.common.saved import save_model
    from digits.training.loop import fit
    from digits.training.objectives import reconstruction

    settings = change(train_ae, paths.net)
    noise = settings.noise
    train, val = read_split(paths.train), read_split(paths.val)
    result = fit(
        build_autoencoder(settings, train.images, seed),
        reconstruction(),
        (train, val),
        settings,
        seed,
        run,
        lambda images, rng: add_noise(images, noise.standard_deviation, rng, noise.dropped),
    )
    save_model(paths.autoencoders, result.model)
    result.finish()


def change(settings: Autoencoder, net: str) -> Autoencoder:
    """Return the settings with noise on the input (`denoising`), or with that number of latent dimensions."""
    if net == "denoising":
        return settings.model_copy(update={"noise": Noise(standard_deviation=0.3, dropped=0.3)})
    return settings.model_copy(update={"latent": int(net)})


if __name__ == "__main__":
    run_stage(main)
