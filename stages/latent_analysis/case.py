"""What all parts of the analysis look at: the splits, the networks, and the latent vectors."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from digits.analysis.latent.gaussian import Region, describe
from digits.data.splits import Split, read_dataset, read_split
from digits.networks.common.saved import load_model, predict, split_autoencoder
from digits.pipeline import StageError
from digits.pipeline.declaration import Paths
from stages.latent_analysis.settings import Analysis, Parameters


@dataclass(frozen=True)
class Case:
    """The images, the networks, and latent vectors of training and test images, float64 (n, d)."""

    train: Split
    val: Split
    test: Split
    classes: list[str]
    encoder: keras.Model
    decoder: keras.Model
    cnn: keras.Model
    codes: np.ndarray
    test_codes: np.ndarray
    settings: Analysis
    seed: int
    threads: int
    plots: Path

    @cached_property
    def region(self) -> Region:
        """What the training vectors fill."""
        return describe(self.codes)

    def generator(self, subject: str) -> np.random.Generator:
        """Return a generator of random numbers that belongs to this subject alone."""
        return np.random.default_rng([self.seed, *subject.encode()])

    def sample(self, n: int, most: int, subject: str) -> np.ndarray:
        """Draw positions of n, `most` at most, ascending, int64."""
        return np.sort(self.generator(subject).permutation(n)[:most])

    def each_class(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield name and training vectors of each class that has any."""
        for label in np.unique(self.train.labels):
            yield self.classes[label], self.codes[self.train.labels == label]


def read_case(parameters: Parameters, paths: Paths) -> Case:
    """Read the splits and networks and encode the images.

    Raises StageError when the encoder gives every training image the same vector.
    """
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    encoder, decoder = split_autoencoder(load_model(paths.ae))
    codes, test_codes = (predict(encoder, split.images).astype(np.float64) for split in (train, test))
    if not np.ptp(codes, axis=0).any():
        raise StageError(
            f"{paths.ae} encodes every training image to the same vector: there is no region to analyse. "
            "Train the autoencoder longer, or with a lower learning rate."
        )
    return Case(
        train=train,
        val=val,
        test=test,
        classes=read_dataset(paths.dataset)["classes"],
        encoder=encoder,
        decoder=decoder,
        cnn=load_model(paths.cnn),
        codes=codes,
        test_codes=test_codes,
        settings=parameters.latent_analysis,
        seed=parameters.seed,
        threads=parameters.compute.threads,
        plots=paths.plots,
    )
