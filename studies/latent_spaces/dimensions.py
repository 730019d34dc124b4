"""Measure what a latent space of a given size keeps of the images, beside as many principal components.

Writes how well test images are reconstructed from each, whether nearest neighbours tell the classes, and
how close generated images come to real ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from digits.compute import Compute
from digits.pipeline.stage import Block, Confidence, Paths, Run, Seed, run_stage

if TYPE_CHECKING:  # NumPy must not be loaded before the environment is set
    import keras
    import numpy as np
    import pandas as pd

    from digits.data.splits import Split


class Dimensions(Block):
    """How the generators of each space are measured."""

    generated_images: int = Field(ge=2, description="images per generator and seed, at most")
    generator_seeds: int = Field(ge=2, description="repetitions of the sampling, for the intervals")
    mixture_components: int = Field(ge=1, description="Gaussians of the mixture")


def main(
    paths: Paths, run: Run, seed: Seed, compute: Compute, confidence: Confidence, dimensions: Dimensions
) -> None:
    """Read splits and networks; write the scores of both spaces."""
    from digits.data.files import write_table
    from digits.data.splits import read_split
    from digits.networks.common.saved import load_model, up_to

    train, test, latent = read_split(paths.train), read_split(paths.test), int(paths.latent)
    features = up_to(load_model(paths.pipeline), "features")
    compared = {
        "autoencoder": of_autoencoder(load_model(paths.autoencoders)),
        "components": of_components(train, latent),
    }
    table = measure(compared, (train, test), features, dimensions, seed, confidence)
    write_table(paths.dimensions, table.assign(latent=latent))


@dataclass(frozen=True)
class Space:
    """The ways to the vectors of a latent space and back.

    encode: of images, uint8 (n, height, width, channels), to vectors, float64 (n, d)
    decode: of vectors to images, float32 in [0, 1]
    """

    encode: "Callable[[np.ndarray], np.ndarray]"
    decode: "Callable[[np.ndarray], np.ndarray]"


def of_autoencoder(model: "keras.Model") -> Space:
    """Return the latent space of a trained autoencoder."""
    import numpy as np

    from digits.networks.common.saved import predict, split_autoencoder

    encoder, decoder = split_autoencoder(model)
    return Space(
        lambda images: predict(encoder, images).astype(np.float64),
        lambda vectors: predict(decoder, vectors.astype(np.float32)),
    )


def of_components(train: "Split", d: int) -> Space:
    """Return the space of the first d principal components of training images, fewer if there are fewer.

    What is decoded is clipped to [0, 1].
    """
    import numpy as np

    from digits.analysis.latent.pca import fit_pca
    from digits.data.splits import flatten

    pca, shape = fit_pca(flatten(train.images).astype(np.float64), d), train.images.shape[1:]

    def decode(vectors: "np.ndarray") -> "np.ndarray":
        images = np.clip(pca.inverse_transform(vectors), 0, 1).astype(np.float32)
        return images.reshape(-1, *shape)

    return Space(lambda images: pca.transform(flatten(images).astype(np.float64)), decode)


def measure(
    spaces: Mapping[str, Space],
    splits: "tuple[Split, Split]",
    features: "keras.Model",
    settings: Dimensions,
    seed: int,
    confidence: float,
) -> "pd.DataFrame":
    """Return one row per space and score: space, score, mean, low, high.

    splits: training and test images; features: from raw images to the vectors in which images are compared
    reconstruction_error: mean squared error per pixel of reconstructed test images
    knn: fraction of the test images whose class the nearest training vectors predict
    frechet_...: distance of decoded images to other test images; of encoded test images, of vectors
        sampled from the fitted normal distribution and from the mixture of `generators`
    Low and high bound the mean over the seeds (Student) and the fraction (Wilson); an error has none.
    """
    import numpy as np
    import pandas as pd

    from digits.analysis.classification.intervals import accuracy_interval
    from digits.analysis.latent.scores import count_neighbour_votes, summarise_seeds
    from digits.data.splits import scale

    tables = []
    for name, space in spaces.items():
        train, test = splits
        latents, test_latents = space.encode(train.images), space.encode(test.images)
        error = float(((space.decode(test_latents) - scale(test.images)).astype(np.float64) ** 2).mean())
        votes = count_neighbour_votes(latents, train.labels, test_latents, test.labels)
        low, high = accuracy_interval(votes, len(test), confidence)
        distances = _generate(space, latents, test_latents, test, features, settings, seed)
        rows = [("reconstruction_error", error, np.nan, np.nan), ("knn", votes / len(test), low, high)]
        plain = pd.DataFrame(rows, columns=["score", "mean", "low", "high"])
        tables += [
            plain.assign(space=name),
            summarise_seeds(distances.assign(source=name), confidence).rename(columns={"source": "space"}),
        ]
    return pd.concat(tables)[["space", "score", "mean", "low", "high"]]


def _generate(
    space: Space,
    latents: "np.ndarray",
    test_latents: "np.ndarray",
    test: "Split",
    features: "keras.Model",
    settings: Dimensions,
    seed: int,
) -> "pd.DataFrame":
    """Return one row per repetition: seed, images, and the three distances to half of the test images."""
    import numpy as np
    import pandas as pd

    from digits.analysis.latent.gaussian import Gaussian, fit_gaussian
    from digits.analysis.latent.generators import fit_mixture, sample_gaussian, sample_mixture
    from digits.analysis.latent.scores import frechet_distance
    from digits.data.splits import scale, to_pixels
    from digits.networks.common.saved import predict

    def fit_features(images: np.ndarray) -> Gaussian:
        return fit_gaussian(predict(features, to_pixels(images)))

    gaussian, n = fit_gaussian(latents), min(settings.generated_images, len(test) // 2)
    mixture = fit_mixture(latents, settings.mixture_components, np.random.default_rng([seed, 0]))
    rows = []
    for number in range(settings.generator_seeds):
        rng = np.random.default_rng([seed, 1, number])
        mine, others = np.array_split(rng.permutation(len(test)), 2)
        reference = fit_features(scale(test.images[others]))
        vectors = {
            "frechet_reconstructed": test_latents[mine[:n]],
            "frechet_normal": sample_gaussian(gaussian, n, rng),
            "frechet_mixture": sample_mixture(mixture, n, rng),
        }
        gaussians = {name: fit_features(space.decode(each)) for name, each in vectors.items()}
        distances = {name: frechet_distance(each, reference) for name, each in gaussians.items()}
        rows.append({"seed": number, "images": n, **distances})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    run_stage(main)
