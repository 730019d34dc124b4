"""What the stage preprocess reads: its settings and its paths."""

from pydantic import Field

from digits.compute import Compute
from digits.pipeline.settings import Block, Seed


class Sizes(Block):
    """How many images each split has; the rest is left out."""

    train: int = Field(ge=100, description="images to train on")
    val: int = Field(ge=50, description="images that choices are made on")
    test: int = Field(ge=50, description="images that figures are reported on")


class Parameters(Block):
    """What this stage reads of params.yaml."""

    split_seed: Seed
    compute: Compute
    preprocess: Sizes
