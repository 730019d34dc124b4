"""Settings of the autoencoder."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from digits.pipeline.settings import Block
from digits.training.settings import (
    Activation,
    Fraction,
    Kernel,
    Layer,
    Penalty,
    Pooling,
    TrainingSettings,
    Units,
)


class Noise(Block):
    """Noise on the input images; the target images stay clean. All 0 is none."""

    standard_deviation: float = Field(
        default=0.0, ge=0, le=1, description="of Gaussian noise, as a fraction of the pixel range"
    )
    dropped: Fraction = Field(default=0.0, description="fraction of the pixels set to 0")


class Autoencoder(TrainingSettings):
    """An encoder to the latent space and its mirror image back; the loss is the mean squared error."""

    layers: tuple[Layer, ...] = Field(
        description="of the encoder, in order: filters of a convolution, or the word pool; [] for none"
    )
    hidden: tuple[Units, ...] = Field(description="units of each dense layer after those, [] for none")
    latent: int = Field(ge=1, description="size of the latent space")
    kernel: Kernel = 3
    pooling: Pooling = "max"
    activation: Activation = Field(
        default="relu", description="of all layers but the latent one and the output"
    )
    l2: Penalty = Field(default=0.0, description="L2 penalty on all kernels")
    noise: Noise = Noise()
    monitor: Literal["val_loss"] = Field(
        description="metric that chooses the best epoch and stops the training"
    )

    def idle(self) -> Iterator[tuple[str, str]]:
        """Yield the settings of layers that are not there."""
        if not self.layers:
            yield "kernel", "without layers"
        if "pool" not in self.layers:
            yield "pooling", "without poolings"
        if not (self.layers or self.hidden):
            yield "activation", "without layers and hidden"
