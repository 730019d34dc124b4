"""Train a network again with other seeds, and write what each predicts of the test images.

The first training is the pipeline's own network; the second is kept.
"""

from pydantic import Field

from digits.compute import Compute
from digits.networks.cnn.settings import CNN
from digits.networks.mlp.settings import MLP
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run
from studies.stability_settings import Stability


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    compute: Compute
    stability: Stability
    train_mlp: MLP = Field(alias="train-mlp")
    train_cnn: CNN = Field(alias="train-cnn")


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read splits and network; train with each further seed; write the second network and predictions."""
    import numpy as np

    from digits.data.files import write_array
    from digits.data.splits import read_dataset, read_split
    from digits.networks.cnn.builder import build_cnn
    from digits.networks.common.saved import load_model, predict, save_model
    from digits.networks.mlp.builder import build_mlp
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
    stage.run(main)
