"""What the stage feature-importance reads: its settings and its paths."""

from pydantic import Field

from digits.compute import Compute
from digits.networks.mlp.settings import MLP
from digits.pipeline.settings import Block, Seed


class Importance(Block):
    """How the importance of pixels is measured and put to the test."""

    trees: int = Field(ge=1, description="trees of each random forest")
    seeds: int = Field(ge=2, description="forests, each from a seed of its own, that give the spread")
    block: int = Field(ge=1, description="side of the square blocks of pixels, in pixels")
    pixels: int = Field(ge=2, description="how many of the most important pixels the MLP is given")
    images: int = Field(
        ge=1, description="validation images for the networks' permutation and occlusion, at most"
    )
    attribution_images: int = Field(
        ge=1, description="validation images of each class for integrated gradients, at most"
    )
    steps: int = Field(ge=1, description="of the integral from the blank image to the image")
    hidden_layer: str = Field(description="name of the MLP's layer whose nodes are looked at")
    scatter: int = Field(ge=10, description="training images drawn in each scatter plot, at most")


class Parameters(Block):
    """What this stage reads of params.yaml; the MLP is built and fitted as in train-mlp."""

    seed: Seed
    compute: Compute
    feature_importance: Importance = Field(alias="feature-importance")
    train_mlp: MLP = Field(alias="train-mlp")
