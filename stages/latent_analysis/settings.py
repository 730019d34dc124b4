"""What the stage latent-analysis reads: its settings and its paths."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed


class Analysis(Block):
    """What is looked at, and how much of it is drawn."""

    scatter: int = Field(ge=10, description="test images drawn in each scatter plot, at most")
    hidden_layer: str = Field(description="name of the MLP's layer whose activations are analysed")
    generated: int = Field(ge=1, description="vectors drawn from each distribution and decoded")


class Parameters(Block):
    """What this stage reads of params.yaml."""

    seed: Seed
    compute: Compute
    latent_analysis: Analysis = Field(alias="latent-analysis")


class Paths(command.Paths):
    """What this stage reads and writes."""

    train: Annotated[Path, Input("folder of the training split", "data")]
    test: Annotated[Path, Input("folder of the test split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    mlp: Annotated[Path, Input("the trained multilayer perceptron")]
    ae: Annotated[Path, Input("the trained autoencoder")]
    outputs: Annotated[Path, Output("folder of arrays: vectors and projections", "data")]
    plots: Annotated[Path, Output("folder of tables and pictures", "plots")]
    metrics: Annotated[Path, Output("JSON: the figures", "metrics")]
