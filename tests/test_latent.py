"""Where latent vectors lie, what is drawn there, and what comes back."""

from pathlib import Path

import keras
import numpy as np
import pytest

from stages.analysis import latent
from stages.analysis.latent import FITTED, STANDARD, Region
from stages.latent_analysis.generation import decode
from stages.latent_analysis.spaces import collect, open_autoencoder
from stages.networks.autoencoder import build_autoencoder, split_autoencoder
from stages.networks.mlp import build_mlp
from stages.shared.errors import StageError
from stages.shared.models import predict, save_model
from tests.helpers import autoencoder, mlp, random_split

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[2.0, 0.8, 0.0], [0.8, 1.0, -0.3], [0.0, -0.3, 0.5]])
VECTORS = np.random.default_rng(1).multivariate_normal(MEAN, COVARIANCE, 400).astype(np.float32)


def test_mean_covariance_and_correlation_are_numpy_s() -> None:
    region, values = latent.describe(VECTORS), VECTORS.astype(float)
    assert np.allclose(region.mean, values.mean(axis=0))
    assert np.allclose(region.covariance, np.cov(values.T))
    assert np.allclose(region.deviation, values.std(axis=0, ddof=1))
    assert np.allclose(region.correlation, np.corrcoef(values.T))


def test_tables_and_figures_count_axes_from_1_and_each_pair_once() -> None:
    region, correlation = latent.describe(VECTORS), np.corrcoef(VECTORS.astype(float).T)
    pairs = correlation[[0, 0, 1], [1, 2, 2]]
    assert region.axes["axis"].tolist() == [1, 2, 3]
    assert region.correlation_table[["axis", "other"]].to_numpy().tolist() == [[1, 2], [1, 3], [2, 3]]
    assert np.allclose(region.correlation_table["correlation"], pairs)
    assert region.figures == pytest.approx(
        {
            "distance_of_mean": np.sqrt((VECTORS.astype(float).mean(axis=0) ** 2).sum()),
            "mean_deviation": VECTORS.astype(float).std(axis=0, ddof=1).mean(),
            "mean_correlation": np.abs(pairs).mean(),
            "largest_correlation": np.abs(pairs).max(),
        }
    )


def test_an_axis_that_never_varies_is_correlated_with_none() -> None:
    vectors = VECTORS.copy()
    vectors[:, 1] = 3
    region = latent.describe(vectors)
    assert region.correlation[1].tolist() == [0, 1, 0]
    assert np.isfinite(list(region.figures.values())).all()
    assert np.isfinite(latent.draw(region, 5, np.random.default_rng(0))[FITTED]).all()


def test_a_latent_space_may_have_one_axis() -> None:
    region = latent.describe(VECTORS[:, :1])
    assert region.covariance.shape == (1, 1)
    assert len(region.correlation_table) == 0
    assert region.figures["mean_correlation"] == region.figures["largest_correlation"] == 0
    assert latent.draw(region, 7, np.random.default_rng(0))[FITTED].shape == (7, 1)


def test_draws_have_the_moments_of_their_distribution() -> None:
    drawn = latent.draw(Region(MEAN, COVARIANCE), 100_000, np.random.default_rng(3))
    for name, mean, covariance in ((STANDARD, np.zeros(3), np.eye(3)), (FITTED, MEAN, COVARIANCE)):
        assert np.abs(drawn[name].mean(axis=0) - mean).max() < 0.02
        assert np.abs(np.cov(drawn[name].T) - covariance).max() < 0.03


def test_draws_come_from_the_generator() -> None:
    region = Region(MEAN, COVARIANCE)
    first, again, other = (latent.draw(region, 4, np.random.default_rng(seed)) for seed in (1, 1, 2))
    for name in (STANDARD, FITTED):
        assert np.array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])


def test_the_reencoding_error_is_relative_to_the_length_of_the_vector() -> None:
    vectors = np.array([[3.0, 4.0], [0.0, 2.0], [1.0, 1.0]])
    reencoded = np.array([[3.0, 4.0], [0.0, 0.0], [1.0, 3.0]])
    assert np.allclose(latent.reencoding_error(vectors, reencoded), [0, 1, 2 / np.sqrt(2)])


def test_decoded_images_are_encoded_again_on_the_scale_of_the_pixels() -> None:
    pixels, code = keras.Input((2, 2, 1)), keras.Input((4,))
    halved = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
    encoder = keras.Model(pixels, keras.layers.Rescaling(0.5)(halved))
    decoder = keras.Model(code, keras.layers.Reshape((2, 2, 1))(code))
    vectors = {"some": np.random.default_rng(0).random((6, 4)), "few": np.ones((2, 4))}
    result = decode(vectors, encoder, decoder)
    assert np.allclose(result.images["some"].reshape(6, 4), vectors["some"])
    assert result.errors == pytest.approx({"some": 0.5, "few": 0.5})
    assert result.table[["source", "n"]].to_numpy().tolist() == [["some", 6], ["few", 2]]
    assert result.table["reencoding_error"].tolist() == pytest.approx([0.5, 0.5])


def test_the_spaces_are_pixels_hidden_activations_and_codes(tmp_path: Path) -> None:
    train, test = random_split(9), random_split(5, seed=1)
    perceptron = build_mlp(mlp(hidden=(7, 4)), train.images, 3, seed=1)
    save_model(tmp_path / "mlp.keras", perceptron)
    save_model(tmp_path / "ae.keras", build_autoencoder(autoencoder(), train.images, seed=1))
    encoder, decoder = open_autoencoder(tmp_path / "ae.keras")
    found = collect(train, test, tmp_path / "mlp.keras", "hidden_1", encoder)
    assert {name: (a.shape, b.shape) for name, (a, b) in found.items()} == {
        "pixels": ((9, 36), (5, 36)),
        "hidden": ((9, 7), (5, 7)),
        "latent": ((9, 2), (5, 2)),
    }
    assert np.allclose(found["pixels"][1], test.images.reshape(5, 36) / 255)
    layer = perceptron.get_layer("hidden_1")
    assert np.allclose(found["hidden"][1], np.maximum(found["pixels"][1] @ layer.kernel, 0), atol=1e-6)
    assert predict(decoder, found["latent"][0]).shape == train.images.shape


def test_a_layer_that_the_mlp_lacks_is_refused(tmp_path: Path) -> None:
    split = random_split(9)
    save_model(tmp_path / "mlp.keras", build_mlp(mlp(), split.images, 3, seed=1))
    encoder, _ = split_autoencoder(build_autoencoder(autoencoder(), split.images, seed=1))
    message = (
        r"^latent-analysis\.hidden_layer is 'hidden_2'; the MLP has the layers pixels, flat, hidden_1, "
        r"probabilities\. Name one of them in params\.yaml\.$"
    )
    with pytest.raises(StageError, match=message):
        collect(split, split, tmp_path / "mlp.keras", "hidden_2", encoder)
