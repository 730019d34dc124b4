"""Maps by t-SNE and what is measured of them, on three far clusters, against scikit-learn and loops."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from digits.analysis.latent import embedding

RNG = np.random.default_rng(0)
LABELS = np.arange(90) % 3
SPACE = np.eye(3)[LABELS] * 8 + RNG.normal(size=(90, 3))
TEST_LABELS = np.arange(12) % 3
TEST = np.eye(3)[TEST_LABELS] * 8 + RNG.normal(size=(12, 3))


@pytest.fixture(scope="module")
def maps() -> tuple[np.ndarray, np.ndarray]:
    return embedding.embed(SPACE, TEST, 10, 1)


def test_a_map_keeps_clusters_and_places_new_vectors_among_their_own(
    maps: tuple[np.ndarray, np.ndarray],
) -> None:
    mapped, placed = maps
    assert (mapped.shape, placed.shape) == ((90, 2), (12, 2))
    nearest = cdist(placed, mapped).argmin(axis=1)
    assert np.array_equal(LABELS[nearest], TEST_LABELS)
    assert embedding.measure_clusters(mapped, LABELS, 0)["rand_index"] == pytest.approx(1)


def test_the_same_seed_gives_the_same_bits(maps: tuple[np.ndarray, np.ndarray]) -> None:
    again = embedding.embed(SPACE, TEST, 10, 1)
    assert all(np.array_equal(a, b) for a, b in zip(maps, again, strict=True))


def test_trustworthiness_is_the_printed_formula() -> None:
    mapped, k, n = SPACE[:, :2], embedding.NEIGHBOURS, len(SPACE)
    penalty = 0
    for i in range(n):
        ranks = np.argsort(np.argsort(np.linalg.norm(SPACE - SPACE[i], axis=1)))
        order = np.argsort(np.linalg.norm(mapped - mapped[i], axis=1))
        near = [j for j in order if j != i][:k]
        penalty += sum(max(0, ranks[j] - k) for j in near)
    expected = 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty
    assert embedding.measure_trust(SPACE, mapped) == pytest.approx(expected)
    assert embedding.measure_trust(SPACE, SPACE) == 1
    assert embedding.measure_trust(SPACE[:4], SPACE[:4, :2]) <= 1


def test_votes_are_those_of_the_nearest() -> None:
    assert embedding.count_neighbour_votes(SPACE, LABELS, TEST, TEST_LABELS) == 12
    assert embedding.count_neighbour_votes(SPACE, LABELS, TEST, (TEST_LABELS + 1) % 3) == 0
    assert embedding.count_neighbour_votes(SPACE[:3], LABELS[:3], TEST, np.zeros(12, int)) in (0, 12)


def test_clusters_that_are_the_classes_are_told_from_those_that_are_not() -> None:
    own = embedding.measure_clusters(SPACE, LABELS, 0)
    shuffled = embedding.measure_clusters(SPACE, RNG.permutation(LABELS), 0)
    assert own["rand_index"] == pytest.approx(1)
    assert own["silhouette"] > 0.6 > 0.1 > abs(shuffled["silhouette"])
    assert abs(shuffled["rand_index"]) < 0.1


def test_one_class_or_one_image_a_class_has_no_clusters() -> None:
    nothing = {"silhouette": 0.0, "rand_index": 0.0}
    assert embedding.measure_clusters(SPACE[:9], np.zeros(9), 0) == nothing
    assert embedding.measure_clusters(SPACE[:9], np.arange(9), 0) == nothing


def test_many_dimensions_are_reduced_without_the_test_set() -> None:
    wide = RNG.normal(size=(70, 60))
    train, test = embedding.reduce(wide, [wide[:5]])
    assert train.shape == (70, embedding.DIMENSIONS)
    assert np.allclose(test, train[:5])
    narrow, _ = embedding.reduce(SPACE, [TEST])
    assert np.array_equal(narrow, SPACE)


def test_one_axis_and_few_images_are_mapped() -> None:
    mapped, placed = embedding.embed(SPACE[:20, :1], TEST[:3, :1], 30, 1)
    assert np.isfinite(mapped).all()
    assert placed.shape == (3, 2)
