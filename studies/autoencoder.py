"""One training of an autoencoder, as every study takes it."""

import keras
import numpy as np

from stages.networks.autoencoder import build_autoencoder
from stages.networks.autoencoder_settings import Autoencoder
from stages.networks.noise import add_noise
from stages.shared.data import Split
from stages.shared.training import Silent, fit, reconstruction


def train(settings: Autoencoder, splits: tuple[Split, Split], seed: int) -> keras.Model:
    """Return an autoencoder fitted on the first of `splits`, its epoch chosen on the second."""
    model = build_autoencoder(settings, splits[0].images, seed)

    def noisy(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return add_noise(images, settings.noise, rng)

    fit(model, reconstruction(), splits, settings, seed, Silent(), noisy).finish()
    return model
