"""What the stage evaluate reads: its settings and its paths."""

from typing import Annotated

from pydantic import Field

from digits.compute import Compute
from digits.pipeline.settings import Block, Confidence, Seed

Degrees = Annotated[float, Field(ge=-180, le=180)]
Pixels = Annotated[float, Field(ge=-1000, le=1000)]
Share = Annotated[float, Field(ge=0, le=1)]
Deviation = Annotated[float, Field(ge=0, le=100)]
Factor = Annotated[float, Field(ge=0, le=10)]


class Disturbances(Block):
    """How far the test images are disturbed, each way by itself."""

    rotation: tuple[Degrees, ...] = Field(min_length=1, description="degrees counterclockwise")
    shift: tuple[Pixels, ...] = Field(min_length=1, description="pixels to the right")
    noise: tuple[Share, ...] = Field(min_length=1, description="standard deviation, of the pixel range")
    blur: tuple[Deviation, ...] = Field(min_length=1, description="standard deviation in pixels")
    contrast: tuple[Factor, ...] = Field(min_length=1, description="factor of what differs from the mean")


class Evaluation(Block):
    """How the figures are taken."""

    bootstrap: int = Field(ge=20, le=5000, description="resamples of the test images, for the intervals")
    calibration_bins: int = Field(ge=1, description="bins of the calibration error")
    logistic_iterations: int = Field(ge=1, description="steps of the logistic regression, at most")
    gallery: int = Field(ge=1, le=50, description="images in a row of a gallery, at most")
    robustness_images: int = Field(ge=1, description="test images that are disturbed, at most")
    disturbances: Disturbances


class Parameters(Block):
    """What this stage reads of params.yaml."""

    seed: Seed
    confidence: Confidence
    compute: Compute
    evaluate: Evaluation
