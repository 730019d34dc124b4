"""What the stage feature-importance reads: its settings and its paths."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages.networks.mlp_settings import MLP
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed


class Importance(Block):
    """How the importance of pixels is measured and put to the test."""

    trees: int = Field(ge=1, description="trees of the random forest")
    pixels: int = Field(ge=1, description="how many of the most important pixels the MLP is given")


class Parameters(Block):
    """What this stage reads of params.yaml; the MLP is built and fitted as in train-mlp."""

    seed: Seed
    compute: Compute
    feature_importance: Importance = Field(alias="feature-importance")
    train_mlp: MLP = Field(alias="train-mlp")


class Paths(command.Paths):
    """What this stage reads and writes."""

    train: Annotated[Path, Input("folder of the training split", "data")]
    val: Annotated[Path, Input("folder of the validation split", "data")]
    test: Annotated[Path, Input("folder of the test split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    outputs: Annotated[Path, Output("folder of arrays: importances and chosen pixels", "data")]
    plots: Annotated[Path, Output("folder of tables and pictures", "plots")]
    metrics: Annotated[Path, Output("JSON: the figures", "metrics")]
