"""What a space of few dimensions keeps of the images: an autoencoder's, or that of principal components."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from digits.analysis.classification.intervals import accuracy_interval
from digits.analysis.latent.embedding import count_neighbour_votes
from digits.analysis.latent.frechet import frechet_distance
from digits.analysis.latent.gaussian import Region, describe
from digits.analysis.latent.generators import draw_mixture, draw_normal, fit_mixture
from digits.analysis.latent.seed_intervals import CONFIDENCE, summarise
from digits.data.splits import PIXEL_MAX, Split, flatten, scale
from digits.networks.common.saved import predict, split_autoencoder
from stages.latent_analysis.settings import Analysis


@dataclass(frozen=True)
class Space:
    """The ways to vectors and back.

    encode: of images, uint8 (n, height, width, channels), to vectors, float64 (n, d)
    decode: of vectors to images, float32 in [0, 1]
    """

    encode: Callable[[np.ndarray], np.ndarray]
    decode: Callable[[np.ndarray], np.ndarray]


def of_autoencoder(model: keras.Model) -> Space:
    """Return the latent space of a trained autoencoder."""
    encoder, decoder = split_autoencoder(model)
    return Space(
        lambda images: predict(encoder, images).astype(np.float64),
        lambda vectors: predict(decoder, vectors.astype(np.float32)),
    )


def of_components(train: Split, d: int) -> Space:
    """Return the space of the first d principal components of training images, fewer if there are fewer.

    What is decoded is clipped to [0, 1].
    """
    values, shape = flatten(train.images).astype(np.float64), train.images.shape[1:]
    pca = PCA(min(d, *values.shape), svd_solver="covariance_eigh").fit(values)

    def decode(vectors: np.ndarray) -> np.ndarray:
        images = np.clip(pca.inverse_transform(vectors), 0, 1).astype(np.float32)
        return images.reshape(-1, *shape)

    return Space(lambda images: pca.transform(flatten(images).astype(np.float64)), decode)


def measure(
    spaces: Mapping[str, Space],
    splits: tuple[Split, Split],
    features: keras.Model,
    settings: Analysis,
    seed: int,
) -> pd.DataFrame:
    """Return one row a space and score: space, score, mean, low, high.

    splits: training and test images; features: from raw images to the vectors in which images are compared
    reconstruction_error: mean squared error of a pixel of a test image that was encoded and decoded
    knn: share of the test images whose class the nearest training vectors name
    frechet_...: distance of decoded images to other test images; of encoded test images, of vectors
        drawn from the fitted normal distribution and from the mixture of `generators`
    Low and high bound the mean over the draws (Student) and the share (Wilson); an error has none.
    """
    tables = []
    for name, space in spaces.items():
        train, test = splits
        codes, test_codes = space.encode(train.images), space.encode(test.images)
        error = float(((space.decode(test_codes) - scale(test.images)).astype(np.float64) ** 2).mean())
        votes = count_neighbour_votes(codes, train.labels, test_codes, test.labels)
        low, high = accuracy_interval(votes, len(test), CONFIDENCE)
        drawn = _draw(space, codes, test_codes, test, features, settings, seed)
        rows = [("reconstruction_error", error, np.nan, np.nan), ("knn", votes / len(test), low, high)]
        plain = pd.DataFrame(rows, columns=["score", "mean", "low", "high"])
        tables += [
            plain.assign(space=name),
            summarise(drawn.assign(source=name)).rename(columns={"source": "space"}),
        ]
    return pd.concat(tables)[["space", "score", "mean", "low", "high"]]


def _draw(
    space: Space,
    codes: np.ndarray,
    test_codes: np.ndarray,
    test: Split,
    features: keras.Model,
    settings: Analysis,
    seed: int,
) -> pd.DataFrame:
    """Return one row a repetition: seed, images, and the three distances to half of the test images."""

    def look(images: np.ndarray) -> Region:
        return describe(predict(features, images * np.float32(PIXEL_MAX)))

    region, n = describe(codes), min(settings.generated, len(test) // 2)
    mixture = fit_mixture(codes, settings.components, np.random.default_rng([seed, 0]))
    rows = []
    for number in range(settings.seeds):
        rng = np.random.default_rng([seed, 1, number])
        mine, others = np.array_split(rng.permutation(len(test)), 2)
        reference = look(scale(test.images[others]))
        vectors = {
            "frechet_reconstructed": test_codes[mine[:n]],
            "frechet_normal": draw_normal(region, n, rng),
            "frechet_mixture": draw_mixture(mixture, n, rng),
        }
        distances = {
            name: frechet_distance(look(space.decode(each)), reference) for name, each in vectors.items()
        }
        rows.append({"seed": number, "images": n, **distances})
    return pd.DataFrame(rows)
