"""Train a network with published settings, with one or several seeds, and measure it on the test set.

params.yaml has the settings as they were published, one block per network; a number is the hidden units of
the notebook's network, whose other settings are the defaults of Notebook. The splits, the single monitor
and the restored best weights are this project's.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from digits.compute import Compute
from digits.networks.cnn.settings import CNN
from digits.networks.mlp.settings import MLP
from digits.pipeline.stage import Paths, Run, Seed, run_stage
from digits.training.settings import Activation, Optimizer, Penalty, Scaling, Schedule

Seeds = Annotated[int, Field(ge=1, description="number of seeds that the network is trained with")]


class PublishedMLP(MLP):
    """An MLP, and how often it is trained."""

    seeds: Seeds = 1


class Notebook(PublishedMLP):
    """The network of the notebook, with its published settings."""

    activation: Activation = "relu"
    loss: Literal["categorical_crossentropy", "mean_squared_error"] = "categorical_crossentropy"
    l2: Penalty = 0.001
    scaling: Scaling = "unit"
    epochs: int = Field(default=200, ge=1)
    batch_size: int = Field(default=32, ge=1)
    monitor: Literal["val_loss", "val_accuracy"] = "val_accuracy"
    patience: int = Field(default=2, ge=1)
    optimizer: Optimizer = Optimizer(name="rmsprop", learning_rate=0.001, schedule=Schedule(name="constant"))


class PublishedCNN(CNN):
    """A CNN, and how often it is trained."""

    seeds: Seeds = 1


def main(paths: Paths, run: Run, seed: Seed, compute: Compute, network: PublishedMLP | PublishedCNN) -> None:
    """Read the splits; train with each seed; write a table with accuracy, macro scores and log loss."""
    import numpy as np
    import pandas as pd
    from sklearn.metrics import confusion_matrix, log_loss

    from digits.analysis.classification.metrics import class_table
    from digits.data.files import write_table
    from digits.data.splits import read_dataset, read_split
    from digits.networks.cnn.builder import build_cnn
    from digits.networks.common.saved import predict
    from digits.networks.mlp.builder import build_mlp
    from digits.training import repeated

    build = build_mlp if isinstance(network, MLP) else build_cnn
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    classes = read_dataset(paths.dataset)["classes"]
    rows = []
    for training_seed in repeated.seeds(seed, network.seeds):
        result = repeated.train(build, network, (train, val), len(classes), training_seed)
        probabilities = predict(result.model, test.images)
        confusion = confusion_matrix(test.labels, probabilities.argmax(axis=1), labels=range(len(classes)))
        table = class_table(confusion, classes)
        metrics = repeated.measure(result, test) | {
            "log_loss": log_loss(test.labels, probabilities.astype(np.float64), labels=range(len(classes))),
            **{f"macro_{name}": float(table[name].mean()) for name in ("precision", "recall", "f1")},
            "classes_never_predicted": int((confusion.sum(axis=0) == 0).sum()),
        }
        rows.append({"net": paths.net, "seed": training_seed, **metrics})
        run.epoch(len(rows), {"accuracy": metrics["accuracy"]})
    write_table(paths.published, pd.DataFrame(rows))


def by_item(items: Mapping[str, str]) -> dict[str, Any]:
    """Return what `network` is in params.yaml for one item of the matrix, as an annotation."""
    network = {"blog-mlp": PublishedMLP, "blog-cnn": PublishedCNN}.get(items["net"], Notebook)
    return {"network": Annotated[network, Field(alias=f"published.{items['net']}")]}


if __name__ == "__main__":
    run_stage(main)
