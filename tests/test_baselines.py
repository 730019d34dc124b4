"""Baselines and learning curves of the stage evaluate."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from digits.analysis.classification.metrics import measure, summarize
from digits.networks.autoencoder.builder import build_autoencoder
from digits.networks.common.saved import predict
from stages.evaluate import comparison, curves, reconstruction
from stages.evaluate.context import measure_result
from tests.support.evaluation import images, make_context, make_result, texts
from tests.support.helpers import autoencoder


def test_the_comparison_has_a_row_per_classifier() -> None:
    context = make_context()
    labels, guesses = context.test.labels, comparison.predict_baselines(context, 20)
    fractions = np.bincount(context.train.labels) / len(context.train)
    assert np.array_equal(guesses["majority"], np.tile(fractions, (30, 1)))
    metrics: dict[str, dict[str, Any]] = {}
    for name, values in guesses.items():
        metrics[name] = summarize(measure(labels, values, 5, np.ones((30, 1))), 30, 0.95)
    for name, kind in (("mlp", "usual"), ("cnn", "perfect")):
        result = make_result(kind, name)
        metrics[name], _ = measure_result(result, result.probabilities, 1.0, context)
    table = comparison.tabulate_classifiers(metrics)
    assert table["classifier"].tolist() == ["majority", "logistic", "mlp", "cnn"]
    assert table["accuracy"].iloc[[0, 3]].tolist() == pytest.approx([1 / 3, 1])
    figure = comparison.draw_error_rates(table, 0.95)
    assert [text.strip() for text in texts(figure)] == [f"{1 - each:.2%}" for each in table["accuracy"]]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["Majority class", "Logistic regression", "MLP", "CNN"]


def test_learning_curves_show_every_epoch_and_the_kept_one() -> None:
    epochs = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1], "val_loss": [1.5, 1.6], "kept": [True, False]})
    (loss,) = curves.draw_history(epochs, "autoencoder").axes
    assert [np.asarray(line.get_ydata()).tolist() for line in loss.lines[:2]] == [[2, 1], [1.5, 1.6]]
    assert np.asarray(loss.lines[2].get_xdata()).tolist() == [1, 1]
    figure = curves.draw_history(epochs.assign(accuracy=[0.8, 0.9], val_accuracy=[0.85, 0.7]), "network")
    assert np.asarray(figure.axes[1].lines[0].get_ydata()).tolist() == pytest.approx([0.2, 0.1])


def by_svd(dimension: int) -> np.ndarray:
    """Return the test images from that many principal components of the training images."""
    context = make_context()
    train, test = context.train.images.reshape(60, -1) / 255, context.test.images.reshape(30, -1) / 255
    mean = train.mean(axis=0)
    directions = np.linalg.svd(train - mean, full_matrices=False)[2][:dimension]
    return ((test - mean) @ directions.T @ directions + mean).reshape(context.test.images.shape)


def test_the_squared_error_is_the_mean_over_the_pixels_of_an_image() -> None:
    originals = np.zeros((3, 2, 2, 1), np.float32)
    changed = originals.copy()
    changed[1] = 0.5
    changed[2, 0, 1] = 1
    errors = reconstruction.squared_error(originals, changed)
    assert errors.tolist() == [0, 0.25, 0.25]
    assert errors.dtype == np.float64


def test_autoencoder_and_pca_are_measured_on_the_test_images() -> None:
    context = make_context()
    model = build_autoencoder(autoencoder(latent=3), context.train.images, seed=1)
    unit = context.test.images / 255
    made = reconstruction.reconstruct(model, context.train, context.test)
    assert np.allclose(made["PCA"], by_svd(3), atol=1e-4)
    errors = {name: reconstruction.squared_error(unit, x) for name, x in made.items()}
    metrics, tables = reconstruction.measure(errors, context)
    mine = ((predict(model, context.test.images) - unit) ** 2).mean(axis=(1, 2, 3))
    pca = ((by_svd(3) - unit) ** 2).mean(axis=(1, 2, 3))
    assert metrics["mse"] == pytest.approx(mine.mean(), rel=1e-5)
    assert metrics["pca_mse"] == pytest.approx(pca.mean(), rel=1e-4)
    assert metrics["mse_ratio"] == pytest.approx(mine.mean() / pca.mean(), rel=1e-4)
    for label, row in tables["errors"].iterrows():
        chosen = context.test.labels == label
        assert row["autoencoder"] == pytest.approx(mine[chosen].mean(), abs=1e-5)
        assert row["PCA"] == pytest.approx(pca[chosen].mean(), abs=1e-5)
    drawn = [np.repeat(np.arange(30), column.astype(int)) for column in context.weights[:, 1:].T]
    ratios = [mine[each].mean() / pca[each].mean() for each in drawn]
    bias = np.mean(ratios) - metrics["mse_ratio"]
    found = tables["metrics"].set_index("metric")[["low", "high"]].loc[["mse_ratio"]].to_numpy()[0]
    assert found == pytest.approx(np.quantile(ratios, [0.025, 0.975]) - bias, rel=1e-3)
    figure = reconstruction.draw_reconstructions(unit, made, metrics, reconstruction.count_latents(model))
    assert "with 3 numbers each" in str(figure.get_suptitle()).replace("\n", " ")
    assert texts(figure) == ["original", "autoencoder", "PCA"]
    assert images(figure) == 36
