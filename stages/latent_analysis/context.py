"""What all parts of the analysis share: the splits, the networks, the latent vectors and the spaces."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import keras
import numpy as np
import pandas as pd

from digits.analysis.latent.gaussian import Gaussian, fit_gaussian
from digits.analysis.latent.scores import Samples, Scorer
from digits.data.splits import Split, flatten, read_dataset, read_split, sample_positions
from digits.networks.common.saved import FEATURES, load_model, predict, split_autoencoder, up_to
from digits.pipeline import StageError
from digits.pipeline.declaration import Paths
from stages.latent_analysis.settings import Analysis, Parameters

SPACES = {
    "pixels": "Raw pixels",
    "hidden": "Hidden activations of the MLP",
    "features": "Features of the CNN",
    "latent": "Latent vectors of the autoencoder",
}

ALL = "all images"  # the group beside the classes
RECONSTRUCTED, REAL = "reconstructed test images", "test images"  # beside the generators


class Vectors(NamedTuple):
    """Vectors of training and of test images, in a space (n, d) or in a map of it (n, 2), float32."""

    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class LatentContext:
    """The images, the networks, and the latent vectors of training and test images, float64 (n, d)."""

    train: Split
    val: Split
    test: Split
    classes: list[str]
    encoder: keras.Model
    decoder: keras.Model
    mlp: keras.Model
    cnn: keras.Model
    latents: np.ndarray
    test_latents: np.ndarray
    parameters: Parameters

    @property
    def settings(self) -> Analysis:
        """The settings of this stage alone."""
        return self.parameters.latent_analysis

    @cached_property
    def gaussian(self) -> Gaussian:
        """The Gaussian fitted to the training images' latents."""
        return fit_gaussian(self.latents)

    @cached_property
    def scorer(self) -> Scorer:
        """The scorer with these networks, images and settings."""
        train = (self.train.images, self.latents, self.gaussian)
        limits = (self.settings.ellipsoid_fraction, self.settings.neighbour_queries)
        return Scorer((self.encoder, self.cnn), self.val, train, limits)

    def decode(self, vectors: np.ndarray) -> Samples:
        """Return vectors (n, d) with the images that they decode to."""
        return Samples(vectors, predict(self.decoder, vectors))

    def generator(self, subject: str) -> np.random.Generator:
        """Return a random number generator for this subject alone; another name gives other numbers."""
        return np.random.default_rng([self.parameters.seed, *subject.encode()])

    def sample(self, n: int, most: int, subject: str) -> np.ndarray:
        """Draw `most` of n positions, sorted, int64; all n if that is fewer."""
        return sample_positions(n, most, self.generator(subject))

    def each_class(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield name and training latents of each class that has any."""
        for label in np.unique(self.train.labels):
            yield self.classes[label], self.latents[self.train.labels == label]


def read_context(parameters: Parameters, paths: Paths) -> LatentContext:
    """Read the splits and networks and encode the images.

    Raises StageError if the encoder maps every training image to the same vector.
    """
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    encoder, decoder = split_autoencoder(load_model(paths.ae))
    latents, test_latents = (predict(encoder, split.images).astype(np.float64) for split in (train, test))
    if not np.ptp(latents, axis=0).any():
        raise StageError(
            f"{paths.ae} encodes every training image to the same vector, so there is nothing to analyse. "
            "Train the autoencoder longer, or with a lower learning rate."
        )
    classes, mlp, cnn = read_dataset(paths.dataset)["classes"], load_model(paths.mlp), load_model(paths.cnn)
    networks = (encoder, decoder, mlp, cnn)
    return LatentContext(train, val, test, classes, *networks, latents, test_latents, parameters)


def collect_spaces(context: LatentContext) -> dict[str, Vectors]:
    """Return the vectors of each of SPACES.

    Raises StageError if the MLP has no layer of the name in the settings.
    """
    layer, names = context.settings.hidden_layer, [each.name for each in context.mlp.layers]
    if layer not in names:
        raise StageError(
            f"latent-analysis.hidden_layer is {layer!r}; the MLP has the layers {', '.join(names)}. "
            "Name one of them in params.yaml."
        )
    train, test = context.train.images, context.test.images
    hidden, features = up_to(context.mlp, layer), up_to(context.cnn, FEATURES)
    return {
        "pixels": Vectors(flatten(train), flatten(test)),
        "hidden": Vectors(predict(hidden, train), predict(hidden, test)),
        "features": Vectors(predict(features, train), predict(features, test)),
        "latent": Vectors(context.latents.astype(np.float32), context.test_latents.astype(np.float32)),
    }


def tabulate_map(maps: Mapping[str, np.ndarray], split: Split, classes: list[str]) -> pd.DataFrame:
    """Return one row per image: index, label, and its coordinates in each map (n, 2)."""
    columns = {f"{name}_{axis + 1}": points[:, axis] for name, points in maps.items() for axis in (0, 1)}
    return pd.DataFrame({"index": split.indices, "label": np.array(classes)[split.labels], **columns})
