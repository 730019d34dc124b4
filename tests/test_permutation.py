"""Permutation importance: blocks, the drop of accuracy, and the forest's quick way against the plain one."""

import numpy as np
import pytest

from digits.analysis.saliency import permutation
from digits.analysis.saliency.importance import fit_forest
from digits.data.splits import Split
from tests.helpers import random_images, random_split


def blocks_of(split: Split, side: int) -> list[np.ndarray]:
    return permutation.group_pixels(permutation.number_blocks(split.images.shape[1:3], side), 1)


def test_blocks_are_squares_and_the_last_ones_what_is_left() -> None:
    assert permutation.number_blocks((3, 5), 2).tolist() == [
        [0, 0, 1, 1, 2],
        [0, 0, 1, 1, 2],
        [3, 3, 4, 4, 5],
    ]


@pytest.mark.parametrize(("size", "side", "channels"), [((28, 28), 4, 1), ((5, 7), 3, 2), ((4, 4), 9, 3)])
def test_every_value_is_in_one_group(size: tuple[int, int], side: int, channels: int) -> None:
    groups = permutation.group_pixels(permutation.number_blocks(size, side), channels)
    assert sorted(np.concatenate(groups)) == list(range(size[0] * size[1] * channels))
    for number, group in enumerate(groups):
        row, column, _ = np.unravel_index(group, (*size, channels))
        across = -(-size[1] // side)
        assert set(zip(row // side, column // side, strict=True)) == {(number // across, number % across)}


def test_the_sum_of_a_block_is_that_of_its_pixels() -> None:
    values = np.random.default_rng(1).random((5, 7))
    summed = permutation.sum_blocks(values, permutation.number_blocks((5, 7), 3))
    assert summed.shape == (2, 3)
    assert summed[0, 1] == pytest.approx(values[:3, 3:6].sum())
    assert summed[1, 2] == pytest.approx(values[3:, 6:].sum())


def test_the_drop_is_the_accuracy_lost_and_only_where_the_model_looks() -> None:
    images = random_images(400, 4, 4, 1)
    labels = (images[:, 0, 3, 0] > 127).astype(np.uint8)

    def perfect(batch: np.ndarray) -> np.ndarray:
        return (batch[:, 0, 3, 0] > 127).astype(np.uint8)

    split = Split(images, labels, np.arange(400, dtype=np.int32))
    rng = np.random.default_rng(3)
    drops = permutation.permutation_importance(perfect, images, labels, blocks_of(split, 2), rng)
    orders = np.random.default_rng(3)
    orders.permutation(400)  # that of the first block
    moved = labels[orders.permutation(400)]  # the label goes with the pixel
    assert drops.tolist() == [0, pytest.approx(np.mean(moved != labels)), 0, 0]
    assert drops[1] > 0.3


def test_a_model_that_always_gives_one_class_loses_nothing() -> None:
    split = random_split(60)
    drops = permutation.permutation_importance(
        lambda batch: np.full(len(batch), 2), split.images, split.labels, blocks_of(split, 2),
        np.random.default_rng(1),
    )  # fmt: skip
    assert drops.tolist() == [0] * 9


def test_pixels_may_be_worth_less_than_nothing() -> None:
    images = np.zeros((4, 1, 2, 1), dtype=np.uint8)
    images[:, 0, 0, 0] = [0, 1, 0, 1]
    labels = np.array([1, 0, 1, 0])  # always the opposite
    groups = [np.array([0]), np.array([1])]
    found = [
        permutation.permutation_importance(
            lambda batch: batch[:, 0, 0, 0], images, labels, groups, np.random.default_rng(seed)
        )
        for seed in range(5)
    ]
    assert min(drops[0] for drops in found) < 0
    assert all(drops[1] == 0 for drops in found)


@pytest.fixture(scope="module")
def awkward() -> tuple[Split, Split]:
    """Training images in which label 1 is absent, and images that the forest gets partly wrong."""
    train, other = random_split(150, 4, 6), random_split(120, 4, 6, seed=5)
    kept = train.labels != 1
    return Split(train.images[kept], train.labels[kept], train.indices[kept]), other


@pytest.mark.parametrize("side", [1, 2, 4, 6])
def test_the_forest_votes_as_on_images_that_are_really_permuted(
    awkward: tuple[Split, Split], side: int
) -> None:
    train, other = awkward
    forest = fit_forest(train, 7, seed=1, threads=1)
    votes = permutation.ForestVotes(forest, other.images)
    assert np.array_equal(votes.predict(), forest.predict(other.images.reshape(120, -1)))
    for number, group in enumerate(blocks_of(other, side)):
        order = np.random.default_rng(number).permutation(120)
        permuted = other.images.reshape(120, -1).copy()
        permuted[:, group] = permuted[order][:, group]
        assert np.array_equal(votes.predict_permuted(group, order), forest.predict(permuted))


@pytest.mark.parametrize("threads", [1, 3])
def test_the_quick_way_gives_what_the_plain_one_does(awkward: tuple[Split, Split], threads: int) -> None:
    train, other = awkward
    forest, groups = fit_forest(train, 7, seed=1, threads=1), blocks_of(other, 2)
    quick = permutation.forest_permutation_importance(
        permutation.ForestVotes(forest, other.images), other.labels, groups, np.random.default_rng(4), threads
    )
    plain = permutation.permutation_importance(
        lambda batch: forest.predict(batch.reshape(len(batch), -1)),
        other.images,
        other.labels,
        groups,
        np.random.default_rng(4),
    )
    assert np.array_equal(quick, plain)
    assert np.ptp(quick) > 0
