"""What the study features reads: its settings and its paths."""

from typing import Annotated

from pydantic import Field

from digits.compute import Compute
from digits.networks.mlp.settings import MLP
from digits.pipeline.settings import Block, Seed
from digits.training.settings import Augmentation

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
