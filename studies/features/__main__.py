"""Train the MLP of train-mlp on fewer features than all pixels, and measure it on the test set.

Features are the most important pixels (by the forest's impurity or permutation, or by mutual
information), random pixels, principal components, or distances to cluster centres.
"""

from typing import Annotated, Any

from pydantic import Field

from digits.compute import Compute
from digits.networks.mlp.settings import MLP
from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run
from digits.training.settings import Augmentation

Count = Annotated[int, Field(ge=1)]


class Features(Block):
    """Which numbers of features are tried, and how often."""

    counts: tuple[Count, ...] = Field(description="numbers of pixels or components")
    clusters: tuple[Count, ...] = Field(description="numbers of clusters")
    repeated: tuple[Count, ...] = Field(description="numbers that are trained with several seeds")
    seeds: Count = Field(description="number of seeds for those")
    epochs: Count = Field(description="of each training; the other settings are those of train-mlp")
    dropout: float = Field(ge=0, lt=1, description="fraction of hidden units dropped in training")
    augmentation: Augmentation


class Parameters(Block):
    """What this study reads from params.yaml."""

    seed: Seed
    compute: Compute
    features: Features
    train_mlp: MLP = Field(alias="train-mlp")


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read the splits; train for each number of features and seed; write a table."""
    import pandas as pd

    from digits.data.files import write_table
    from digits.data.splits import read_dataset, read_split
    from digits.networks.mlp.builder import build_mlp
    from digits.training import repeated
    from studies.features.representations import represent

    settings = parameters.features
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    n_classes = len(read_dataset(paths.dataset)["classes"])
    representation = represent(paths.source, train, paths.importances, parameters.seed)
    changes: dict[str, Any] = {
        name: getattr(settings, name) for name in ("epochs", "dropout", "augmentation")
    }
    if paths.source in ("components", "clusters"):
        changes["scaling"] = "standard"  # these features are no grey levels
    network = parameters.train_mlp.model_copy(update=changes)
    rows = []
    for k in settings.clusters if paths.source == "clusters" else settings.counts:
        transform = representation(k)
        for seed in repeated.seeds(parameters.seed, settings.seeds if k in settings.repeated else 1):
            result = repeated.train(build_mlp, network, (train, val), n_classes, seed, transform)
            metrics = repeated.measure(result, test, transform)
            rows.append({"source": paths.source, "features": k, "seed": seed, **metrics})
            run.epoch(len(rows), {f"{k}_features": metrics["accuracy"]})
    write_table(paths.features, pd.DataFrame(rows))


if __name__ == "__main__":
    stage.run(main)
