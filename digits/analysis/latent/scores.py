"""How good generated latent vectors and their images are, and how reliable a score over several seeds is."""

from typing import Any, NamedTuple

import keras
import numpy as np
import pandas as pd
from scipy.stats import entropy, t
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from digits.analysis.classification.calibration import apply_temperature, fit_temperature
from digits.analysis.latent.gaussian import Gaussian, fit_gaussian
from digits.data.splits import Split, flatten, to_pixels
from digits.networks.common.saved import FEATURES, predict, up_to

NEIGHBOURS = 10  # of k-NN and of trustworthiness


class Samples(NamedTuple):
    """Latent vectors (n, d) from one source, and their images (n, height, width, channels) in [0, 1]."""

    vectors: np.ndarray
    images: np.ndarray


class Scorer:
    """Scores samples by the autoencoder, the CNN and the training images.

    The CNN's temperature is fitted on the validation images. train: training images, their latents (n, d)
    and Gaussian; limits: fraction of the Gaussian inside the ellipsoid, and how many of the samples are
    compared with their nearest training image and vector, at most
    """

    def __init__(
        self,
        networks: tuple[keras.Model, keras.Model],
        val: Split,
        train: tuple[np.ndarray, np.ndarray, Gaussian],
        limits: tuple[float, int],
    ) -> None:
        (self._encoder, cnn), (self._fraction, self._queries) = networks, limits
        self._pixels, self._latents, self._gaussian = flatten(train[0]), train[1], train[2]
        self._features, self._head = up_to(cnn, FEATURES), _after(cnn, FEATURES)
        probabilities = predict(self._head, predict(self._features, val.images))
        self.temperature = fit_temperature(val.labels, probabilities)

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Return the CNN's calibrated probabilities for images in [0, 1], float64 (n, n_classes)."""
        return self._classify(predict(self._features, to_pixels(images)))

    def fit_features(self, images: np.ndarray) -> Gaussian:
        """Return the Gaussian of the CNN's features of images in [0, 1]."""
        return fit_gaussian(predict(self._features, to_pixels(images)))

    def score(self, samples: Samples, reference: Gaussian) -> dict[str, float]:
        """Return the scores by name.

        inside: fraction of the vectors inside the ellipsoid; nearest_vector, nearest_image: median
        distance to the nearest training vector, and of images as vectors in [0, 1]
        confidence: mean highest probability; class_entropy: of the predicted classes, in bits
        frechet: distance to the features of the reference
        """
        features = predict(self._features, to_pixels(samples.images))
        probabilities = self._classify(features)
        few = slice(self._queries)
        pixels = samples.images[few].reshape(len(samples.images[few]), -1)
        return {
            "reencoding_error": self.reencode(samples),
            "inside": self._gaussian.fraction_inside(samples.vectors, self._fraction),
            "nearest_vector": float(np.median(nearest_distances(samples.vectors[few], self._latents))),
            "nearest_image": float(np.median(nearest_distances(pixels, self._pixels))),
            "confidence": float(probabilities.max(axis=1).mean()),
            "class_entropy": float(entropy(np.bincount(probabilities.argmax(axis=1)), base=2)),
            "frechet": frechet_distance(fit_gaussian(features), reference),
        }

    def reencode(self, samples: Samples) -> float:
        """Return the mean of |E(D(z)) - z| / |z|: 0 if decoding and encoding lose nothing."""
        change = predict(self._encoder, to_pixels(samples.images)) - samples.vectors
        return float((np.linalg.norm(change, axis=1) / np.linalg.norm(samples.vectors, axis=1)).mean())

    def _classify(self, features: np.ndarray) -> np.ndarray:
        return apply_temperature(predict(self._head, features), self.temperature)


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """Return |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of two Gaussians.

    Dowson and Landau (1982), Journal of Multivariate Analysis 12: 450-455; of image features, Heusel et al.
    (2017), arXiv:1706.08500. The trace of the root is the sum of the singular values of S1^(1/2) S2^(1/2),
    from symmetric eigendecompositions, which also work for a singular covariance.
    """
    roots = [_square_root(gaussian.covariance) for gaussian in (first, second)]
    product = np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum()
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    squared = ((first.mean - second.mean) ** 2).sum() + traces - 2 * product
    return float(max(squared, 0.0))  # rounding may make it negative


def nearest_distances(queries: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each query (k, d) to the nearest reference (m, d), float64 (k,).

    The search is in float32 by matrix products, which is fast for many references.
    """
    found = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(references.astype(np.float32))
    _, nearest = found.kneighbors(queries.astype(np.float32))
    return np.asarray(np.linalg.norm(queries - references[nearest[:, 0]].astype(np.float64), axis=1))


def count_neighbour_votes(
    train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray
) -> int:
    """Return how many test vectors (m, d) get their label from the NEIGHBOURS nearest of `train` (n, d)."""
    voters = KNeighborsClassifier(min(NEIGHBOURS, len(train)), algorithm="brute").fit(train, train_labels)
    return int((voters.predict(test) == test_labels).sum())


def summarise_seeds(repeated: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Return one row per source and score: source, score, mean, low, high, over the seeds.

    repeated: one row per source and seed, with the number of images. Low and high are Student's interval
    of the mean over the seeds: it shows how far sampling moves a score, not another training.
    """
    long = repeated.melt(["source", "seed", "images"], var_name="score", value_name="value")
    groups = long.groupby(["source", "score"], sort=False)["value"].agg(["mean", "std", "count"])
    half = t.ppf((1 + confidence) / 2, groups["count"] - 1) * groups["std"] / np.sqrt(groups["count"])
    return groups[["mean"]].assign(low=groups["mean"] - half, high=groups["mean"] + half).reset_index()


def average_by_source(table: pd.DataFrame) -> dict[str, dict[Any, float]]:
    """Return the mean of each score by source; undefined ones are left out."""
    by_score = table.dropna(subset="mean").set_index("source").groupby("score", sort=False)["mean"]
    return {str(score): means.to_dict() for score, means in by_score}


def _square_root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T)


def _after(model: keras.Model, layer: str) -> keras.Model:
    """Return the network from the output of the named layer to the model's own; weights are shared."""
    names = [each.name for each in model.layers]
    inputs = tensor = keras.Input(model.get_layer(layer).output.shape[1:])
    for each in model.layers[names.index(layer) + 1 :]:
        tensor = each(tensor)
    return keras.Model(inputs, tensor)
