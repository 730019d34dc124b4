"""Train the convolutional network; its best epoch is chosen on the validation set.

Writes the network with the weights of that epoch, a table of all epochs, and the chosen epoch's
validation accuracy.
"""

from digits.compute import Compute
from digits.networks.cnn.settings import CNN
from digits.pipeline.stage import Paths, Run, Seed, run_stage


def main(paths: Paths, run: Run, seed: Seed, compute: Compute, train_cnn: CNN) -> None:
    """Train the network on the splits; write and track it."""
    from digits.networks.cnn.builder import build_cnn
    from digits.training.outputs import run_classifier

    run_classifier("cnn", build_cnn, train_cnn, seed, paths, run)


if __name__ == "__main__":
    run_stage(main)
