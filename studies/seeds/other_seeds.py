"""Train a network again with other seeds, and write what each training predicts for the test images.

The first training is the pipeline's own network; the second network is kept.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated

from pydantic import Field, create_model

from digits.compute import Compute
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run
from digits.training.settings import TrainingSettings

Trainings = Annotated[int, Field(ge=2, description="number of trainings, including the pipeline's own")]


class Parameters(Block):
    """What this study reads from params.yaml: the settings of one network, and how often it is trained."""

    seed: Seed
    compute: Compute
    trainings: Trainings
    network: TrainingSettings


def settings_model(items: Mapping[str, str]) -> type[Parameters]:
    """Return the model of the settings of one network."""
    net = items["net"]
    settings = getattr(import_module(f"digits.networks.{net}.settings"), net.upper())
    return create_model(
        "Parameters",
        __base__=Parameters,
        trainings=(Trainings, Field(alias=f"other-seeds.{net}")),
        network=(settings, Field(alias=f"train-{net}")),
    )


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read splits and network; train with each other seed; write the second network and predictions."""
    import numpy as np

    from digits.data.files import write_array
    from digits.data.splits import read_dataset, read_split
    from digits.networks.common.saved import load_model, predict, save_model
    from digits.training import repeated

    build = getattr(import_module(f"digits.networks.{paths.net}.builder"), f"build_{paths.net}")
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    n_classes = len(read_dataset(paths.dataset)["classes"])
    predictions = [predict(load_model(paths.pipeline), test.images).argmax(axis=1)]
    for seed in repeated.seeds(parameters.seed, parameters.trainings)[1:]:
        model = repeated.train(build, parameters.network, (train, val), n_classes, seed).model
        if len(predictions) == 1:
            save_model(paths.twins, model)
        predictions.append(predict(model, test.images).argmax(axis=1))
        run.epoch(len(predictions), {"accuracy": float((predictions[-1] == test.labels).mean())})
    write_array(paths.predictions, np.stack(predictions).astype(np.uint8))


if __name__ == "__main__":
    stage.run(main)
