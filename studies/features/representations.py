"""Smaller inputs than all pixels: chosen pixels, principal components, distances to cluster centres.

All are fitted on the training split. Each function returns a transform of images, uint8 (n, height,
width, channels), to features (n, k).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.feature_selection import mutual_info_classif

from digits.data.splits import Split, flatten
from digits.training.loop import Transform

LEVELS = 8  # grey levels that mutual information tells apart
CLUSTER_BATCH = 4096

Representation = Callable[[int], Transform]


def represent(source: str, train: Split, importances: Path, seed: int) -> Representation:
    """Return the function that gives a source's transform for any number of features.

    source: an item of the matrix of `features` in dvc.yaml
    importances: table with the columns impurity and permutation, one row per pixel
    """
    if source == "components":
        return principal_components(train)
    if source == "clusters":
        return lambda k: clusters(train, k, seed)
    order = pixel_order(source, train, importances, seed)
    return lambda k: pixels(order[:k])


def pixel_order(source: str, train: Split, importances: Path, seed: int) -> np.ndarray:
    """Return the flat indices of all pixels, the best first; impurity breaks the ties of permutation."""
    if source == "random":
        return np.random.default_rng(seed).permutation(train.images[0].size)
    if source == "mutual-information":
        return np.argsort(-mutual_information(train), kind="stable")
    measured = pd.read_csv(importances)
    first = "impurity" if source == "forest" else source
    keys = [-measured[name].to_numpy() for name in ("impurity", first)]
    return np.lexsort(keys)  # the last key counts most


def mutual_information(train: Split) -> np.ndarray:
    """Return the mutual information of each pixel's grey level with the label, in nats, (pixels,)."""
    levels = train.images.reshape(len(train), -1) // (256 // LEVELS)
    return np.asarray(mutual_info_classif(levels, train.labels, discrete_features=True))


def pixels(chosen: np.ndarray) -> Transform:
    """Return the transform to the chosen pixels, uint8 (n, k)."""
    return lambda images, rng: images.reshape(len(images), -1)[:, chosen]


def principal_components(train: Split) -> Representation:
    """Return the transform to the first k principal components, float32 (n, k)."""
    pca = PCA(svd_solver="covariance_eigh").fit(flatten(train.images))

    def first(k: int) -> Transform:
        axes = np.ascontiguousarray(pca.components_[:k].T)
        return lambda images, rng: (flatten(images) - pca.mean_) @ axes

    return first


def clusters(train: Split, k: int, seed: int) -> Transform:
    """Return the transform to the distances from k cluster centres, float32 (n, k)."""
    means = MiniBatchKMeans(k, random_state=seed, batch_size=CLUSTER_BATCH, n_init=3)
    means.fit(flatten(train.images))
    return lambda images, rng: means.transform(flatten(images)).astype(np.float32)
