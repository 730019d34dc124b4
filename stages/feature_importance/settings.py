"""Settings of the stage feature-importance."""

from pydantic import Field

from digits.pipeline.settings import Block


class Importance(Block):
    """How the importance of pixels is measured and tested."""

    trees: int = Field(ge=1, description="trees of each random forest")
    forests: int = Field(ge=2, description="random forests, each from its own seed, for the spread")
    block_side: int = Field(ge=1, description="side of the square blocks of pixels, in pixels")
    chosen_pixels: int = Field(ge=2, description="number of pixels that the MLP is retrained on")
    validation_images: int = Field(
        ge=1, description="validation images for the networks' permutation and occlusion, at most"
    )
    attribution_images: int = Field(
        ge=1, description="validation images per class for integrated gradients, at most"
    )
    integration_steps: int = Field(
        ge=1, description="steps of each integral from the blank to the actual image"
    )
    hidden_layer: str = Field(description="name of the MLP's layer whose units are described")
