"""The autoencoder: shapes, the two halves, seeds and penalty."""

import keras
import numpy as np
import pytest

from digits.networks.autoencoder.builder import build_autoencoder
from digits.networks.common.saved import split_autoencoder
from tests.support.helpers import autoencoder, random_images

SMALL = random_images(3, 6, 5, 1)


def sizes(model: keras.Model, prefix: str) -> list[tuple[int, int]]:
    return [layer.output.shape[1:3] for layer in model.layers if layer.name.startswith(prefix)]


@pytest.mark.parametrize("pooling", ["max", "mean"])
@pytest.mark.parametrize("shape", [(28, 28, 1), (20, 24, 3), (9, 13, 2)])
def test_convolutions_give_back_the_shape_of_the_image(shape: tuple[int, ...], pooling: str) -> None:
    images = random_images(2, *shape)
    settings = autoencoder(layers=(3, "pool", 4, "pool", 2, "pool"), pooling=pooling, kernel=2)
    reconstruction = np.asarray(build_autoencoder(settings, images, seed=1)(images))
    assert reconstruction.shape == images.shape
    assert reconstruction.min() >= 0
    assert reconstruction.max() <= 1
    assert np.ptp(reconstruction) > 1e-3


def test_the_decoder_goes_back_through_the_sizes_of_the_encoder() -> None:
    settings = autoencoder(layers=(3, "pool", 4, "pool", 2, "pool"))
    model = build_autoencoder(settings, random_images(1, 28, 28, 1), seed=1)
    assert sizes(model, "encoder_pool") == [(14, 14), (7, 7), (3, 3)]
    assert sizes(model, "decoder_padding") == [(7, 7), (14, 14), (28, 28)]


def test_dense_layers_mirror_each_other() -> None:
    model = build_autoencoder(autoencoder(hidden=(12, 8), latent=3), SMALL, seed=1)
    dense = [layer for layer in model.layers if hasattr(layer, "kernel")]
    assert [layer.units for layer in dense] == [12, 8, 3, 8, 12, 30]
    assert [layer.activation.__name__ for layer in dense] == ["relu"] * 2 + ["linear"] + ["relu"] * 2 + [
        "sigmoid"
    ]


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_the_chosen_pooling_is_the_one_that_pools(pooling: str) -> None:
    model = build_autoencoder(autoencoder(layers=("pool",), pooling=pooling), SMALL, seed=1)
    blocks = SMALL[:, :6, :4].reshape(3, 3, 2, 2, 2, 1) / np.float32(255)
    pooled = model.get_layer("encoder_pool_1")(SMALL / np.float32(255))
    assert np.allclose(pooled, getattr(np, pooling)(blocks, axis=(2, 4)))


@pytest.mark.parametrize("layers", [(), (4, "pool", 3)])
def test_decoder_after_encoder_is_the_whole(layers: tuple[int | str, ...]) -> None:
    model = build_autoencoder(autoencoder(layers=layers), SMALL, seed=1)
    encoder, decoder = split_autoencoder(model)
    latent = encoder(SMALL)
    assert latent.shape == (3, 2)
    assert np.allclose(decoder(latent), model(SMALL), atol=1e-6)


def test_the_halves_share_their_weights_with_the_whole() -> None:
    model = build_autoencoder(autoencoder(), SMALL, seed=1)
    encoder, decoder = split_autoencoder(model)
    before = np.asarray(model(SMALL))
    model.set_weights([values + 0.3 for values in model.get_weights()])
    after = np.asarray(model(SMALL))
    assert not np.allclose(before, after, atol=1e-3)
    assert np.allclose(decoder(encoder(SMALL)), after, atol=1e-6)


def test_the_penalty_is_on_all_kernels_and_no_bias() -> None:
    model = build_autoencoder(autoencoder(layers=(4, "pool"), l2=0.02), SMALL, seed=1)
    model.set_weights([values + 0.1 for values in model.get_weights()])
    kernels = [np.asarray(layer.kernel) for layer in model.layers if hasattr(layer, "kernel")]
    assert len(model.losses) == len(kernels) == 7
    expected = 0.02 * sum((kernel**2).sum() for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_weights_come_from_the_seed_alone_and_no_two_layers_share_a_draw() -> None:
    settings = autoencoder(layers=(5, 5), hidden=(6, 6, 6), latent=6)

    def kernels(seed: int) -> list[np.ndarray]:
        model = build_autoencoder(settings, random_images(1, 4, 4, 5), seed)
        return [np.asarray(layer.kernel) for layer in model.layers if hasattr(layer, "kernel")]

    keras.utils.set_random_seed(1)
    first = kernels(5)
    keras.utils.set_random_seed(2)
    assert all(map(np.array_equal, first, kernels(5)))
    assert not any(map(np.array_equal, first, kernels(6)))
    for index, kernel in enumerate(first):
        assert not any(np.array_equal(kernel, other) for other in first[index + 1 :])
        alike = [other for other in first[index + 1 :] if other.shape == kernel.shape]
        assert all(abs(np.corrcoef(kernel.ravel(), other.ravel())[0, 1]) < 0.7 for other in alike)
