"""Train a network with published settings, with several seeds, and measure it on the test set.

The notebook's network has one hidden layer, of as many nodes as the name says. The settings stand
in params.yaml as they were published; the splits, the single monitor and the restored best weights
are this project's.
"""

from pydantic import Field

from digits.compute import Compute
from digits.networks.cnn.settings import CNN
from digits.networks.mlp.settings import MLP
from digits.pipeline import StageError, stage
from digits.pipeline.declaration import Paths
from digits.pipeline.settings import Block, Seed
from digits.tracking import Run


class Published(Block):
    """The networks, each with all its settings."""

    seeds: int = Field(ge=1, description="how many seeds the networks of `repeated` are trained with")
    repeated: tuple[str, ...] = Field(description="names of the networks trained with several seeds")
    notebook: MLP
    blog_mlp: MLP = Field(alias="blog-mlp")
    blog_cnn: CNN = Field(alias="blog-cnn")

    def network(self, name: str) -> MLP | CNN:
        """Return the settings of a network: a number of hidden nodes, or a name."""
        if name.isdigit():
            return self.notebook.model_copy(update={"hidden": (int(name),)})
        named: dict[str, MLP | CNN] = {"blog-mlp": self.blog_mlp, "blog-cnn": self.blog_cnn}
        if name not in named:
            raise StageError(f"--net {name}: expected a number of nodes, or one of {', '.join(named)}.")
        return named[name]


class Parameters(Block):
    """What this study reads of params.yaml."""

    seed: Seed
    compute: Compute
    published: Published


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read the splits; train with each seed; write a table with accuracy, macro scores and log loss."""
    import numpy as np
    import pandas as pd
    from sklearn.metrics import log_loss

    from digits.analysis.classification.metrics import class_table, confusion_matrix
    from digits.data.files import write_table
    from digits.data.splits import read_dataset, read_split
    from digits.networks.cnn.builder import build_cnn
    from digits.networks.common.saved import predict
    from digits.networks.mlp.builder import build_mlp
    from studies import training

    settings = parameters.published.network(paths.net)
    build = build_mlp if isinstance(settings, MLP) else build_cnn
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    classes = read_dataset(paths.dataset)["classes"]
    rows = []
    several = paths.net in parameters.published.repeated
    for seed in training.seeds(parameters.seed, parameters.published.seeds if several else 1):
        model, fitted = training.train(build, settings, (train, val), len(classes), seed)
        probabilities = predict(model, test.images)
        confusion = confusion_matrix(test.labels, probabilities.argmax(axis=1), len(classes))
        table = class_table(confusion, classes)
        figures = training.measure(model, fitted, test) | {
            "log_loss": log_loss(test.labels, probabilities.astype(np.float64), labels=range(len(classes))),
            **{f"macro_{name}": float(table[name].mean()) for name in ("precision", "recall", "f1")},
            "classes_never_predicted": int((confusion.sum(axis=0) == 0).sum()),
        }
        rows.append({"net": paths.net, "seed": seed, **figures})
        run.epoch(len(rows), {"accuracy": figures["accuracy"]})
    write_table(paths.table, pd.DataFrame(rows))


if __name__ == "__main__":
    stage.run(main)
