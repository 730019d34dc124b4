"""Settings of how networks are compared that differ only by their seed."""

from pydantic import Field

from digits.pipeline.settings import Block


class Stability(Block):
    """How often each network is trained, and how the trained ones are compared."""

    mlp: int = Field(ge=2, description="trainings of the MLP, the pipeline's own among them")
    cnn: int = Field(ge=2, description="trainings of the CNN, the pipeline's own among them")
    bootstrap: int = Field(ge=10, description="resamples of the test images for each interval")
    cells: int = Field(ge=1, description="cells of the confusion matrix that the picture shows")
    images: int = Field(ge=2, description="test images on which filters are compared, at most")
    repeats: int = Field(ge=1, description="permutations of these images, for what chance gives")
