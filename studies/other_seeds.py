"""Train a network again with other seeds, and write what each predicts of the test images.

The first training is the pipeline's own network; the second is kept.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages import record
from stages.networks.cnn_settings import CNN
from stages.networks.mlp_settings import MLP
from stages.shared import command
from stages.shared.command import Input, Item, Output
from stages.shared.compute import Compute
from stages.shared.parameters import Block, Seed
from studies.stability_settings import Stability


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    compute: Compute
    stability: Stability
    train_mlp: MLP = Field(alias="train-mlp")
    train_cnn: CNN = Field(alias="train-cnn")


class Paths(command.Paths):
    """What this study reads and writes."""

    net: Annotated[str, Item("mlp or cnn")]
    train: Annotated[Path, Input("folder of the training split", "data")]
    val: Annotated[Path, Input("folder of the validation split", "data")]
    test: Annotated[Path, Input("folder of the test split", "data")]
    dataset: Annotated[Path, Input("JSON: what is known of the data set")]
    model: Annotated[Path, Input("the pipeline's own network")]
    twin: Annotated[Path, Output("the network of the second seed, .keras")]
    predictions: Annotated[Path, Output("uint8 (trainings, n): predicted classes of the test images")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read splits and network; train with each further seed; write the second network and predictions."""
    import numpy as np

    from stages.networks.cnn import build_cnn
    from stages.networks.mlp import build_mlp
    from stages.shared.data import read_dataset, read_split
    from stages.shared.files import write_array
    from stages.shared.models import load_model, predict, save_model
    from studies import training

    settings = parameters.train_mlp if paths.net == "mlp" else parameters.train_cnn
    build = build_mlp if isinstance(settings, MLP) else build_cnn
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    n_classes = len(read_dataset(paths.dataset)["classes"])
    predictions = [predict(load_model(paths.model), test.images).argmax(axis=1)]
    for seed in training.seeds(parameters.seed, getattr(parameters.stability, paths.net))[1:]:
        model, _ = training.train(build, settings, (train, val), n_classes, seed)
        if len(predictions) == 1:
            save_model(paths.twin, model)
        predictions.append(predict(model, test.images).argmax(axis=1))
        run.epoch(len(predictions), {"accuracy": float((predictions[-1] == test.labels).mean())})
    write_array(paths.predictions, np.stack(predictions).astype(np.uint8))


if __name__ == "__main__":
    command.run("other-seeds", __doc__, Parameters, Paths, main, package="studies")
