"""Settings of the multilayer perceptron."""

from typing import Literal

from pydantic import Field

from digits.networks.common.fields import Activation, Penalty, Scaling, Share, Units
from digits.training.settings import Fitting


class MLP(Fitting):
    """A multilayer perceptron: dense hidden layers and a softmax."""

    hidden: tuple[Units, ...] = Field(description="units of each hidden layer, [] for none")
    activation: Activation = Field(description="of the hidden layers")
    loss: Literal["categorical_crossentropy", "mean_squared_error"] = Field(
        "categorical_crossentropy", description="log loss, or the squared error of the probabilities"
    )
    l1: Penalty = Field(0.0, description="L1 penalty on the weights of all dense layers")
    l2: Penalty = Field(0.0, description="L2 penalty on the weights of all dense layers")
    dropout: Share = Field(0.0, description="share of each hidden layer's units dropped in training")
    scaling: Scaling = "unit"
