"""What a data set holds, against NumPy."""

import numpy as np
import pytest

from digits.data.splits import Split
from stages.preprocess import exploration
from tests.helpers import random_images

IMAGES = random_images(40, 4, 6, 1)
IMAGES[IMAGES < 100] = 0
IMAGES[:, 1:3, 2] = 0
SPLIT = Split(IMAGES, (np.arange(40) ** 2 % 5).astype(np.uint8), np.arange(40, dtype=np.int32))


def test_statistics_are_numpy_s_on_pixels_in_0_to_1() -> None:
    unit = IMAGES / 255
    assert exploration.statistics(SPLIT) == {
        "images": 40,
        "height": 4,
        "width": 6,
        "pixel_mean": pytest.approx(unit.mean()),
        "pixel_deviation": pytest.approx(unit.std()),
        "share_of_zeros": pytest.approx(np.count_nonzero(unit == 0) / unit.size),
        "pixels_never_lit": 2,
    }


def test_class_means_are_each_class_s_mean_image() -> None:
    labels = (np.arange(40) % 3).astype(np.uint8)
    means = exploration.class_means(Split(IMAGES, labels, SPLIT.indices), 3)
    assert means.shape == (3, 4, 6, 1)
    for label in range(3):
        assert np.allclose(means[label], IMAGES[label::3].astype(float).sum(axis=0) / len(IMAGES[label::3]))


def test_labels_are_counted_with_those_that_are_absent() -> None:
    table = exploration.label_counts({"train": SPLIT}, ["a", "b", "c", "d", "e", "f"])
    assert table["class"].tolist() == ["a", "b", "c", "d", "e", "f"]
    assert table["train"].tolist() == [8, 16, 0, 0, 16, 0]


def test_all_256_pixel_values_are_counted() -> None:
    table = exploration.pixel_values(IMAGES)
    assert table["value"].tolist() == list(range(256))
    assert table["count"].tolist() == [np.equal(IMAGES, value).sum() for value in range(256)]
    assert np.allclose(table["share"], table["count"] / IMAGES.size)
