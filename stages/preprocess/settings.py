"""Settings of the stage preprocess."""

from typing import Annotated

from pydantic import Field

from digits.pipeline.settings import Block, Seed

SplitSeed = Annotated[Seed, Field(description="which training images are held out for validation")]


class Sizes(Block):
    """Number of images per split; the rest is left out."""

    train: int = Field(ge=100, description="images to train on")
    val: int = Field(ge=50, description="images that choices are made on")
    test: int = Field(ge=50, description="images that results are reported on")
