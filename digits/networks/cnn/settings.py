"""Settings of the convolutional network."""

from typing import Literal

from pydantic import Field

from digits.networks.common.fields import Activation, Layer, Penalty, Pooling, Scaling, Share
from digits.training.settings import Fitting


class CNN(Fitting):
    """A convolutional network: convolutions and poolings, one dense layer and a softmax."""

    layers: tuple[Layer, ...] = Field(description="in order: filters of a convolution, or the word pool")
    kernel: int = Field(ge=1, le=28, description="side of every kernel, in pixels")
    padding: Literal["valid", "same"] = Field("valid", description="of every convolution")
    pooling: Pooling = "max"
    batch_normalization: bool = Field(False, description="normalise each convolution before its activation")
    activation: Activation = Field(description="of the convolutions and the dense layer")
    dense: int = Field(ge=1, description="units of the dense layer")
    dropout: Share = Field(0.0, description="share of the dense layer's units dropped in training")
    l2: Penalty = Field(0.0, description="L2 penalty on all kernels")
    scaling: Scaling = "unit"
