"""Train a network again with other seeds, and write what each training predicts for the test images.

The first training is the pipeline's own network; the second network is kept.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any

from pydantic import Field

from digits.compute import Compute
from digits.pipeline.stage import Paths, Run, Seed, run_stage
from digits.training.settings import TrainingSettings


def main(
    paths: Paths, run: Run, seed: Seed, compute: Compute, trainings: int, network: TrainingSettings
) -> None:
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
    for training_seed in repeated.seeds(seed, trainings)[1:]:
        model = repeated.train(build, network, (train, val), n_classes, training_seed).model
        if len(predictions) == 1:
            save_model(paths.twins, model)
        predictions.append(predict(model, test.images).argmax(axis=1))
        run.epoch(len(predictions), {"accuracy": float((predictions[-1] == test.labels).mean())})
    write_array(paths.predictions, np.stack(predictions).astype(np.uint8))


def by_item(items: Mapping[str, str]) -> dict[str, Any]:
    """Return what `trainings` and `network` are in params.yaml for one item of the matrix, as annotations."""
    net = items["net"]
    settings = getattr(import_module(f"digits.networks.{net}.settings"), net.upper())
    meaning = "number of trainings, including the pipeline's own"
    return {
        "trainings": Annotated[int, Field(ge=2, alias=f"other-seeds.{net}", description=meaning)],
        "network": Annotated[settings, Field(alias=f"train-{net}")],
    }


if __name__ == "__main__":
    run_stage(main)
