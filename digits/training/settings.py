"""Settings that every network has: how it is trained, and the kinds of fields that networks share.

A setting whose default is "off" may be left out by a study; the pipeline's own params.yaml shows it.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

from digits.pipeline.settings import Block


def _layer(value: object) -> object:
    """Check the whole value, because a union would report one fault once for each of its members."""
    if value == "pool" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise PydanticCustomError("layer", "Input should be a number of filters, 1 or more, or the word pool")


Activation = Literal["elu", "gelu", "leaky_relu", "relu", "selu", "sigmoid", "silu", "tanh"]
Units = Annotated[int, Field(ge=1)]
Penalty = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Layer = Annotated[int | Literal["pool"], PlainValidator(_layer)]
Scaling = Annotated[
    Literal["raw", "unit", "standard"],
    Field(description="of the pixels; raw: 0 to 255, unit: 0 to 1, standard: mean 0, standard deviation 1"),
]


class Schedule(Block):
    """How the learning rate changes from batch to batch."""

    name: Literal["constant", "inverse_time", "cosine"] = Field(
        description="constant; inverse_time: divided by 1 + decay * step; cosine: to 0 at the end"
    )
    decay: float = Field(default=0.0, ge=0, description="of inverse_time, per step")
    warmup_epochs: int = Field(default=0, ge=0, description="of cosine: epochs of linear increase from 0")

    @property
    def depends_on_epochs(self) -> bool:
        """Whether another number of epochs changes the first ones too."""
        return self.name == "cosine"

    def idle(self) -> Iterator[tuple[str, str]]:
        """Yield the settings of the other schedules."""
        if self.name != "inverse_time":
            yield "decay", f"with the schedule {self.name}"
        if self.name != "cosine":
            yield "warmup_epochs", f"with the schedule {self.name}"


class Optimizer(Block):
    """Which optimizer takes the steps."""

    name: Literal["adam", "adamw", "rmsprop", "sgd"] = Field(description="the optimizer")
    learning_rate: float = Field(gt=0, description="the highest learning rate")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="of sgd and rmsprop")
    weight_decay: float = Field(default=0.0, ge=0, description="of adamw")
    schedule: Schedule

    def idle(self) -> Iterator[tuple[str, str]]:
        """Yield the settings of the other optimizers."""
        if self.name not in ("sgd", "rmsprop"):
            yield "momentum", f"with {self.name}"
        if self.name != "adamw":
            yield "weight_decay", f"with {self.name}"


class Augmentation(Block):
    """Random distortion of each training image, drawn anew every epoch; all 0 is none."""

    shift: float = Field(default=0.0, ge=0, le=14, description="largest shift along each axis, in pixels")
    rotation: float = Field(default=0.0, ge=0, le=180, description="largest rotation either way, in degrees")
    zoom: float = Field(default=0.0, ge=0, lt=1, description="largest relative zoom, along each axis")
    shear: float = Field(default=0.0, ge=0, le=45, description="largest slant to either side, in degrees")

    @property
    def enabled(self) -> bool:
        """Whether any image is changed."""
        return any((self.shift, self.rotation, self.zoom, self.shear))


class TrainingSettings(Block):
    """How long to train, in what batches and with which optimizer; when to stop."""

    epochs: int = Field(ge=1, description="epochs at most")
    batch_size: int = Field(ge=1, description="images in one step")
    monitor: Literal["val_loss", "val_accuracy"] = Field(
        description="metric that chooses the best epoch and stops the training"
    )
    patience: int = Field(ge=1, description="epochs without a better value before it stops")
    optimizer: Optimizer
    augmentation: Augmentation = Augmentation()


class Convolutional(TrainingSettings):
    """What networks of convolutions and poolings have in common."""

    layers: tuple[Layer, ...] = Field(description="in order: filters of a convolution, or the word pool")
    kernel: int = Field(default=3, ge=1, le=28, description="side of every kernel, in pixels")
    pooling: Literal["max", "mean"] = Field(default="max", description="what a pooling of 2x2 pixels takes")
    l2: Penalty = Field(default=0.0, description="L2 penalty on all kernels")

    def idle(self) -> Iterator[tuple[str, str]]:
        """Yield the setting of poolings where there are none."""
        if "pool" not in self.layers:
            yield "pooling", "without poolings"
