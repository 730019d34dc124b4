"""How good drawn vectors and their images are, by the autoencoder, the CNN and the training images."""

from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from scipy.stats import entropy

from digits.analysis.classification.calibration import apply_temperature, fit_temperature
from digits.analysis.latent.ellipse import nearest_distances
from digits.analysis.latent.frechet import frechet_distance
from digits.analysis.latent.gaussian import Region, describe, reencoding_error
from digits.data.splits import PIXEL_MAX, flatten
from digits.networks.common.saved import predict, up_to
from stages.latent_analysis.case import Case
from stages.latent_analysis.spaces import FEATURES


@dataclass(frozen=True)
class Drawn:
    """Latent vectors (n, d) of a source, and its images (n, height, width, channels) in [0, 1]."""

    vectors: np.ndarray
    images: np.ndarray


class Judge:
    """Scores of drawn vectors and images; the CNN's temperature is fitted on the validation images."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._features = up_to(case.cnn, FEATURES)
        self._head = _after(case.cnn, FEATURES)
        probabilities = predict(self._head, predict(self._features, case.val.images))
        self.temperature = fit_temperature(case.val.labels, probabilities)

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Return the CNN's calibrated probabilities for images in [0, 1], float64 (n, n_classes)."""
        return self._classify(predict(self._features, images * np.float32(PIXEL_MAX)))

    def describe_features(self, images: np.ndarray) -> Region:
        """Return mean and covariance of the CNN's features of images in [0, 1]."""
        return describe(predict(self._features, images * np.float32(PIXEL_MAX)))

    def score(self, drawn: Drawn, reference: Region) -> dict[str, float]:
        """Return the scores by name.

        inside: share of the vectors within the ellipsoid; nearest_vector, nearest_image: median
        distance to the nearest training vector, and of images as vectors in [0, 1], of the first ones
        confidence: mean highest probability; class_entropy: of the shares of the predicted classes, bits
        frechet: distance to the features of the reference
        """
        settings, case = self._case.settings, self._case
        features = predict(self._features, drawn.images * np.float32(PIXEL_MAX))
        probabilities = self._classify(features)
        few = slice(settings.nearest)
        return {
            "reencoding_error": self.reencode(drawn),
            "inside": case.region.share_inside(drawn.vectors, settings.ellipsoid),
            "nearest_vector": float(np.median(nearest_distances(drawn.vectors[few], case.codes))),
            "nearest_image": float(np.median(nearest_distances(_flat(drawn.images[few]), self._pixels))),
            "confidence": float(probabilities.max(axis=1).mean()),
            "class_entropy": float(entropy(np.bincount(probabilities.argmax(axis=1)), base=2)),
            "frechet": frechet_distance(describe(features), reference),
        }

    def reencode(self, drawn: Drawn) -> float:
        """Return the mean of |E(D(z)) - z| / |z|."""
        reencoded = predict(self._case.encoder, drawn.images * np.float32(PIXEL_MAX))
        return float(reencoding_error(drawn.vectors, reencoded).mean())

    @cached_property
    def _pixels(self) -> np.ndarray:
        return flatten(self._case.train.images)

    def _classify(self, features: np.ndarray) -> np.ndarray:
        return apply_temperature(predict(self._head, features), self.temperature)


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def _after(model: keras.Model, layer: str) -> keras.Model:
    """Return the network from the output of the named layer to the model's own; weights are shared."""
    names = [each.name for each in model.layers]
    inputs = tensor = keras.Input(model.get_layer(layer).output.shape[1:])
    for each in model.layers[names.index(layer) + 1 :]:
        tensor = each(tensor)
    return keras.Model(inputs, tensor)
