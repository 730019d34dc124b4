"""Settings of the stage filters."""

from typing import Annotated

from pydantic import Field

from digits.pipeline.settings import Block

Scale = Annotated[float, Field(ge=0, le=100)]


class Filters(Block):
    """How activation maximization searches the pattern of each map."""

    reference_images: int = Field(ge=1, description="training images, at most, to compare patterns with")
    noise_images: int = Field(ge=1, le=5000, description="noise images to choose each map's starts from")
    noise_scales: tuple[Scale, ...] = Field(
        min_length=1, description="standard deviations of the smoothing of the noise, in pixels"
    )
    starts_per_map: int = Field(ge=1, le=50, description="noise images that each map's ascents start from")
    ascent_steps: int = Field(ge=0, le=1000, description="steps of each gradient ascent")
    ascent_step_size: float = Field(
        gt=0, le=255, description="root mean square change of a pixel, 0 to 255, in the first step"
    )
