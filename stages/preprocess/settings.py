"""What the stage preprocess reads: its settings and its paths."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed


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


class Paths(command.Paths):
    """What this stage reads and writes."""

    raw: Annotated[Path, Input("folder of the four IDX files and dataset.json", "data")]
    train: Annotated[Path, Output("folder of the training split: images, labels, indices", "data")]
    val: Annotated[Path, Output("folder of the validation split", "data")]
    test: Annotated[Path, Output("folder of the test split", "data")]
    dataset: Annotated[Path, Output("JSON: what is known of the data set")]
    plots: Annotated[Path, Output("folder of tables and pictures", "plots")]
    metrics: Annotated[Path, Output("JSON: counts and pixel statistics", "metrics")]
