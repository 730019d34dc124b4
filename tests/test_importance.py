"""Which pixels matter: indices, ranks, rank correlations and the forest behind them."""

import numpy as np
import pytest

from digits.analysis.saliency import importance
from digits.data.splits import Split
from tests.helpers import random_images, random_split


def test_a_flat_index_is_row_and_column_of_the_image() -> None:
    table = importance.table(np.arange(784).reshape(28, 28) / 784)
    for index in (0, 27, 28, 405, 783):
        row = table.iloc[index]
        assert (row["row"], row["column"]) == (index // 28, index % 28)
        assert row["impurity"] == index / 784


def test_rows_and_columns_are_not_mixed_up_where_they_differ_in_number() -> None:
    table = importance.table(np.arange(15.0).reshape(3, 5), spread=np.arange(15.0).reshape(3, 5) + 0.5)
    assert table["row"].tolist() == [i // 5 for i in range(15)]
    assert table["column"].tolist() == [i % 5 for i in range(15)]
    assert table["spread"].tolist() == [i + 0.5 for i in range(15)]


def test_the_largest_are_named_in_ascending_order_and_the_lower_index_wins_a_tie() -> None:
    values = np.array([0.1, 0.3, 0.2, 0.3, 0.2, 0.2, 0.0])
    assert importance.largest(values, 3).tolist() == [1, 2, 3]
    assert importance.largest(values, 4).tolist() == [1, 2, 3, 4]
    assert importance.largest(np.zeros(100), 3).tolist() == [0, 1, 2]
    assert importance.largest(values, 7).dtype == np.int64


def test_ranks_count_from_1_and_agree_with_the_largest() -> None:
    values = np.random.default_rng(1).integers(5, size=30) / 10  # with many ties
    table = importance.table(values.reshape(5, 6))
    assert sorted(table["rank"]) == list(range(1, 31))
    assert table.sort_values("rank")["impurity"].is_monotonic_decreasing
    for n in (1, 7, 30):
        assert np.flatnonzero(table["rank"] <= n).tolist() == importance.largest(values, n).tolist()


def test_channels_are_summed() -> None:
    values = np.random.default_rng(1).random((2, 4, 3))
    summed = importance.sum_channels(values.ravel(), (2, 4))
    assert np.allclose(summed, values[..., 0] + values[..., 1] + values[..., 2])


def test_a_rank_correlation_is_that_of_ranks_with_ties_at_their_mean() -> None:
    first, second = np.array([[1.0, 5.0], [2.0, 2.0]]), np.array([[10.0, 8.0], [9.0, 30.0]])
    ranks = np.corrcoef([1, 4, 2.5, 2.5], [3, 1, 2, 4])[0, 1]
    assert importance.rank_correlation(first, second) == pytest.approx(ranks)
    assert importance.rank_correlation(first, np.exp(first)) == pytest.approx(1)
    assert importance.rank_correlation(first, -first) == pytest.approx(-1)


def test_a_map_that_is_the_same_everywhere_has_no_rank_correlation() -> None:
    maps = {"flat": np.zeros((2, 2)), "steep": np.arange(4.0).reshape(2, 2)}
    table = importance.rank_correlations(maps)
    assert table.columns.tolist() == table.index.tolist() == ["flat", "steep"]
    assert table.to_numpy() == pytest.approx(np.array([[0, 0], [0, 1]]))


def test_the_forest_looks_where_the_label_is() -> None:
    images = random_images(300, 4, 5, 1)
    labels = (images[:, 2, 3, 0] > 127).astype(np.uint8)
    split = Split(images, labels, np.arange(300, dtype=np.int32))
    forest = importance.fit_forest(split, trees=20, seed=1, threads=2)
    assert importance.largest(forest.feature_importances_, 1).tolist() == [2 * 5 + 3]
    assert forest.n_estimators == 20


def test_the_forest_comes_from_its_seed_and_not_from_the_threads() -> None:
    split = random_split(90)
    forests = [importance.fit_forest(split, 5, seed, threads) for seed, threads in ((1, 1), (1, 2), (2, 1))]
    first, again, other = (forest.feature_importances_ for forest in forests)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_forest_adds_its_votes_in_one_order() -> None:
    assert importance.fit_forest(random_split(30), 2, seed=1, threads=2).n_jobs == 1


def test_accuracy_is_the_share_of_right_answers() -> None:
    forest = importance.fit_forest(random_split(60), 3, seed=1, threads=1)
    other = random_split(60, seed=7)
    awry = Split(other.images, np.roll(other.labels, 1), other.indices)
    for split in (other, awry):
        right = forest.predict(split.images.reshape(60, -1)) == split.labels
        assert importance.forest_accuracy(forest, split) == pytest.approx(right.mean())
