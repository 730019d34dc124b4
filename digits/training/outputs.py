"""What the training stages share: reading the splits, writing the result and tracking it."""

from digits.data.files import write_json, write_table
from digits.data.splits import read_dataset, read_split
from digits.networks.common.saved import save_model
from digits.pipeline.declaration import Paths
from digits.tracking import Run
from digits.training.loop import Builder, TrainingResult, train_classifier
from digits.training.settings import TrainingSettings


def run_classifier(
    name: str, build: Builder, settings: TrainingSettings, seed: int, paths: Paths, run: Run
) -> None:
    """Train a classifier on the splits and write it, with its validation accuracy, as `write_result` does."""
    splits = read_split(paths.train), read_split(paths.val)
    n_classes = len(read_dataset(paths.dataset)["classes"])
    result = train_classifier(build, settings, splits, n_classes, seed, run)
    write_result(result, name, "val_accuracy", paths, run)


def write_result(result: TrainingResult, name: str, metric: str, paths: Paths, run: Run) -> None:
    """Write the network, its history and the best epoch's `metric`, as `NAME_val`; track all of it.

    name: of the network and of its path in dvc.yaml. The history is a CSV with a column `kept`.
    """
    save_model(getattr(paths, name), result.model)
    history = result.history.assign(kept=result.history["epoch"] == result.best_epoch)
    write_table(getattr(paths, f"{name}_history"), history)
    write_json(paths.metrics, {f"{name}_val": result.best[metric]})
    result.finish()
    run.metrics(result.summary)
    run.model(getattr(paths, name), read_split(paths.train).images[:2])
