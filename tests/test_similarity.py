"""Matched filters and centred kernel alignment, against plain loops and closed forms."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import ortho_group

from digits.analysis.saliency.similarity import (
    by_chance,
    correlate_kernels,
    correlate_maps,
    linear_cka,
    match,
    matched_similarity,
)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def hsic(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Hilbert-Schmidt independence criterion of two linear kernels, by loops."""
    n = len(first)
    kernels = [[[float(a @ b) for b in values] for a in values] for values in (first, second)]
    centre = [[(i == j) - 1 / n for j in range(n)] for i in range(n)]
    product = np.eye(n)
    for kernel in kernels:
        product = product @ np.array(kernel) @ np.array(centre)
    return float(sum(product[i, i] for i in range(n))) / (n - 1) ** 2


def test_columns_are_correlated_as_numpy_does_it() -> None:
    first, second = normal(40, 3), normal(40, 2, seed=1)
    second[:, 0] += 2 * first[:, 1]
    expected = np.corrcoef(first.T, second.T)[:3, 3:]
    assert correlate_maps(first, second) == pytest.approx(expected)


def test_what_does_not_vary_correlates_with_nothing() -> None:
    first = np.stack([np.full(30, 0.1), np.arange(30.0)], axis=1)
    assert correlate_maps(first, first) == pytest.approx(np.array([[0, 0], [0, 1]]))


def test_maps_are_correlated_over_all_places_of_all_images() -> None:
    first, second = normal(5, 3, 4, 2), normal(5, 3, 4, 6, seed=1)
    found = correlate_maps(first.astype(np.float32), second)
    assert found.shape == (2, 6)
    assert found[1, 4] == pytest.approx(np.corrcoef(first[..., 1].ravel(), second[..., 4].ravel())[0, 1])


def test_kernels_are_compared_by_their_angle() -> None:
    first, second = normal(3, 3, 2, 2), normal(3, 3, 2, 4, seed=1)
    second[..., 2] = -5 * first[..., 1]
    second[..., 3] = 0
    found = correlate_kernels(first, second)
    a, b = first[..., 0].ravel(), second[..., 1].ravel()
    assert found[0, 1] == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)))
    assert found[1, 2] == pytest.approx(-1)
    assert found[:, 3].tolist() == [0, 0]


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3)])
def test_the_pairs_are_the_best_of_all(shape: tuple[int, int]) -> None:
    similarities = normal(*shape)
    rows, columns = match(similarities)
    turned = similarities if shape[0] <= shape[1] else similarities.T
    every = permutations(range(turned.shape[1]), len(turned))
    best = max(sum(turned[row, column] for row, column in enumerate(order)) for order in every)
    assert similarities[rows, columns].sum() == pytest.approx(best)
    assert len(set(rows)) == len(set(columns)) == min(shape)
    assert matched_similarity(similarities) == pytest.approx(best / min(shape))


def test_shuffled_filters_are_found_again() -> None:
    maps, order = normal(6, 4, 4, 7), np.random.default_rng(1).permutation(7)
    noisy = 3 * maps[..., order] + 1 + 0.1 * normal(6, 4, 4, 7, seed=2)
    rows, columns = match(correlate_maps(maps, noisy))
    assert np.array_equal(order[columns], rows)


@pytest.mark.parametrize(("p", "q"), [(3, 4), (30, 4), (30, 40)])
def test_cka_is_the_normalised_hsic(p: int, q: int) -> None:
    first, second = normal(12, p) + 3, normal(12, q, seed=1)
    second[:, :2] += first[:, :2]
    expected = hsic(first, second) / np.sqrt(hsic(first, first) * hsic(second, second))
    assert linear_cka(first, second) == pytest.approx(expected)


@pytest.mark.parametrize("n", [8, 100])
def test_cka_is_one_after_rotation_shift_and_scaling(n: int) -> None:
    first = normal(n, 20)
    turned = 7 * first @ ortho_group.rvs(20, random_state=1) - 5
    assert linear_cka(first, turned) == pytest.approx(1)
    assert linear_cka(first, first * np.geomspace(1, 100, 20)) < 0.95  # another factor for each axis


def test_cka_of_single_columns_is_the_squared_correlation() -> None:
    first, second = normal(50, 1), normal(50, 1, seed=1)
    second += first
    assert linear_cka(first, second) == pytest.approx(np.corrcoef(first.T, second.T)[0, 1] ** 2)


def test_cka_of_independent_layers_is_near_0_for_many_images() -> None:
    assert linear_cka(normal(4000, 5), normal(4000, 5, seed=1)) < 0.01
    assert linear_cka(normal(20, 500), normal(20, 500, seed=1)) > 0.8  # and not given few


def test_cka_takes_maps_and_what_does_not_vary() -> None:
    maps = normal(9, 3, 3, 2)
    assert linear_cka(maps, maps.reshape(9, -1)) == pytest.approx(1)
    assert linear_cka(maps, np.full((9, 4), 0.1)) == 0.0


def test_chance_is_what_permuted_images_give() -> None:
    first, second = normal(21, 1), normal(21, 1, seed=1)
    chance = by_chance(linear_cka, first, second, 2000, np.random.default_rng(1))
    assert chance.shape == (2000,)
    assert chance.mean() == pytest.approx(1 / 20, rel=0.1)  # of a squared correlation: 1 / (n - 1)
    again = by_chance(linear_cka, first, second, 2000, np.random.default_rng(1))
    assert np.array_equal(chance, again)


def test_a_match_is_compared_with_permuted_images() -> None:
    first = normal(30, 2, 2, 5)
    second = first[..., ::-1] + 0.5 * normal(30, 2, 2, 5, seed=1)

    def measure(one: np.ndarray, other: np.ndarray) -> float:
        return matched_similarity(correlate_maps(one, other))

    chance = by_chance(measure, first, second, 20, np.random.default_rng(1))
    assert measure(first, second) > 0.8
    assert 0 < chance.max() < 0.4  # the best pairs of independent maps correlate, too
