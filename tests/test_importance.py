"""Importance of pixels: forests, permutation importance, ranks and their correlation."""

import numpy as np
import pytest

from digits.analysis.saliency import importance
from digits.analysis.saliency.importance import fit_forest
from digits.compute import CORES
from digits.data.splits import Split
from tests.support.helpers import random_images, random_split


def test_the_largest_are_ascending_and_ties_go_to_lower_indices() -> None:
    values = np.array([0.1, 0.3, 0.2, 0.3, 0.2, 0.2, 0.0])
    assert importance.largest(values, 3).tolist() == [1, 2, 3]
    assert importance.largest(values, 4).tolist() == [1, 2, 3, 4]
    assert importance.largest(np.zeros(100), 3).tolist() == [0, 1, 2]
    assert importance.largest(values, 7).dtype == np.int64


def test_ranks_count_from_1_and_agree_with_the_largest() -> None:
    values = np.random.default_rng(1).integers(5, size=30) / 10  # with many ties
    ranks = importance.rank(values.reshape(5, 6))
    assert ranks.shape == (5, 6)
    assert ranks.dtype == np.int64
    assert sorted(ranks.ravel()) == list(range(1, 31))
    assert (np.diff(values[np.argsort(ranks.ravel())]) <= 0).all()
    for n in (1, 7, 30):
        assert np.flatnonzero(ranks <= n).tolist() == importance.largest(values, n).tolist()


def test_a_rank_correlation_gives_ties_their_mean_rank() -> None:
    first, second = np.array([[1.0, 5.0], [2.0, 2.0]]), np.array([[10.0, 8.0], [9.0, 30.0]])
    ranks = np.corrcoef([1, 4, 2.5, 2.5], [3, 1, 2, 4])[0, 1]
    assert importance.rank_correlation(first, second) == pytest.approx(ranks)
    assert importance.rank_correlation(first, np.exp(first)) == pytest.approx(1)
    assert importance.rank_correlation(first, -first) == pytest.approx(-1)


def test_a_constant_map_has_the_rank_correlation_0() -> None:
    maps = {"flat": np.zeros((2, 2)), "steep": np.arange(4.0).reshape(2, 2)}
    table = importance.rank_correlations(maps)
    assert table.columns.tolist() == table.index.tolist() == ["flat", "steep"]
    assert table.to_numpy() == pytest.approx(np.array([[0, 0], [0, 1]]))


def test_a_forest_finds_the_pixel_that_gives_the_label() -> None:
    images = random_images(300, 4, 5, 1)
    labels = (images[:, 2, 3, 0] > 127).astype(np.uint8)
    split = Split(images, labels, np.arange(300, dtype=np.int32))
    forest = fit_forest(split, trees=20, seed=1)
    assert importance.largest(forest.feature_importances_, 1).tolist() == [2 * 5 + 3]
    assert forest.n_estimators == 20


def test_a_forest_depends_on_its_seed_and_not_on_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    split, found = random_split(90), []
    for seed, cores in ((1, "1"), (1, "2"), (2, "1")):
        monkeypatch.setenv(CORES, cores)
        found.append(fit_forest(split, 5, seed).feature_importances_)
    first, again, other = found
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_forest_predicts_in_one_thread() -> None:
    assert fit_forest(random_split(30), 2, seed=1).n_jobs == 1


def blocks_of(split: Split, side: int) -> list[np.ndarray]:
    return importance.group_pixels(importance.number_blocks(split.images.shape[1:3], side), 1)


def test_blocks_are_squares_and_smaller_at_the_border() -> None:
    assert importance.number_blocks((3, 5), 2).tolist() == [
        [0, 0, 1, 1, 2],
        [0, 0, 1, 1, 2],
        [3, 3, 4, 4, 5],
    ]


@pytest.mark.parametrize(("size", "side", "channels"), [((28, 28), 4, 1), ((5, 7), 3, 2), ((4, 4), 9, 3)])
def test_every_value_is_in_one_group(size: tuple[int, int], side: int, channels: int) -> None:
    groups = importance.group_pixels(importance.number_blocks(size, side), channels)
    assert sorted(np.concatenate(groups)) == list(range(size[0] * size[1] * channels))
    for number, group in enumerate(groups):
        row, column, _ = np.unravel_index(group, (*size, channels))
        across = -(-size[1] // side)
        assert set(zip(row // side, column // side, strict=True)) == {(number // across, number % across)}


def test_the_sum_of_a_block_is_the_sum_of_its_pixels() -> None:
    values = np.random.default_rng(1).random((5, 7))
    summed = importance.sum_blocks(values, importance.number_blocks((5, 7), 3))
    assert summed.shape == (2, 3)
    assert summed[0, 1] == pytest.approx(values[:3, 3:6].sum())
    assert summed[1, 2] == pytest.approx(values[3:, 6:].sum())


def test_accuracy_drops_only_where_the_model_looks() -> None:
    images = random_images(400, 4, 4, 1)
    labels = (images[:, 0, 3, 0] > 127).astype(np.uint8)

    def perfect(batch: np.ndarray) -> np.ndarray:
        return (batch[:, 0, 3, 0] > 127).astype(np.uint8)

    split = Split(images, labels, np.arange(400, dtype=np.int32))
    rng = np.random.default_rng(3)
    drops = importance.permutation_importance(perfect, images, labels, blocks_of(split, 2), rng)
    orders = np.random.default_rng(3)
    orders.permutation(400)  # that of the first block
    moved = labels[orders.permutation(400)]  # the label goes with the pixel
    assert drops.tolist() == [0, pytest.approx(np.mean(moved != labels)), 0, 0]
    assert drops[1] > 0.3


def test_a_constant_model_loses_no_accuracy() -> None:
    split = random_split(60)
    drops = importance.permutation_importance(
        lambda batch: np.full(len(batch), 2), split.images, split.labels, blocks_of(split, 2),
        np.random.default_rng(1),
    )  # fmt: skip
    assert drops.tolist() == [0] * 9


def test_permuting_misleading_pixels_raises_accuracy() -> None:
    images = np.zeros((4, 1, 2, 1), dtype=np.uint8)
    images[:, 0, 0, 0] = [0, 1, 0, 1]
    labels = np.array([1, 0, 1, 0])  # always the opposite
    groups = [np.array([0]), np.array([1])]
    found = [
        importance.permutation_importance(
            lambda batch: batch[:, 0, 0, 0], images, labels, groups, np.random.default_rng(seed)
        )
        for seed in range(5)
    ]
    assert min(drops[0] for drops in found) < 0
    assert all(drops[1] == 0 for drops in found)


@pytest.fixture(scope="module")
def train_and_other() -> tuple[Split, Split]:
    """Training images in which label 1 is absent, and images that the forest gets partly wrong."""
    train, other = random_split(150, 4, 6), random_split(120, 4, 6, seed=5)
    kept = train.labels != 1
    return Split(train.images[kept], train.labels[kept], train.indices[kept]), other


@pytest.mark.parametrize("side", [1, 2, 4, 6])
def test_quick_votes_equal_those_on_permuted_images(train_and_other: tuple[Split, Split], side: int) -> None:
    train, other = train_and_other
    forest = fit_forest(train, 7, seed=1)
    votes = importance.ForestVotes(forest, other.images)
    assert np.array_equal(votes.predict(), forest.predict(other.images.reshape(120, -1)))
    for number, group in enumerate(blocks_of(other, side)):
        order = np.random.default_rng(number).permutation(120)
        permuted = other.images.reshape(120, -1).copy()
        permuted[:, group] = permuted[order][:, group]
        assert np.array_equal(votes.predict_permuted(group, order), forest.predict(permuted))


@pytest.mark.parametrize("cores", ["1", "3"])
def test_the_quick_importance_equals_the_plain_one(
    train_and_other: tuple[Split, Split], cores: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CORES, cores)
    train, other = train_and_other
    forest, groups = fit_forest(train, 7, seed=1), blocks_of(other, 2)
    quick = importance.forest_permutation_importance(
        importance.ForestVotes(forest, other.images), other.labels, groups, np.random.default_rng(4)
    )
    plain = importance.permutation_importance(
        lambda batch: forest.predict(batch.reshape(len(batch), -1)),
        other.images,
        other.labels,
        groups,
        np.random.default_rng(4),
    )
    assert np.array_equal(quick, plain)
    assert np.ptp(quick) > 0
