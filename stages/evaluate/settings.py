"""Settings of the stage evaluate."""

from typing import Annotated

from pydantic import Field

from digits.pipeline.settings import Block

Degrees = Annotated[float, Field(ge=-180, le=180)]
Pixels = Annotated[float, Field(ge=-1000, le=1000)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Width = Annotated[float, Field(ge=0, le=100)]
Factor = Annotated[float, Field(ge=0, le=10)]


class Corruptions(Block):
    """The levels at which test images are corrupted, each kind by itself."""

    rotation: tuple[Degrees, ...] = Field(min_length=1, description="degrees counterclockwise")
    shift: tuple[Pixels, ...] = Field(min_length=1, description="pixels to the right")
    noise: tuple[Fraction, ...] = Field(min_length=1, description="standard deviation, of the pixel range")
    blur: tuple[Width, ...] = Field(min_length=1, description="standard deviation in pixels")
    contrast: tuple[Factor, ...] = Field(min_length=1, description="factor on the difference from the mean")


class Evaluation(Block):
    """How metrics are taken."""

    bootstrap: int = Field(ge=20, le=5000, description="resamples of the test images, for the intervals")
    calibration_bins: int = Field(ge=1, description="bins of the calibration error")
    logistic_iterations: int = Field(ge=1, description="steps of the logistic regression, at most")
    corrupted_images: int = Field(ge=1, description="test images that are corrupted, at most")
    corruptions: Corruptions
