"""What pairs of pixels tell of the class, against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from stages.feature_importance import pixel_pairs
from tests.support.helpers import random_split


def test_the_information_is_that_of_levels_and_label() -> None:
    split = random_split(200, n_classes=4, side=4)
    kept = split.labels != 1  # a class is absent
    pixels, labels = split.images.reshape(200, -1)[kept, ::3], split.labels[kept]
    found = pixel_pairs.pair_information(pixels, labels)
    levels = pixels.astype(int) // 64
    for first in range(6):
        for second in range(6):
            both = levels[:, first] * 4 + levels[:, second]
            assert found[first, second] == pytest.approx(mutual_info_score(both, labels) / np.log(2))


def test_a_pair_may_tell_what_neither_pixel_tells() -> None:
    values = np.array([[0, 0], [0, 255], [255, 0], [255, 255]], dtype=np.uint8)
    labels = np.array([0, 1, 1, 0])  # exclusive or
    assert pixel_pairs.pair_information(values, labels) == pytest.approx(np.array([[0, 1], [1, 0]]))


def test_the_most_informative_pair_is_found() -> None:
    pixels = np.random.default_rng(1).integers(256, size=(3000, 6), dtype=np.uint8)
    labels = ((pixels[:, 1] > 127) ^ (pixels[:, 4] > 127)).astype(np.uint8)
    assert pixel_pairs.most_informative(pixels, labels) == (1, 4)
    assert pixel_pairs.pair_information(pixels, labels)[1, 4] == pytest.approx(1, abs=0.01)


def test_a_single_class_has_no_information() -> None:
    pixels = np.random.default_rng(1).integers(256, size=(50, 3), dtype=np.uint8)
    assert pixel_pairs.pair_information(pixels, np.zeros(50, dtype=np.uint8)) == pytest.approx(
        np.zeros((3, 3))
    )
