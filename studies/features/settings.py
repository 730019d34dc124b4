"""What the study features reads: its settings and its paths."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages.networks.mlp_settings import MLP
from stages.shared import command
from stages.shared.command import Input, Item, Output
from stages.shared.compute import Compute
from stages.shared.fitting import Augmentation
from stages.shared.parameters import Block, Seed

Count = Annotated[int, Field(ge=1)]


class Features(Block):
    """Which numbers of features are tried, and how often."""

    counts: tuple[Count, ...] = Field(description="numbers of pixels or components")
    clusters: tuple[Count, ...] = Field(description="numbers of clusters")
    repeated: tuple[Count, ...] = Field(description="numbers that are trained with several seeds")
    seeds: Count = Field(description="how many seeds these are trained with")
    epochs: Count = Field(description="of each training; the other settings are those of train-mlp")
    dropout: float = Field(ge=0, lt=1, description="share of each hidden layer's units dropped in training")
    augmentation: Augmentation


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    compute: Compute
    features: Features
    train_mlp: MLP = Field(alias="train-mlp")


class Paths(command.Paths):
    """What this study reads and writes."""

    source: Annotated[str, Item("where features come from")]
    train: Annotated[Path, Input("folder of the training split", "data")]
    val: Annotated[Path, Input("folder of the validation split", "data")]
    test: Annotated[Path, Input("folder of the test split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    importances: Annotated[Path, Input("CSV: importance of each pixel")]
    table: Annotated[Path, Output("CSV: one row a training")]
