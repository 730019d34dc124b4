"""The Fréchet distance, against closed forms and SciPy's matrix root; signal-to-noise ratios."""

import numpy as np
import pytest
from digits.analysis.latent.frechet import frechet_distance
from digits.analysis.latent.quality import filter_median, signal_to_noise
from scipy import linalg
from scipy.ndimage import median_filter

from digits.analysis.latent.gaussian import Region, describe

RNG = np.random.default_rng(0)
FIRST, SECOND = RNG.random((300, 4)), RNG.random((300, 4)) @ RNG.normal(size=(4, 4))


def test_of_axes_without_correlation_it_is_a_sum_over_axes() -> None:
    means, variances = RNG.normal(size=(2, 5)), RNG.random((2, 5))
    expected = sum(
        (means[0, i] - means[1, i]) ** 2 + (variances[0, i] ** 0.5 - variances[1, i] ** 0.5) ** 2
        for i in range(5)
    )
    regions = [Region(mean, np.diag(variance)) for mean, variance in zip(means, variances, strict=True)]
    assert frechet_distance(*regions) == pytest.approx(expected)


def test_it_is_the_formula_with_the_root_of_the_product() -> None:
    first, second = describe(FIRST), describe(SECOND)
    root = linalg.sqrtm(first.covariance @ second.covariance).real
    expected = ((first.mean - second.mean) ** 2).sum()
    expected += np.trace(first.covariance + second.covariance - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected)
    assert frechet_distance(second, first) == pytest.approx(expected)


def test_it_is_0_between_equals_and_the_squared_distance_between_copies_that_are_moved() -> None:
    region = describe(FIRST)
    assert frechet_distance(region, region) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(region, Region(region.mean + 2, region.covariance)) == pytest.approx(16)


def test_fewer_vectors_than_axes_are_no_obstacle() -> None:
    few = describe(FIRST[:3])
    assert np.linalg.matrix_rank(few.covariance) == 2
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-7)
    assert frechet_distance(few, Region(few.mean, np.zeros((4, 4)))) == pytest.approx(
        np.trace(few.covariance)
    )
    assert frechet_distance(few, describe(SECOND)) > 0


def test_the_ratio_is_that_of_the_mean_squared_error_in_decibels() -> None:
    originals = RNG.random((3, 4, 4, 1))
    assert signal_to_noise(originals + 0.1, originals) == pytest.approx(20)
    assert signal_to_noise(originals + 0.01, originals) == pytest.approx(40)
    assert signal_to_noise(originals, originals) is None


def test_the_median_is_taken_within_an_image_and_a_channel() -> None:
    images = RNG.random((2, 5, 6, 3)).astype(np.float32)
    filtered = filter_median(images)
    assert filtered.dtype == images.dtype
    for image in range(2):
        for channel in range(3):
            expected = median_filter(images[image, :, :, channel], 3, mode="nearest")
            assert np.array_equal(filtered[image, :, :, channel], expected)
    assert filtered[0, 2, 2, 1] == np.median(images[0, 1:4, 1:4, 1])
