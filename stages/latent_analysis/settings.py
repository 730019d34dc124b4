"""What the stage latent-analysis reads: its settings and its paths."""

from typing import Annotated

from pydantic import Field

from digits.compute import Compute
from digits.pipeline.settings import Block, Seed

Level = Annotated[float, Field(gt=0, lt=1)]
Levels = Annotated[tuple[Level, ...], Field(min_length=1)]


class Denoising(Block):
    """What the autoencoder is asked to remove."""

    images: int = Field(ge=1, description="test images, at most")
    deviation: Levels = Field(description="standard deviations of Gaussian noise, in shares of the range")
    dropped: Levels = Field(description="shares of the pixels set to 0")


class Analysis(Block):
    """What is looked at, and how much of it is drawn."""

    scatter: int = Field(ge=10, description="test images drawn in each scatter plot, at most")
    hidden_layer: str = Field(description="name of the MLP's layer whose activations are analysed")
    tested: int = Field(ge=3, le=5000, description="latent vectors of each test of normality, at most")
    ellipsoid: float = Field(
        ge=0.5, lt=1, description="share of a normal distribution within the ellipsoid that counts as inside"
    )
    generated: int = Field(ge=2, description="vectors drawn from each generator with each seed, at most")
    seeds: int = Field(ge=2, description="repetitions of the drawing, for the intervals")
    components: int = Field(ge=1, description="Gaussians of the mixture")
    nearest: int = Field(
        ge=1, description="drawn vectors whose nearest training image and vector are sought, at most"
    )
    tsne: int = Field(ge=20, description="training images that t-SNE maps, at most")
    placed: int = Field(ge=10, description="test images placed into that map, at most")
    perplexity: float = Field(gt=1, description="of t-SNE: about how many neighbours count")
    denoising: Denoising


class Parameters(Block):
    """What this stage reads of params.yaml."""

    seed: Seed
    compute: Compute
    latent_analysis: Analysis = Field(alias="latent-analysis")
