"""What single hidden nodes of the MLP do with the training images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from digits.analysis.saliency import units as nodes
from digits.data.splits import Split
from digits.networks.common.saved import load_model, predict, up_to
from digits.pipeline import StageError


@dataclass(frozen=True)
class Nodes:
    """A hidden layer's nodes.

    table: a row a node and class: node, class, quartiles, share_of_zeros
    ratios: eta squared of each node, the share of its variance between the classes
    """

    table: pd.DataFrame
    ratios: np.ndarray

    @property
    def best(self) -> int:
        """The node with the largest share."""
        return int(self.ratios.argmax())


def describe(path: Path, layer: str, train: Split, classes: list[str]) -> Nodes:
    """Describe the activations of a layer over all images of the split.

    Raises StageError when the network has no layer of that name, or its output is no row of nodes.
    """
    network = load_model(path)
    names = [each.name for each in network.layers if len(each.output.shape) == 2]
    if layer not in names:
        raise StageError(
            f"feature-importance.hidden_layer is {layer!r}; the MLP has the layers {', '.join(names)}. "
            "Name one of them in params.yaml."
        )
    activations = predict(up_to(network, layer), train.images)
    return Nodes(
        nodes.describe_activations(activations, train.labels, classes),
        nodes.correlation_ratios(activations, train.labels),
    )
