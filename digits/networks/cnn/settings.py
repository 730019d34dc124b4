"""Settings of the convolutional network."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from digits.training.settings import (
    Activation,
    Fraction,
    Kernel,
    Layer,
    Penalty,
    Pooling,
    Scaling,
    TrainingSettings,
)


class CNN(TrainingSettings):
    """A convolutional network: convolutions and poolings, one dense layer and a softmax."""

    layers: tuple[Layer, ...] = Field(description="in order: filters of a convolution, or the word pool")
    kernel: Kernel = 3
    padding: Literal["valid", "same"] = Field(default="valid", description="of every convolution")
    pooling: Pooling = "max"
    batch_normalization: bool = Field(
        default=False, description="normalize each convolution before its activation"
    )
    activation: Activation = Field(description="of the convolutions and the dense layer")
    dense: int = Field(ge=1, description="units of the dense layer")
    dropout: Fraction = Field(
        default=0.0, description="fraction of the dense layer's units dropped during training"
    )
    l2: Penalty = Field(default=0.0, description="L2 penalty on all kernels")
    scaling: Scaling

    def idle(self) -> Iterator[tuple[str, str]]:
        """Yield the settings of convolutions and poolings where there are none."""
        if not any(isinstance(layer, int) for layer in self.layers):
            for name in ("kernel", "padding", "batch_normalization"):
                yield name, "without convolutions"
        if "pool" not in self.layers:
            yield "pooling", "without poolings"
