"""Train the autoencoder; its best epoch is chosen on the validation set.

Writes the network with the weights of that epoch, a table of all epochs, and the chosen epoch's
validation error.
"""

from digits.compute import Compute
from digits.networks.autoencoder.settings import Autoencoder
from digits.pipeline.stage import Paths, Run, Seed, run_stage


def main(paths: Paths, run: Run, seed: Seed, compute: Compute, train_ae: Autoencoder) -> None:
    """Train the network on the splits, with noise on its inputs; write and track it."""
    from digits.corruptions import add_noise
    from digits.data.splits import read_split
    from digits.networks.autoencoder.builder import build_autoencoder
    from digits.training.loop import fit
    from digits.training.objectives import reconstruction
    from digits.training.outputs import write_result

    noise = train_ae.noise
    train, val = read_split(paths.train), read_split(paths.val)
    result = fit(
        build_autoencoder(train_ae, train.images, seed),
        reconstruction(),
        (train, val),
        train_ae,
        seed,
        run,
        lambda images, rng: add_noise(images, noise.standard_deviation, rng, noise.dropped),
    )
    write_result(result, "ae", "val_loss", paths, run)


if __name__ == "__main__":
    run_stage(main)
