"""What the stage filters reads: its settings and its paths."""

from typing import Annotated

from pydantic import Field

from digits.compute import Compute
from digits.pipeline.settings import Block, Seed

Scale = Annotated[float, Field(ge=0, le=100)]


class Filters(Block):
    """Which image is shown, and how the patterns are looked for that excite a map most."""

    shown_class: int = Field(ge=0, le=255, description="class, from 0, of the image that all maps show")
    images: int = Field(ge=1, description="training images that a pattern is compared with, at most")
    noise: int = Field(ge=1, le=5000, description="images of noise from which the starts are chosen")
    scales: tuple[Scale, ...] = Field(
        min_length=1, description="of the noise: standard deviations of its smoothing in pixels"
    )
    starts: int = Field(ge=1, le=50, description="of each map, the best of the noise")
    steps: int = Field(ge=0, le=1000, description="of the ascent from each start")
    step: float = Field(
        gt=0, le=255, description="root mean square change of a pixel, 0 to 255, in the first step"
    )


class Parameters(Block):
    """What this stage reads of params.yaml."""

    seed: Seed
    compute: Compute
    filters: Filters
