"""The autoencoder on the test set, beside a principal component analysis of the same dimension."""

import keras
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from digits.analysis.classification.bootstrap import interval_table, weigh_equally
from digits.data.files import write_array, write_table
from digits.data.splits import Split, flatten, scale
from digits.drawing.style import image_rows, save
from digits.networks.common.saved import predict, split_autoencoder
from digits.pipeline.declaration import Paths
from stages.evaluate.case import Case
from stages.evaluate.settings import Evaluation


def report(network: keras.Model, case: Case, settings: Evaluation, paths: Paths) -> dict[str, float]:
    """Write the error of each image and originals above reconstructions; return the mean errors."""
    test = case.test
    dimension = split_autoencoder(network)[0].output.shape[-1]
    reconstructed = {
        "autoencoder": predict(network, test.images),
        "PCA": _reconstruct_by_pca(case.train, test, dimension),
    }
    originals = scale(test.images)
    errors = {name: squared_error(originals, images) for name, images in reconstructed.items()}
    write_array(paths.data / "ae_errors.npy", errors["autoencoder"])
    write_table(paths.plots / "ae" / "errors.csv", error_table(errors, test))
    figures, resampled = (_mean(errors, weights) for weights in (weigh_equally(len(test)), case.counts))
    values = {name: value.item() for name, value in figures.items()}
    intervals = interval_table(values, resampled, settings.confidence)
    write_table(paths.plots / "ae" / "figures.csv", intervals)
    shown = {"original": originals, **{name: np.clip(x, 0, 1) for name, x in reconstructed.items()}}
    title = (
        f"test images from {dimension} numbers each: error {values['mse']:.4f} by the autoencoder, "
        f"{values['pca_mse']:.4f} by PCA"
    )
    rows = {name: images[: settings.gallery] for name, images in shown.items()}
    save(paths.plots / "ae" / "reconstructions.png", image_rows(rows, title))
    return values


def squared_error(originals: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the mean squared error per pixel of each image in [0, 1], float64 (n,)."""
    difference = originals.astype(np.float64) - images
    return np.asarray((difference**2).reshape(len(images), -1).mean(axis=1))


def error_table(errors: dict[str, np.ndarray], test: Split) -> pd.DataFrame:
    """Return the mean error of each class's images, one row a class, one column a method."""
    table = pd.DataFrame({"label": test.labels, **errors})
    return table.groupby("label", as_index=False).mean()


def _mean(errors: dict[str, np.ndarray], weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return both mean errors and their ratio, one value a column of weights (n, m)."""
    mse, pca_mse = (errors[name] @ weights / weights.sum(axis=0) for name in ("autoencoder", "PCA"))
    return {"mse": mse, "pca_mse": pca_mse, "mse_ratio": mse / pca_mse}


def _reconstruct_by_pca(train: Split, test: Split, dimension: int) -> np.ndarray:
    components = min(dimension, len(train) - 1)
    pca = PCA(components, svd_solver="covariance_eigh").fit(flatten(train.images))
    images = pca.inverse_transform(pca.transform(flatten(test.images)))
    return np.asarray(images).reshape(test.images.shape)
