"""Predict each training image by a CNN trained without it; again with labels flipped on purpose."""

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from digits.compute import Compute
from digits.networks.cnn.settings import CNN
from digits.pipeline.stage import Block, Paths, Run, Seed, run_stage

if TYPE_CHECKING:  # NumPy must not be loaded before the environment is set
    import numpy as np

    from digits.data.splits import Split


class OutOfFold(Block):
    """How training images are predicted, and how many labels are flipped as a test."""

    folds: int = Field(
        ge=2, description="parts of the training split; each is predicted by a network trained on the others"
    )
    epochs: int = Field(ge=1, description="of each training; the other settings are those of train-cnn")
    flipped: float = Field(gt=0, lt=0.5, description="fraction of labels flipped on purpose")


def main(
    paths: Paths, run: Run, seed: Seed, compute: Compute, out_of_fold: OutOfFold, train_cnn: CNN
) -> None:
    """Read the splits; train on all folds but one, twice; write probabilities and flipped labels."""
    import numpy as np

    from digits.data.files import write_array
    from digits.data.splits import read_dataset, read_split

    train, val = read_split(paths.train), read_split(paths.val)
    n_classes = len(read_dataset(paths.dataset)["classes"])
    network = train_cnn.model_copy(update={"epochs": out_of_fold.epochs})
    probabilities = predict_out_of_fold(network, (train, val), n_classes, out_of_fold.folds, seed)
    write_array(paths.out_of_fold / "probabilities.npy", probabilities)
    run.epoch(1, {"accuracy": float((probabilities.argmax(axis=1) == train.labels).mean())})
    wrong = flip(train, out_of_fold.flipped, n_classes, np.random.default_rng([seed, 1]))
    write_array(paths.out_of_fold / "flipped_labels.npy", wrong.labels)
    again = predict_out_of_fold(network, (wrong, val), n_classes, out_of_fold.folds, seed)
    write_array(paths.out_of_fold / "flipped_probabilities.npy", again)


def predict_out_of_fold(
    settings: CNN, splits: "tuple[Split, Split]", n_classes: int, folds: int, seed: int
) -> "np.ndarray":
    """Return probabilities for the first split's images, float32 (n, n_classes).

    Each image is predicted by the network that was trained on the folds without it; the second split
    chooses the epoch.
    """
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    from digits.networks.cnn.builder import build_cnn
    from digits.networks.common.saved import predict
    from digits.training import repeated

    images, val = splits
    probabilities = np.empty((len(images), n_classes), np.float32)
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(images.labels, images.labels)
    for known, unknown in parts:
        result = repeated.train(build_cnn, settings, (images.take(known), val), n_classes, seed)
        probabilities[unknown] = predict(result.model, images.images[unknown])
    return probabilities


def flip(split: "Split", fraction: float, n_classes: int, rng: "np.random.Generator") -> "Split":
    """Return the split with this fraction of its labels changed to a random other class."""
    import numpy as np

    rows = np.sort(rng.choice(len(split), max(1, round(fraction * len(split))), replace=False))
    labels = split.labels.copy()
    labels[rows] = (labels[rows] + rng.integers(1, n_classes, len(rows))) % n_classes
    return replace(split, labels=labels)


if __name__ == "__main__":
    run_stage(main)
