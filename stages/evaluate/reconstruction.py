"""The autoencoder on the test set, beside a principal component analysis of the same dimension."""

from collections.abc import Mapping

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from digits.analysis.classification.intervals import interval_table
from digits.data.splits import Split, flatten
from digits.drawing.grid import Tile, draw_grid
from digits.networks.common.saved import predict, split_autoencoder
from stages.evaluate.context import EvaluationContext

IMAGES = 12


def count_latents(network: keras.Model) -> int:
    """Return to how many numbers the autoencoder reduces an image."""
    return int(split_autoencoder(network)[0].output.shape[-1])


def reconstruct(network: keras.Model, train: Split, test: Split) -> dict[str, np.ndarray]:
    """Return the test images in [0, 1] by the autoencoder and by PCA of equal dimension."""
    components = min(count_latents(network), len(train) - 1)
    pca = PCA(components, svd_solver="covariance_eigh").fit(flatten(train.images))
    by_pca = np.asarray(pca.inverse_transform(pca.transform(flatten(test.images))))
    return {"autoencoder": predict(network, test.images), "PCA": by_pca.reshape(test.images.shape)}


def squared_error(originals: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the mean squared error per pixel of each image in [0, 1], float64 (n,)."""
    difference = originals.astype(np.float64) - images
    return np.asarray((difference**2).reshape(len(images), -1).mean(axis=1))


def measure(
    errors: Mapping[str, np.ndarray], context: EvaluationContext
) -> tuple[dict[str, float], dict[str, pd.DataFrame]]:
    """Return mean errors and their ratio; as tables, their intervals and the mean errors per class."""
    weights = context.weights
    mse, pca_mse = (errors[name] @ weights / weights.sum(axis=0) for name in ("autoencoder", "PCA"))
    measured = {"mse": mse, "pca_mse": pca_mse, "mse_ratio": mse / pca_mse}
    by_class = pd.DataFrame({"label": context.test.labels, **errors}).groupby("label", as_index=False).mean()
    tables = {"metrics": interval_table(measured, context.confidence), "errors": by_class}
    return {name: float(values[0]) for name, values in measured.items()}, tables


def draw_reconstructions(
    originals: np.ndarray, reconstructed: Mapping[str, np.ndarray], metrics: Mapping[str, float], numbers: int
) -> Figure:
    """Draw the first originals above their reconstructions from that many numbers, all in [0, 1]."""
    shown = {"original": originals, **reconstructed}
    rows = [(name, [Tile(image.clip(0, 1)) for image in images[:IMAGES]]) for name, images in shown.items()]
    title = (
        f"Test images and their reconstructions, with {numbers} numbers each: mean squared error "
        f"{metrics['mse']:.4f} by the autoencoder, {metrics['pca_mse']:.4f} by PCA"
    )
    return draw_grid(rows, title, side=0.75)
