"""Which networks there are: the one list that evaluation, curves, comparisons and tracking go through.

A new classifier needs an entry here, its module in digits/networks, its stage, and in dvc.yaml the
paths NAME and NAME_history, both among the dependencies of `evaluate`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """A network as pictures and tables show it; `name` is also the name of its path in dvc.yaml."""

    name: str
    title: str
    long_title: str
    colour: str
    marker: str
    classifies: bool


_LISTED = (  # colours: Paul Tol's "vibrant", https://personal.sron.nl/~pault/
    Network("mlp", "MLP", "multilayer perceptron", "#CC3311", "s", classifies=True),
    Network("cnn", "CNN", "convolutional network", "#0077BB", "o", classifies=True),
    Network("ae", "AE", "autoencoder", "#EE7733", "^", classifies=False),
)
NETWORKS = {network.name: network for network in _LISTED}
CLASSIFIERS = tuple(network.name for network in _LISTED if network.classifies)
