"""Settings of the convolutional network."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from digits.training.settings import Activation, Convolutional, Fraction, Scaling


class CNN(Convolutional):
    """A convolutional network: convolutions and poolings, one dense layer and a softmax."""

    padding: Literal["valid", "same"] = Field(default="valid", description="of every convolution")
    batch_normalization: bool = Field(
        default=False, description="normalize each convolution before its activation"
    )
    activation: Activation = Field(description="of the convolutions and the dense layer")
    dense: int = Field(ge=1, description="units of the dense layer")
    dropout: Fraction = Field(
        default=0.0, description="fraction of the dense layer's units dropped during training"
    )
    scaling: Scaling

    def idle(self) -> Iterator[tuple[str, str]]:
        """Yield the settings of convolutions and poolings where there are none."""
        yield from super().idle()
        if not any(isinstance(layer, int) for layer in self.layers):
            for name in ("kernel", "padding", "batch_normalization"):
                yield name, "without convolutions"
