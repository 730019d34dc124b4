"""The autoencoder's error on the test set, beside that of principal components."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from digits.networks.autoencoder.builder import build_autoencoder
from digits.networks.common.saved import predict
from stages.evaluate import reconstruction
from stages.evaluate.settings import Paths
from tests.evaluation import SETTINGS, make_case
from tests.helpers import autoencoder

CASE = make_case()
TRAIN, TEST = CASE.train, CASE.test


def by_svd(dimension: int) -> np.ndarray:
    """Return the test images from that many principal components of the training images."""
    train, test = TRAIN.images.reshape(60, -1) / 255, TEST.images.reshape(30, -1) / 255
    mean = train.mean(axis=0)
    directions = np.linalg.svd(train - mean, full_matrices=False)[2][:dimension]
    return ((test - mean) @ directions.T @ directions + mean).reshape(TEST.images.shape)


def test_the_squared_error_is_each_image_s_mean_over_pixels() -> None:
    originals = np.zeros((3, 2, 2, 1), np.float32)
    images = originals.copy()
    images[1] = 0.5
    images[2, 0, 1] = 1
    errors = reconstruction.squared_error(originals, images)
    assert errors.tolist() == [0, 0.25, 0.25]
    assert errors.dtype == np.float64


def test_both_methods_are_measured_on_the_test_images(tmp_path: Path) -> None:
    model = build_autoencoder(autoencoder(latent=3), TRAIN.images, seed=1)
    paths = Paths.model_construct(outputs=tmp_path / "outputs", plots=tmp_path / "plots")
    figures = reconstruction.report(model, CASE, SETTINGS, paths)
    unit = TEST.images / 255
    errors = ((predict(model, TEST.images) - unit) ** 2).mean(axis=(1, 2, 3))
    pca_errors = ((by_svd(3) - unit) ** 2).mean(axis=(1, 2, 3))
    assert figures["mse"] == pytest.approx(errors.mean(), rel=1e-5)
    assert figures["pca_mse"] == pytest.approx(pca_errors.mean(), rel=1e-4)
    assert figures["mse_ratio"] == pytest.approx(errors.mean() / pca_errors.mean(), rel=1e-4)
    assert np.allclose(np.load(tmp_path / "outputs/ae_errors.npy"), errors, atol=1e-6)
    table = pd.read_csv(tmp_path / "plots/ae/errors.csv")
    for label, row in table.iterrows():
        mine = TEST.labels == label
        assert row["autoencoder"] == pytest.approx(errors[mine].mean(), abs=1e-5)
        assert row["PCA"] == pytest.approx(pca_errors[mine].mean(), abs=1e-5)
    assert (tmp_path / "plots/ae/reconstructions.png").read_bytes().startswith(b"\x89PNG")
    intervals = pd.read_csv(tmp_path / "plots/ae/figures.csv").set_index("figure")
    chosen = [np.repeat(np.arange(30), column.astype(int)) for column in CASE.counts.T]
    ratios = [errors[each].mean() / pca_errors[each].mean() for each in chosen]
    expected = np.quantile(ratios, [0.025, 0.975])
    assert intervals[["low", "high"]].loc[["mse_ratio"]].to_numpy()[0] == pytest.approx(expected, rel=1e-3)
