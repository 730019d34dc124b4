"""What all parts of the analysis share: splits, networks, latent vectors, and the scores of samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import keras
import numpy as np
from scipy.stats import entropy

from digits.analysis.classification.calibration import apply_temperature, fit_temperature
from digits.analysis.latent.gaussian import Gaussian, fit_gaussian
from digits.analysis.latent.scores import frechet_distance, nearest_distances
from digits.data.splits import Split, flatten, read_dataset, read_split, sample_positions, to_pixels
from digits.networks.common.saved import FEATURES, load_model, predict, split_autoencoder, up_to
from digits.pipeline import StageError
from digits.pipeline.declaration import Paths
from stages.latent_analysis.settings import Analysis

ALL = "all images"  # the group beside the classes
RECONSTRUCTED, REAL = "reconstructed test images", "test images"  # beside the generators


class Samples(NamedTuple):
    """Latent vectors (n, d) from one source, and their images (n, height, width, channels) in [0, 1]."""

    vectors: np.ndarray
    images: np.ndarray


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
    settings: Analysis
    seed: int
    confidence: float

    @cached_property
    def gaussian(self) -> Gaussian:
        """The Gaussian fitted to the training images' latents."""
        return fit_gaussian(self.latents)

    @cached_property
    def pixels(self) -> np.ndarray:
        """The training images as vectors in [0, 1], float32 (n, height * width * channels)."""
        return flatten(self.train.images)

    @cached_property
    def features(self) -> keras.Model:
        """The CNN from pixels to its features."""
        return up_to(self.cnn, FEATURES)

    @cached_property
    def head(self) -> keras.Model:
        """The CNN from its features to probabilities."""
        names = [layer.name for layer in self.cnn.layers]
        return keras.Sequential(self.cnn.layers[names.index(FEATURES) + 1 :])

    @cached_property
    def temperature(self) -> float:
        """The temperature of the CNN, fitted on the validation images."""
        return fit_temperature(self.val.labels, predict(self.head, predict(self.features, self.val.images)))

    def classify(self, features: np.ndarray) -> np.ndarray:
        """Return the CNN's calibrated probabilities from features (n, d), float64 (n, n_classes)."""
        return apply_temperature(predict(self.head, features), self.temperature)

    def encode_features(self, images: np.ndarray) -> np.ndarray:
        """Return the CNN's features of images in [0, 1], float32 (n, d)."""
        return predict(self.features, to_pixels(images))

    def decode(self, vectors: np.ndarray) -> Samples:
        """Return vectors (n, d) with the images that they decode to."""
        return Samples(vectors, predict(self.decoder, vectors))

    def reencode(self, samples: Samples) -> float:
        """Return the mean of |E(D(z)) - z| / |z|: 0 if decoding and encoding lose nothing."""
        change = predict(self.encoder, to_pixels(samples.images)) - samples.vectors
        return float((np.linalg.norm(change, axis=1) / np.linalg.norm(samples.vectors, axis=1)).mean())

    def score(self, samples: Samples, reference: Gaussian) -> dict[str, float]:
        """Return the scores by name.

        inside: fraction of the vectors inside the ellipsoid; nearest_vector, nearest_image: median
        distance to the nearest training vector, and of images as vectors in [0, 1]
        confidence: mean highest probability; class_entropy: of the predicted classes, in bits
        frechet: distance to the features of the reference
        """
        features, few = self.encode_features(samples.images), slice(self.settings.neighbour_queries)
        vectors, images = samples.vectors[few], samples.images[few]
        pixels = images.reshape(len(images), -1)
        probabilities = self.classify(features)
        return {
            "reencoding_error": self.reencode(samples),
            "inside": self.gaussian.fraction_inside(samples.vectors, self.settings.ellipsoid_fraction),
            "nearest_vector": float(np.median(nearest_distances(vectors, self.latents))),
            "nearest_image": float(np.median(nearest_distances(pixels, self.pixels))),
            "confidence": float(probabilities.max(axis=1).mean()),
            "class_entropy": float(entropy(np.bincount(probabilities.argmax(axis=1)), base=2)),
            "frechet": frechet_distance(fit_gaussian(features), reference),
        }

    def generator(self, subject: str) -> np.random.Generator:
        """Return a random number generator for this subject alone; another name gives other numbers."""
        return np.random.default_rng([self.seed, *subject.encode()])

    def sample(self, n: int, most: int, subject: str) -> np.ndarray:
        """Draw `most` of n positions, sorted, int64; all n if that is fewer."""
        return sample_positions(n, most, self.generator(subject))

    def each_class(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield name and training latents of each class that has any."""
        for label in np.unique(self.train.labels):
            yield self.classes[label], self.latents[self.train.labels == label]


def read_context(paths: Paths, settings: Analysis, seed: int, confidence: float) -> LatentContext:
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
    networks, chosen = (encoder, decoder, mlp, cnn), (settings, seed, confidence)
    return LatentContext(train, val, test, classes, *networks, latents, test_latents, *chosen)
