"""Denoising: signal-to-noise ratios, the median filter, and gains over the noisy image."""

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import median_filter

from digits.data.splits import scale
from stages.latent_analysis import denoising
from stages.latent_analysis.denoising import filter_median, signal_to_noise
from tests.support.helpers import random_images

RNG = np.random.default_rng(0)


def test_noise_is_measured_before_and_after() -> None:
    images = random_images(20, 8, 8, 1)
    levels = {"standard_deviation": (0.1, 0.3), "dropped": (0.5,)}
    methods = {
        denoising.NOISY: scale,
        "perfect": lambda noisy: scale(images),
        "black": lambda noisy: 0 * scale(noisy),
    }
    table = denoising.measure_denoising(methods, images, levels, np.random.default_rng(0))
    psnr = table.set_index(["noise", "level", "method"])["psnr"]
    gaussian = psnr["standard_deviation"]
    assert gaussian[0.1, denoising.NOISY] == pytest.approx(20, abs=1.5)
    assert gaussian[0.1, denoising.NOISY] > gaussian[0.3, denoising.NOISY]
    dropped = psnr["dropped", 0.5]
    assert dropped[denoising.NOISY] == pytest.approx(
        -10 * np.log10(0.5 * (scale(images) ** 2).mean()), abs=0.5
    )
    assert dropped["black"] == pytest.approx(-10 * np.log10((scale(images) ** 2).mean()))
    assert pd.isna(dropped["perfect"])
    gain = denoising.average_gains(table)
    assert set(gain["standard_deviation"]) == {"black"}
    assert gain["dropped"]["black"] == pytest.approx(dropped["black"] - dropped[denoising.NOISY])


def test_the_ratio_is_the_mean_squared_error_in_decibels() -> None:
    originals = RNG.random((3, 4, 4, 1))
    assert signal_to_noise(originals + 0.1, originals) == pytest.approx(20)
    assert signal_to_noise(originals + 0.01, originals) == pytest.approx(40)
    assert signal_to_noise(originals, originals) is None


def test_the_median_stays_within_an_image_and_a_channel() -> None:
    images = RNG.random((2, 5, 6, 3)).astype(np.float32)
    filtered = filter_median(images)
    assert filtered.dtype == images.dtype
    for image in range(2):
        for channel in range(3):
            expected = median_filter(images[image, :, :, channel], 3, mode="nearest")
            assert np.array_equal(filtered[image, :, :, channel], expected)
    assert filtered[0, 2, 2, 1] == np.median(images[0, 1:4, 1:4, 1])
