"""What the stage filters reads: its settings and its paths."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed

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


class Paths(command.Paths):
    """What this stage reads and writes."""

    train: Annotated[Path, Input("folder of the training split", "data")]
    test: Annotated[Path, Input("folder of the test split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    cnn: Annotated[Path, Input("the trained convolutional network")]
    outputs: Annotated[Path, Output("folder of arrays: maps and patterns", "data")]
    plots: Annotated[Path, Output("folder of tables and pictures", "plots")]
    metrics: Annotated[Path, Output("JSON: the figures", "metrics")]
