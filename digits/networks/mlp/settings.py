"""Settings of the multilayer perceptron."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from digits.training.settings import Activation, Fraction, Penalty, Scaling, TrainingSettings, Units


class MLP(TrainingSettings):
    """A multilayer perceptron: dense hidden layers and a softmax."""

    hidden: tuple[Units, ...] = Field(description="units of each hidden layer, [] for none")
    activation: Activation = Field(default="relu", description="of the hidden layers")
    loss: Literal["categorical_crossentropy", "mean_squared_error"] = Field(
        description="log loss, or the squared error of the probabilities"
    )
    l1: Penalty = Field(default=0.0, description="L1 penalty on the weights of all dense layers")
    l2: Penalty = Field(default=0.0, description="L2 penalty on the weights of all dense layers")
    dropout: Fraction = Field(
        default=0.0, description="fraction of each hidden layer's units dropped during training"
    )
    scaling: Scaling

    def idle(self) -> Iterator[tuple[str, str]]:
        """Yield the settings of hidden layers where there are none."""
        if not self.hidden:
            yield "activation", "without hidden layers"
            yield "dropout", "without hidden layers"
