"""Train the MLP of train-mlp on fewer features than all pixels, and measure it on the test set.

Features are the most important pixels (by the forest's impurity or permutation, or by mutual
information), random pixels, principal components, or distances to cluster centres. All are fitted on the
training split.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from digits.compute import Compute
from digits.networks.mlp.settings import MLP
from digits.pipeline.stage import Block, Paths, Run, Seed, run_stage
from digits.training.settings import Augmentation

if TYPE_CHECKING:  # NumPy must not be loaded before the environment is set
    import numpy as np

    from digits.data.splits import Split
    from digits.training.loop import Transform

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


def main(paths: Paths, run: Run, seed: Seed, compute: Compute, features: Features, train_mlp: MLP) -> None:
    """Read the splits; train for each number of features and seed; write a table."""
    import pandas as pd

    from digits.data.files import write_table
    from digits.data.splits import read_dataset, read_split
    from digits.networks.mlp.builder import build_mlp
    from digits.training import repeated

    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    n_classes = len(read_dataset(paths.dataset)["classes"])
    representation = represent(paths.source, train, paths.importances, seed)
    changes: dict[str, Any] = {
        name: getattr(features, name) for name in ("epochs", "dropout", "augmentation")
    }
    if paths.source in ("components", "clusters"):
        changes["scaling"] = "standard"  # these features are no grey levels
    network = train_mlp.model_copy(update=changes)
    rows = []
    for k in features.clusters if paths.source == "clusters" else features.counts:
        transform = representation(k)
        for training_seed in repeated.seeds(seed, features.seeds if k in features.repeated else 1):
            result = repeated.train(build_mlp, network, (train, val), n_classes, training_seed, transform)
            metrics = repeated.measure(result, test, transform)
            rows.append({"source": paths.source, "features": k, "seed": training_seed, **metrics})
            run.epoch(len(rows), {f"{k}_features": metrics["accuracy"]})
    write_table(paths.features, pd.DataFrame(rows))


def represent(source: str, train: "Split", importances: Path, seed: int) -> "Callable[[int], Transform]":
    """Return a function of k that gives a transform of images, uint8 (n, ...), to features (n, k).

    source: an item of the matrix of `features` in dvc.yaml
    importances: table with the columns impurity and permutation, one row per pixel
    """
    if source == "components":
        return principal_components(train)
    if source == "clusters":
        return lambda k: clusters(train, k, seed)
    order = pixel_order(source, train, importances, seed)
    return lambda k: lambda images, rng: images.reshape(len(images), -1)[:, order[:k]]


def pixel_order(source: str, train: "Split", importances: Path, seed: int) -> "np.ndarray":
    """Return the flat indices of all pixels, the best first; impurity breaks the ties of permutation."""
    import numpy as np
    import pandas as pd

    if source == "random":
        return np.random.default_rng(seed).permutation(train.images[0].size)
    if source == "mutual-information":
        return np.argsort(-mutual_information(train), kind="stable")
    measured = -pd.read_csv(importances)
    first = "impurity" if source == "forest" else source
    return np.lexsort((measured["impurity"], measured[first]))  # the last key counts most


LEVELS = 8  # grey levels that mutual information tells apart
CLUSTER_BATCH = 4096


def mutual_information(train: "Split") -> "np.ndarray":
    """Return the mutual information of each pixel's grey level with the label, in nats, (pixels,)."""
    from sklearn.feature_selection import mutual_info_classif

    levels = train.images.reshape(len(train), -1) // (256 // LEVELS)
    return mutual_info_classif(levels, train.labels, discrete_features=True)


def principal_components(train: "Split") -> "Callable[[int], Transform]":
    """Return a function of k that gives the transform to the first k principal components, float32."""
    import numpy as np
    from sklearn.decomposition import PCA

    from digits.data.splits import flatten

    pca = PCA(svd_solver="covariance_eigh").fit(flatten(train.images))

    def first(k: int) -> "Transform":
        axes = np.ascontiguousarray(pca.components_[:k].T)
        return lambda images, rng: (flatten(images) - pca.mean_) @ axes

    return first


def clusters(train: "Split", k: int, seed: int) -> "Transform":
    """Return the transform to the distances from k cluster centres, float32 (n, k)."""
    import numpy as np
    from sklearn.cluster import MiniBatchKMeans

    from digits.data.splits import flatten

    means = MiniBatchKMeans(k, random_state=seed, batch_size=CLUSTER_BATCH, n_init=3)
    means.fit(flatten(train.images))
    return lambda images, rng: means.transform(flatten(images)).astype(np.float32)


if __name__ == "__main__":
    run_stage(main)
