"""What the stage evaluate reads: its settings and its paths."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block


class Evaluation(Block):
    """How the figures are taken."""

    confidence: float = Field(gt=0, lt=1, description="of the intervals")
    calibration_bins: int = Field(ge=1, description="bins of the calibration error")
    logistic_iterations: int = Field(ge=1, description="steps of the logistic regression, at most")
    gallery: int = Field(ge=1, le=50, description="test images shown with their reconstruction")


class Parameters(Block):
    """What this stage reads of params.yaml."""

    compute: Compute
    evaluate: Evaluation


class Paths(command.Paths):
    """What this stage reads and writes."""

    train: Annotated[Path, Input("folder of the training split", "data")]
    test: Annotated[Path, Input("folder of the test split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    mlp: Annotated[Path, Input("the trained multilayer perceptron")]
    cnn: Annotated[Path, Input("the trained convolutional network")]
    ae: Annotated[Path, Input("the trained autoencoder")]
    mlp_history: Annotated[Path, Input("CSV: figures of each epoch of the MLP")]
    cnn_history: Annotated[Path, Input("CSV: figures of each epoch of the CNN")]
    ae_history: Annotated[Path, Input("CSV: figures of each epoch of the autoencoder")]
    outputs: Annotated[Path, Output("folder of outputs for every test image", "data")]
    plots: Annotated[Path, Output("folder of tables and pictures", "plots")]
    metrics: Annotated[Path, Output("JSON: the figures", "metrics")]
