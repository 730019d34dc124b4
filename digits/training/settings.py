"""Settings of how a network is fitted, the same for every network.

Defaults are for the studies; the pipeline names every setting in params.yaml.
"""

from typing import Literal

from pydantic import Field

from digits.pipeline.settings import Block


class Schedule(Block):
    """How the learning rate goes from batch to batch."""

    name: Literal["constant", "inverse_time", "cosine"] = Field(
        "constant",
        description="constant; inverse_time: divided by 1 + decay * step; cosine: to 0 at the end",
    )
    decay: float = Field(0.0, ge=0, description="of inverse_time, per step; without effect otherwise")
    warmup_epochs: int = Field(0, ge=0, description="of cosine: epochs of linear rise from 0")

    @property
    def depends_on_epochs(self) -> bool:
        """Whether another number of epochs changes the first ones too."""
        return self.name == "cosine"


class Optimizer(Block):
    """Which optimizer takes the steps."""

    name: Literal["adam", "adamw", "rmsprop", "sgd"] = Field(description="the optimizer")
    learning_rate: float = Field(gt=0, description="the highest learning rate")
    momentum: float = Field(0.0, ge=0, lt=1, description="of sgd and rmsprop; without effect otherwise")
    weight_decay: float = Field(0.0, ge=0, description="of adamw; without effect otherwise")
    schedule: Schedule = Schedule()


class Augmentation(Block):
    """Random distortion of each training image, drawn anew every epoch; all 0 is none."""

    shift: float = Field(0.0, ge=0, le=14, description="largest shift along each axis, in pixels")
    rotation: float = Field(0.0, ge=0, le=180, description="largest rotation either way, in degrees")
    zoom: float = Field(0.0, ge=0, lt=1, description="largest relative zoom, along each axis")
    shear: float = Field(0.0, ge=0, le=45, description="largest slant to either side, in degrees")

    @property
    def enabled(self) -> bool:
        """Whether any image is changed."""
        return (self.shift, self.rotation, self.zoom, self.shear) != (0, 0, 0, 0)


class Fitting(Block):
    """How long, in what batches and with which optimizer; when to stop."""

    epochs: int = Field(ge=1, description="epochs at most")
    batch_size: int = Field(ge=1, description="images in one step")
    monitor: Literal["val_loss", "val_accuracy"] = Field(
        description="figure that chooses the best epoch and stops the training"
    )
    patience: int = Field(ge=1, description="epochs without a better figure before it stops")
    optimizer: Optimizer
    augmentation: Augmentation = Augmentation()
