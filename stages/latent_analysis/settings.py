"""Settings of the stage latent-analysis."""

from typing import Annotated

from pydantic import Field

from digits.pipeline.settings import Block

Level = Annotated[float, Field(gt=0, lt=1)]
Levels = Annotated[tuple[Level, ...], Field(min_length=1)]


class Denoising(Block):
    """The noise that the autoencoder is asked to remove."""

    images: int = Field(ge=1, description="test images, at most")
    standard_deviation: Levels = Field(description="standard deviations of Gaussian noise; 1: pixel range")
    dropped: Levels = Field(description="fractions of the pixels set to 0")


class Analysis(Block):
    """What is analysed, and how many vectors and images are used."""

    hidden_layer: str = Field(description="layer of the MLP whose activations are one of the spaces")
    tsne_train: int = Field(ge=20, description="training images that t-SNE maps, at most")
    tsne_test: int = Field(ge=10, description="test images placed into that map, at most")
    tsne_perplexity: float = Field(gt=1, description="effective number of neighbours in t-SNE")
    normality_vectors: int = Field(ge=3, le=5000, description="latent vectors per test of normality, at most")
    ellipsoid_fraction: float = Field(ge=0.5, lt=1, description="fraction of a Gaussian inside the ellipsoid")
    mixture_components: int = Field(ge=1, description="Gaussians of the mixture")
    generated_images: int = Field(ge=2, description="images per generator and seed, at most")
    generator_seeds: int = Field(ge=2, description="repetitions of the sampling, for the intervals")
    neighbour_queries: int = Field(ge=1, description="vectors whose nearest neighbour is searched, at most")
    denoising: Denoising
