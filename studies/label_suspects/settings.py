"""What the study label-suspects reads: its settings and its paths."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages.networks.cnn_settings import CNN
from stages.shared import command
from stages.shared.command import Input, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed


class LabelSuspects(Block):
    """How doubtful labels are sought, and how the search is tested."""

    folds: int = Field(
        ge=2, description="parts of the training split; each is predicted by a net of the others"
    )
    epochs: int = Field(ge=1, description="of each training; the other settings are those of train-cnn")
    flipped: float = Field(gt=0, lt=0.5, description="share of labels changed on purpose, to be found again")
    gallery: int = Field(ge=1, description="suspects shown, the most suspicious first")


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    compute: Compute
    label_suspects: LabelSuspects = Field(alias="label-suspects")
    train_cnn: CNN = Field(alias="train-cnn")


class Paths(command.Paths):
    """What this study reads and writes."""

    train: Annotated[Path, Input("folder of the training split", "data")]
    val: Annotated[Path, Input("folder of the validation split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    probabilities: Annotated[
        Path, Output("float32 (n, classes): each training image by nets that never saw it")
    ]
    plots: Annotated[Path, Output("folder of tables and pictures", "plots")]
    metrics: Annotated[Path, Output("JSON: suspects, and how many flipped labels are found", "metrics")]
