"""Settings of the autoencoder."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from digits.pipeline.settings import Block
from digits.training.settings import Activation, Convolutional, Fraction, Layer, Units


class Noise(Block):
    """Noise on the input images; the target images stay clean. All 0 is none."""

    standard_deviation: float = Field(
        default=0.0, ge=0, le=1, description="of Gaussian noise, as a fraction of the pixel range"
    )
    dropped: Fraction = Field(default=0.0, description="fraction of the pixels set to 0")


class Autoencoder(Convolutional):
    """An encoder to the latent space and its mirror image back; the loss is the mean squared error."""

    layers: tuple[Layer, ...] = Field(
        description="of the encoder, in order: filters of a convolution, or the word pool; [] for none"
    )
    hidden: tuple[Units, ...] = Field(description="units of each dense layer after those, [] for none")
    latent: int = Field(ge=1, description="size of the latent space")
    activation: Activation = Field(
        default="relu", description="of all layers but the latent one and the output"
    )
    noise: Noise = Noise()
    monitor: Literal["val_loss"] = Field(
        description="metric that chooses the best epoch and stops the training"
    )

    def idle(self) -> Iterator[tuple[str, str]]:
        """Yield the settings of layers that are not there."""
        yield from super().idle()
        if not self.layers:
            yield "kernel", "without layers"
        if not (self.layers or self.hidden):
            yield "activation", "without layers and hidden"
