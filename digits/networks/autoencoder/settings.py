"""Settings of the autoencoder."""

from pydantic import Field

from digits.networks.common.fields import Activation, Layer, Penalty, Pooling, Share, Units
from digits.pipeline.settings import Block
from digits.training.settings import Fitting


class Noise(Block):
    """What is done to the images that go in; those that should come out stay clean. All 0 is nothing."""

    standard_deviation: float = Field(
        0.0, ge=0, le=1, description="of Gaussian noise, as a fraction of the pixel range"
    )
    dropped: Share = Field(0.0, description="fraction of the pixels set to 0")


class Autoencoder(Fitting):
    """An encoder to the latent space and its mirror image back; the loss is the mean squared error."""

    layers: tuple[Layer, ...] = Field(
        description="of the encoder, in order: filters of a convolution, or the word pool; [] for none"
    )
    hidden: tuple[Units, ...] = Field(description="units of each dense layer after those, [] for none")
    latent: int = Field(ge=1, description="size of the latent space")
    kernel: int = Field(ge=1, le=28, description="side of every kernel, in pixels")
    pooling: Pooling
    activation: Activation = Field(description="of all layers but the latent one and the output")
    l2: Penalty = Field(description="L2 penalty on all kernels")
    noise: Noise
