"""Which pixels matter: indices, ranks and the forest behind them."""

import numpy as np
import pytest

from stages.analysis import importance
from stages.shared.data import Split
from tests.helpers import random_images, random_split


def test_a_flat_index_is_row_and_column_of_the_image() -> None:
    table = importance.table(np.arange(784) / 784, (28, 28))
    for index in (0, 27, 28, 405, 783):
        row = table.iloc[index]
        assert (row["row"], row["column"]) == (index // 28, index % 28)
        assert row["importance"] == index / 784


def test_rows_and_columns_are_not_mixed_up_where_they_differ_in_number() -> None:
    table = importance.table(np.arange(15.0), (3, 5))
    assert table["row"].tolist() == [i // 5 for i in range(15)]
    assert table["column"].tolist() == [i % 5 for i in range(15)]


def test_the_largest_are_named_in_ascending_order_and_the_lower_index_wins_a_tie() -> None:
    values = np.array([0.1, 0.3, 0.2, 0.3, 0.2, 0.2, 0.0])
    assert importance.largest(values, 3).tolist() == [1, 2, 3]
    assert importance.largest(values, 4).tolist() == [1, 2, 3, 4]
    assert importance.largest(np.zeros(100), 3).tolist() == [0, 1, 2]
    assert importance.largest(values, 7).dtype == np.int64


def test_ranks_count_from_1_and_agree_with_the_largest() -> None:
    values = np.random.default_rng(1).integers(5, size=30) / 10  # with many ties
    table = importance.table(values, (5, 6))
    assert sorted(table["rank"]) == list(range(1, 31))
    assert table.sort_values("rank")["importance"].is_monotonic_decreasing
    for n in (1, 7, 30):
        assert np.flatnonzero(table["rank"] <= n).tolist() == importance.largest(values, n).tolist()


def test_channels_are_summed() -> None:
    values = np.random.default_rng(1).random(24)
    table = importance.table(values, (2, 4))
    assert np.allclose(table["importance"], values.reshape(8, 3).sum(axis=1))
    assert table["rank"].tolist() == (8 - values.reshape(8, 3).sum(axis=1).argsort().argsort()).tolist()


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


def test_accuracy_is_the_share_of_right_answers() -> None:
    forest = importance.fit_forest(random_split(60), 3, seed=1, threads=1)
    other = random_split(60, seed=7)
    awry = Split(other.images, np.roll(other.labels, 1), other.indices)
    for split in (other, awry):
        right = forest.predict(split.images.reshape(60, -1)) == split.labels
        assert importance.forest_accuracy(forest, split) == pytest.approx(right.mean())
